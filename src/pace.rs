//! How fast to call a service that throttles: one pace for all that share its quota.
//!
//! There is no pace until the service throttles. Then the rate drops below what was accepted
//! (multiplicative decrease), holds, rises a little at a time towards the rate that was throttled
//! and somewhat past it (additive increase), and once nothing was throttled for that long, grows
//! manifold: the limit is gone. The constants come from a simulation that a test repeats.
//!
//! While the service has asked to be left alone, nobody is admitted, and the rate does not change.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use once_cell::sync::Lazy;
use tokio::sync::Mutex as FairMutex;
use tokio::time::{Instant, sleep};

use crate::fault::MOST_QUIET;
use crate::send::Targets;
use crate::session::Settings;

/// The pace of one account's calls of one operation in one region; shared by chunks and instances.
#[derive(Debug, Default)]
pub struct Pace {
    state: Mutex<State>,
    /// Callers wait in a line, so that none waits for ever.
    line: FairMutex<()>,
    /// What the calls write to, as far as it has refused some.
    targets: Targets,
}

impl Pace {
    /// The pace of whoever has these settings.
    #[must_use]
    pub fn shared(settings: &Settings) -> Arc<Self> {
        let mut paces = PACES.lock().unwrap_or_else(PoisonError::into_inner);
        paces.retain(|_, pace| pace.strong_count() > 0);
        if let Some(pace) = paces.get(settings).and_then(Weak::upgrade) {
            return pace;
        }
        let pace = Arc::<Self>::default();
        paces.insert(settings.clone(), Arc::downgrade(&pace));
        pace
    }

    /// Waits for this caller's turn.
    pub async fn turn(&self) {
        if self.lock().is_open(Instant::now()) {
            return;
        }
        let _in_line = self.line.lock().await;
        loop {
            let wait = self.lock().turn(Instant::now());
            match wait {
                None => return,
                Some(wait) => sleep(wait).await,
            }
        }
    }

    /// Notes an accepted call.
    pub fn accepted(&self) {
        self.lock().accepted(Instant::now());
    }

    /// Notes a throttled call, and how long the service asked to be left alone.
    pub fn throttled(&self, retry_after: Option<Duration>) {
        let (mut state, now) = (self.lock(), Instant::now());
        state.quiet(now, retry_after);
        state.throttled(now);
    }

    /// Notes how long the service asked to be left alone, for another reason than throttling.
    pub fn quiet(&self, retry_after: Option<Duration>) {
        self.lock().quiet(Instant::now(), retry_after);
    }

    /// What the calls write to, as far as it has refused some.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The calls a second that are made at most; `None` where there is no limit.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.lock().limit.as_ref().map(|limit| limit.rate)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static PACES: Lazy<Mutex<HashMap<Settings, Weak<Pace>>>> = Lazy::new(Mutex::default);

/// The arithmetic, apart from any clock.
#[derive(Debug, Default)]
struct State {
    limit: Option<Limit>,
    /// Until then the service asked to be left alone.
    quiet_until: Option<Instant>,
    /// When recent calls were accepted.
    accepted: VecDeque<Instant>,
}

#[derive(Debug)]
struct Limit {
    /// Calls a second.
    rate: f64,
    /// The rate after the last decrease.
    base: f64,
    /// Calls that may be made now.
    tokens: f64,
    updated: Instant,
    decreased: Instant,
    /// Until then the rate does not rise.
    held_until: Instant,
}

impl State {
    /// Whether a call needs no turn.
    fn is_open(&self, now: Instant) -> bool {
        self.limit.is_none() && self.quiet_until.is_none_or(|until| until <= now)
    }

    /// Takes a turn, or says how long to wait before asking again.
    fn turn(&mut self, now: Instant) -> Option<Duration> {
        let quiet = self
            .quiet_until
            .map(|until| until.saturating_duration_since(now));
        if let Some(quiet) = quiet.filter(|quiet| !quiet.is_zero()) {
            return Some(quiet.max(SHORTEST_WAIT));
        }
        let limit = self.limit.as_mut()?;
        limit.advance(now);
        if limit.rate > NO_LIMIT {
            self.limit = None;
            return None;
        }
        if limit.tokens >= 1.0 {
            limit.tokens -= 1.0;
            return None;
        }
        let missing = (1.0 - limit.tokens).max(0.0) / limit.rate;
        Some(Duration::from_secs_f64(missing).max(SHORTEST_WAIT))
    }

    /// Admits nobody for so long, [`MOST_QUIET`] at most.
    fn quiet(&mut self, now: Instant, retry_after: Option<Duration>) {
        let Some(asked) = retry_after else { return };
        let until = self.quiet_until.max(Some(now + asked.min(MOST_QUIET)));
        self.quiet_until = until;
    }

