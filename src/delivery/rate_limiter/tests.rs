//! The rate limiter against a simulated clock and service.

use super::*;

/// A service with a token bucket, and callers that exceed its rate.
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

    /// Offers 50 calls per second from `from` to `to` (seconds), with 8 in flight at most.
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
        self.state.is_open(self.now) || self.state.try_acquire(self.now).is_none()
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
                self.state.admitted(now);
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
fn few_calls_are_throttled_after_5_s_and_full_rate_returns_within_10_s() {
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
            // A bucket of one token discards the tokens that arrive while it is full.
            let used = if burst > 1.0 { 0.9 } else { 0.55 };
            assert!(accepted > 55.0 * 5.0 * used, "{what}");
            let after = simulation.count(lifted + 9.0, lifted + 10.0, true);
            assert!(after >= 50.0, "{what}; {after} in the tenth second after");
        }
    }
}

#[test]
fn no_call_is_admitted_during_retry_after() {
    let mut state = State::default();
    let now = Instant::now();
    let after = |ms| now + Duration::from_millis(ms);
    assert!(state.try_acquire(now).is_none());
    state.pause(now, Some(Duration::from_secs(7)));
    state.throttled(now);
    assert!(state.try_acquire(after(6_900)).is_some());
    assert!(state.try_acquire(after(7_001)).is_none());
}

/// However often a call is tried meanwhile.
#[test]
fn the_rate_does_not_increase_during_retry_after() {
    let now = Instant::now();
    for seconds in [0, 30, 60] {
        let mut state = State::default();
        (0..40).for_each(|_| state.admitted(now));
        state.pause(now, Some(Duration::from_secs(seconds)));
        state.throttled(now);
        for tenth in 0..seconds * 10 {
            let asked = now + Duration::from_millis(tenth * 100);
            assert!(state.try_acquire(asked).is_some(), "{tenth} of {seconds}");
        }
        let after = now + Duration::from_secs(seconds) + HOLD;
        let _turn = state.try_acquire(after);
        let rate = state.limit.map(|limit| limit.rate);
        assert_eq!(rate, Some(20.0 * DECREASE), "{seconds}");
    }
}

#[test]
fn a_huge_retry_after_is_limited() {
    let mut state = State::default();
    let now = Instant::now();
    state.pause(now, Some(Duration::MAX));
    assert!(state.try_acquire(now + MOST_QUIET - MIN_WAIT).is_some());
    assert!(state.try_acquire(now + MOST_QUIET).is_none());
}

#[test]
fn retry_after_without_throttling_sets_no_limit() {
    let mut state = State::default();
    let now = Instant::now();
    state.pause(now, Some(Duration::from_secs(2)));
    state.pause(now, Some(Duration::from_secs(1)));
    state.pause(now, None);
    assert!(!state.is_open(now + Duration::from_millis(1_900)));
    assert!(
        state
            .try_acquire(now + Duration::from_millis(1_900))
            .is_some()
    );
    assert!(state.is_open(now + Duration::from_secs(2)));
}

#[test]
fn concurrent_throttled_calls_decrease_the_rate_once() {
    let mut state = State::default();
    let now = Instant::now();
    (0..100).for_each(|_| state.admitted(now));
    for _ in 0..8 {
        state.throttled(now);
    }
    assert_eq!(state.limit.map(|limit| limit.rate), Some(50.0 * DECREASE));
}

/// The search for a rejected item makes many calls that are rejected and few others.
#[tokio::test(start_paused = true)]
async fn a_rejected_call_counts_as_within_the_quota() {
    let throttled = SendError::new(ErrorClass::Throttled, "ThrottlingException", "slow down");
    let rate_after = async |class: ErrorClass| {
        let rate_limiter = RateLimiter::default();
        let error = SendError::new(class, "Code", "text");
        rate_limiter.note(Some(&throttled), false);
        for _ in 0..40 {
            tokio::time::advance(Duration::from_millis(100)).await;
            rate_limiter.note(Some(&error), false);
        }
        rate_limiter.note(Some(&throttled), false);
        rate_limiter.rate().expect("a limit")
    };
    for class in [
        ErrorClass::Refused,
        ErrorClass::Missing,
        ErrorClass::Exists,
        ErrorClass::Stored,
    ] {
        assert!(rate_after(class).await > 4.0, "{class:?}");
    }
    for class in [
        ErrorClass::Denied,
        ErrorClass::Transient { unanswered: false },
    ] {
        assert!(rate_after(class).await <= MIN_RATE, "{class:?}");
    }
}
