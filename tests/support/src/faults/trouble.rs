//! What goes wrong in a script: rules, limits and delays of the stand-in.

use std::time::Duration;

use super::logged::POISON;
use super::target::Target;
use crate::aws::{Action, ErrorAnswer, PartialFailure, Rule, StandIn};
use crate::chunk::Random;

/// All that goes wrong on the side of the service.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    rules: Vec<Rule>,
    /// Calls per second of single operations.
    limits: Vec<(&'static str, f64)>,
    latency: Duration,
    /// Whether credentials come from the stand-in, whose endpoint fails at first.
    pub(super) credentials: bool,
}

impl Trouble {
    /// Some trouble for one of the plugins.
    pub(super) fn random(
        random: &mut Random,
        target: Target,
        poisoned: bool,
        places: usize,
    ) -> Self {
        let write = target.write_operation();
        let mut rules: Vec<Rule> = (0..random.below(6)).map(|_| rule(random, target)).collect();
        if random.once_in(4) {
            rules.push(refusals(random, write));
        }
        if poisoned {
            let code = random.one_of::<&str>(REFUSALS);
            let poison = Rule::poison(POISON, code);
            rules.insert(random.below(rules.len() + 1), poison);
        }
        let credentials = random.once_in(8);
        if credentials {
            rules.extend((0..random.below(3)).map(|_| failing_credentials(random)));
        }
        let mut limits = Vec::new();
        // The search for a poisoned event takes some twenty requests, one after another, and begins anew
        // with each flush: a service that is too slow for it takes none of the others in its request.
        if !poisoned && random.once_in(5) {
            limits.push((write, limit(random, places)));
        }
        if target == Target::CloudWatch && random.once_in(4) {
            limits.push(("CreateLogStream", limit(random, places)));
        }
        let latency = if !poisoned && random.once_in(3) {
            Duration::from_millis(random.below(100) as u64)
        } else {
            Duration::ZERO
        };
        Self {
            rules,
            limits,
            latency,
            credentials,
        }
    }

    /// Sets the stand-in to it.
    pub(super) fn begin(&self, service: &StandIn) {
        for rule in &self.rules {
            service.script(rule.clone());
        }
        for (operation, rate) in &self.limits {
            service.limit_operation(operation, *rate);
        }
        service.set_latency(self.latency);
    }
}

/// Calls per second that leave so many destinations some ten seconds.
fn limit(random: &mut Random, places: usize) -> f64 {
    (5 + places / 10 + random.below(100)) as f64
}

fn rule(random: &mut Random, target: Target) -> Rule {
    let write = target.write_operation();
    let on = if target == Target::CloudWatch && random.once_in(5) {
        random.one_of(&["CreateLogStream", "CreateLogGroup"])
    } else {
        write
    };
    let rule = Rule::on(on, action(random, target)).nth(1 + random.below(6) as u64);
    rule.times(1 + random.below(5) as u64)
}

/// Refusals of whole requests, one after another, that pass. There is one such run in a script: a service
/// that takes some requests between two of them would prove that an event is refused for itself.
fn refusals(random: &mut Random, write: &'static str) -> Rule {
    let status = *random.one_of(&[400, 400, 413]);
    let code = random.one_of::<&str>(REFUSALS);
    let refused = error(status, code);
    let rule = Rule::on(write, refused).nth(1 + random.below(8) as u64);
    rule.times(1 + random.below(30) as u64)
}

fn failing_credentials(random: &mut Random) -> Rule {
    let action = match random.below(4) {
        0 => error(500, "InternalError"),
        1 => error(403, "AccessDenied"),
        2 => Action::Garbage,
        _ => Action::Close,
    };
    Rule::on("EcsCredentials", action).times(1 + random.below(2) as u64)
}

fn action(random: &mut Random, target: Target) -> Action {
    let codes = target.partial_codes();
    let kinds = if codes.is_empty() { 16 } else { 20 };
    match random.below(kinds) {
        0 => error(400, "ThrottlingException"),
        1 => error(503, "ServiceUnavailableException"),
        2 => error(500, "InternalFailure"),
        3 => error(400, "NeverHeardOfException"),
        4 => Action::Reset,
        5 => Action::Close,
        6 => error(400, "AccessDeniedException"),
        7 => Action::Garbage,
        8 => Action::AcceptThenReset,
        9 => Action::Hang,
        10 => Action::Delay(Duration::from_millis(random.below(300) as u64)),
        11 => error(502, "Unknown"),
        12 => Action::Truncate,
        13 => Action::AcceptThenDelay(Duration::from_millis(random.below(2000) as u64)),
        14 | 15 => asked_to_wait(random),
        kind => {
            let failure = PartialFailure::every(1 + random.below(9));
            Action::PartialFailure(failure.code(codes[kind % codes.len()]))
        }
    }
}

fn asked_to_wait(random: &mut Random) -> Action {
    let (status, code) = *random.one_of(&[
        (400, "ThrottlingException"),
        (503, "ServiceUnavailableException"),
    ]);
    let header = *random.one_of(&[
        ("Retry-After", "1"),
        ("Retry-After", "2"),
        ("x-amz-retry-after", "700"),
    ]);
    let answer = ErrorAnswer::new(status, code, MESSAGE).header(header.0, header.1);
    Action::Error(answer)
}

fn error(status: u16, code: &str) -> Action {
    Action::Error(ErrorAnswer::new(status, code, MESSAGE))
}

/// Codes of requests that are not accepted as they are.
const REFUSALS: &[&str] = &["InvalidParameterException", "InvalidArgumentException"];
const MESSAGE: &str = "as the script says";