    fn accepted(&mut self, now: Instant) {
        if self.accepted.len() == REMEMBERED {
            self.accepted.pop_front();
        }
        self.accepted.push_back(now);
    }

    fn throttled(&mut self, now: Instant) {
        let measured = self.measured(now);
        let limit = self.limit.get_or_insert_with(|| Limit::new(measured, now));
        limit.advance(now);
        limit.held_until = now.max(self.quiet_until.unwrap_or(now)) + HOLD;
        // The calls that are answered together were made at one rate: they lower it once.
        if now.duration_since(limit.decreased) >= ONE_DECREASE {
            limit.decrease(measured, now);
        }
    }

    /// Accepted calls a second, lately.
    fn measured(&self, now: Instant) -> f64 {
        let recent = self.accepted.iter().rev();
        let recent = recent.take_while(|&&at| now.saturating_duration_since(at) < WINDOW);
        recent.count() as f64 / WINDOW.as_secs_f64()
    }
}

impl Limit {
    fn new(measured: f64, now: Instant) -> Self {
        let rate = (measured * DECREASE).max(LEAST_FIRST);
        Self {
            rate,
            base: rate,
            tokens: 0.0,
            updated: now,
            decreased: now,
            held_until: now + HOLD,
        }
    }

    fn decrease(&mut self, measured: f64, now: Instant) {
        self.rate = (self.rate.min(measured.max(LEAST)) * DECREASE).max(LEAST);
        self.base = self.rate;
        self.decreased = now;
    }

    /// Brings rate and tokens to this moment.
    fn advance(&mut self, now: Instant) {
        let rising = now
            .saturating_duration_since(self.held_until.max(self.updated))
            .as_secs_f64();
        let passed = now.saturating_duration_since(self.updated).as_secs_f64();
        if self.rate < self.base * PAST_THE_LIMIT {
            self.rate += self.base * INCREASE * rising;
        } else {
            self.rate *= GROWTH.powf(rising);
        }
        self.tokens = (self.tokens + self.rate * passed).min(MOST_TOKENS);
        self.updated = self.updated.max(now);
    }
}

/// What remains of the accepted rate after a throttled call.
const DECREASE: f64 = 0.8;
/// The rate holds so long after a throttled call, and after the time that it asked for.
const HOLD: Duration = Duration::from_secs(2);
/// Then it rises by this share of itself each second ...
const INCREASE: f64 = 0.12;
/// ... until it is this much above where it was lowered to, and then it grows this fold each second.
const PAST_THE_LIMIT: f64 = 1.6;
const GROWTH: f64 = 4.0;
const ONE_DECREASE: Duration = Duration::from_secs(1);
/// Accepted calls are counted over this time.
const WINDOW: Duration = Duration::from_secs(2);
/// Enough to measure rates up to where there is no limit.
const REMEMBERED: usize = 4096;
/// One throttled call tells little: the first limit is no lower than this.
const LEAST_FIRST: f64 = 5.0;
const LEAST: f64 = 0.5;
const MOST_TOKENS: f64 = 1.5;
/// Beyond so many calls a second no quota of these services is left.
const NO_LIMIT: f64 = 2000.0;
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// A service with a token bucket, and callers that offer more than it takes.
    struct Simulation {
        state: State,
        now: Instant,
        bucket: f64,
        burst: f64,
        answers: VecDeque<(Instant, bool)>,
        backlog: usize,
        calls: Vec<(f64, bool)>,
    }

    const STEP: Duration = Duration::from_millis(5);

    impl Simulation {
        fn new(burst: f64) -> Self {
            let (now, answers, calls) = (Instant::now(), VecDeque::new(), Vec::new());
            Self {
                state: State::default(),
                now,
                bucket: burst,
                burst,
                answers,
                backlog: 0,
                calls,
            }
        }

        /// Offers 50 calls a second from `from` to `to`; 8 are in flight at most.
        fn run(&mut self, from: f64, to: f64, limit: Option<f64>, random: &mut fastrand::Rng) {
            let steps = ((to - from) / STEP.as_secs_f64()) as usize;
            for step in 0..steps {
                let seconds = from + step as f64 * STEP.as_secs_f64();
                self.backlog += usize::from(step % 4 == 0);
                self.bucket = limit.map_or(f64::MAX, |limit| {
                    (self.bucket + limit * STEP.as_secs_f64()).min(self.burst)
                });
                self.answer();
                while self.backlog > 0 && self.answers.len() < 8 && self.may_call() {
                    self.call(seconds, random);
                }
                self.now += STEP;
            }
        }

        fn may_call(&mut self) -> bool {
            self.state.is_open(self.now) || self.state.turn(self.now).is_none()
        }

