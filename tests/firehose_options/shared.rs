//! The options of identity and network that `cloudwatch` has too, seen from this plugin.

use std::thread;
use std::time::{Duration, Instant};

use support::aws::{Action, Rule};
use support::host::Verdict;
use support::output::{logs, ready};

use super::{Case, OPERATION, SERVICE, output, with};

pub(crate) const CASES: &[Case] = &[
    ("credentials_endpoint", credentials_come_from_the_document),
    ("auto_retry_requests", a_lost_answer_is_left_to_the_host),
    ("flush_timeout", a_flush_that_is_not_answered_ends_in_time),
    ("concurrency", so_many_chunks_are_delivered_at_once),
    ("resume_path", what_is_delivered_is_noted_there),
    ("use_fips", || is_a_switch("use_fips")),
    ("use_dualstack", || is_a_switch("use_dualstack")),
];

fn credentials_come_from_the_document() {
    let aws = ready();
    let url = aws.credentials_uri();
    let instance = with(output(&aws), &[("credentials_endpoint", &url)]).open();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    assert_eq!(aws.count("EcsCredentials"), 1);
}

fn a_lost_answer_is_left_to_the_host() {
    for (value, verdict, calls) in [("on", Verdict::Ok, 2), ("off", Verdict::Retry, 1)] {
        let aws = ready();
        aws.script(Rule::on(OPERATION, Action::Close));
        let instance = with(output(&aws), &[("auto_retry_requests", value)]).open();
        assert_eq!(instance.flush("app.web", logs(["x"])), verdict, "{value}");
        assert_eq!(aws.count(OPERATION), calls, "{value}");
    }
}

/// An endpoint that is set comes before it; which endpoints it leads to is tested for both plugins in
/// `tests/credentials`, as they share the code.
fn is_a_switch(option: &str) {
    let aws = ready();
    let instance = with(output(&aws), &[(option, "on")]).open();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    let refused = with(output(&aws), &[(option, "perhaps")]).refused();
    assert!(
        refused.iter().any(|line| line.text.contains(option)),
        "{refused:#?}"
    );
}

fn a_flush_that_is_not_answered_ends_in_time() {
    let aws = ready();
    aws.script(Rule::on(OPERATION, Action::Hang).forever());
    let instance = output(&aws).with("flush_timeout", "1s").open();
    let began = Instant::now();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Retry);
    let took = began.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(9)).contains(&took),
        "{took:?}"
    );
}

fn so_many_chunks_are_delivered_at_once() {
    for concurrency in [1, 3] {
        let aws = ready();
        aws.set_latency(Duration::from_millis(100));
        let instance = output(&aws)
            .with("concurrency", &concurrency.to_string())
            .open();
        thread::scope(|scope| {
            for number in 0..8 {
                let chunk = logs([number.to_string()]);
                let flush = || assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
                scope.spawn(flush);
            }
        });
        assert_eq!(aws.max_in_flight(OPERATION), concurrency);
    }
}

fn what_is_delivered_is_noted_there() {
    let aws = ready();
    let directory = std::env::temp_dir().join(format!("{SERVICE}-resume-{}", std::process::id()));
    let path = directory.to_str().expect("UTF-8");
    let files = || std::fs::read_dir(&directory).expect("made").count();
    let instance = output(&aws).with("resume_path", path).open();
    assert_eq!(files(), 1);
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    drop(instance.exit());
    assert_eq!(files(), 0, "nothing is left to note");
    std::fs::remove_dir(&directory).expect("empty");
}