        fn call(&mut self, seconds: f64, random: &mut fastrand::Rng) {
            let accepted = self.bucket >= 1.0;
            self.bucket -= f64::from(u8::from(accepted));
            self.backlog -= 1;
            self.calls.push((seconds, accepted));
            let trip = Duration::from_millis(random.u64(20..80));
            self.answers.push_back((self.now + trip, accepted));
        }

        fn answer(&mut self) {
            let now = self.now;
            let answers = std::mem::take(&mut self.answers).into_iter();
            let (due, waiting): (Vec<_>, Vec<_>) = answers.partition(|(at, _)| *at <= now);
            self.answers = waiting.into();
            for (_, accepted) in due {
                if accepted {
                    self.state.accepted(now);
                } else {
                    self.backlog += 1;
                    self.state.throttled(now);
                }
            }
        }

        fn count(&self, from: f64, to: f64, accepted: bool) -> f64 {
            let calls = self.calls.iter();
            let calls = calls.filter(|(at, ok)| (from..to).contains(at) && *ok == accepted);
            calls.count() as f64
        }
    }

    #[test]
    fn after_5_s_few_calls_are_throttled_and_full_speed_comes_back_within_10_s() {
        for seed in 0..20 {
            for burst in [1.0, 5.0, 10.0] {
                let lifted = 60.0 + f64::from(seed as u8) / 3.0;
                let mut random = fastrand::Rng::with_seed(seed);
                let mut simulation = Simulation::new(burst);
                simulation.run(0.0, lifted, Some(5.0), &mut random);
                simulation.run(lifted, lifted + 11.0, None, &mut random);
                let throttled = simulation.count(5.0, 60.0, false);
                let accepted = simulation.count(5.0, 60.0, true);
                let what = format!("seed {seed}, burst {burst}: {throttled} of {accepted}");
                assert!(throttled / (throttled + accepted) < 0.05, "{what}");
                // A bucket of one token wastes what arrives while it is full.
                let used = if burst > 1.0 { 0.9 } else { 0.55 };
                assert!(accepted > 55.0 * 5.0 * used, "{what}");
                let after = simulation.count(lifted + 9.0, lifted + 10.0, true);
                assert!(after >= 50.0, "{what}; {after} in the tenth second after");
            }
        }
    }

    #[test]
    fn a_delay_the_service_asks_for_is_kept() {
        let mut state = State::default();
        let now = Instant::now();
        let after = |ms| now + Duration::from_millis(ms);
        assert!(state.turn(now).is_none());
        state.quiet(now, Some(Duration::from_secs(7)));
        state.throttled(now);
        assert!(state.turn(after(6_900)).is_some());
        assert!(state.turn(after(7_001)).is_none());
    }

    /// However often it is asked in the meantime.
    #[test]
    fn the_rate_does_not_rise_while_the_service_is_left_alone() {
        let now = Instant::now();
        for seconds in [0, 30, 60] {
            let mut state = State::default();
            (0..40).for_each(|_| state.accepted(now));
            state.quiet(now, Some(Duration::from_secs(seconds)));
            state.throttled(now);
            for tenth in 0..seconds * 10 {
                let asked = now + Duration::from_millis(tenth * 100);
                assert!(state.turn(asked).is_some(), "{tenth} of {seconds}");
            }
            let after = now + Duration::from_secs(seconds) + HOLD;
            let _turn = state.turn(after);
            let rate = state.limit.map(|limit| limit.rate);
            assert_eq!(rate, Some(20.0 * DECREASE), "{seconds}");
        }
    }

    #[test]
    fn an_absurd_time_is_cut_before_it_is_added() {
        let mut state = State::default();
        let now = Instant::now();
        state.quiet(now, Some(Duration::MAX));
        assert!(state.turn(now + MOST_QUIET - SHORTEST_WAIT).is_some());
        assert!(state.turn(now + MOST_QUIET).is_none());
    }

    #[test]
    fn a_service_that_does_not_throttle_is_left_alone_without_a_limit() {
        let mut state = State::default();
        let now = Instant::now();
        state.quiet(now, Some(Duration::from_secs(2)));
        state.quiet(now, Some(Duration::from_secs(1)));
        state.quiet(now, None);
        assert!(!state.is_open(now + Duration::from_millis(1_900)));
        assert!(state.turn(now + Duration::from_millis(1_900)).is_some());
        assert!(state.is_open(now + Duration::from_secs(2)));
    }

    #[test]
    fn answers_to_calls_of_one_moment_lower_the_rate_once() {
        let mut state = State::default();
        let now = Instant::now();
        (0..100).for_each(|_| state.accepted(now));
        for _ in 0..8 {
            state.throttled(now);
        }
        assert_eq!(state.limit.map(|limit| limit.rate), Some(50.0 * DECREASE));
    }
}
