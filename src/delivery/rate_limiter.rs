//! An adaptive rate limiter, shared by all callers of one quota.
//!
//! There is no limit until the service throttles. Then the rate decreases below the rate of accepted
//! calls (multiplicative decrease), is held, increases linearly to somewhat above the throttled rate
//! (additive increase), and then grows exponentially until the limit is removed. The constants come
//! from a simulation, which is also a test.
//!
//! During the service's `Retry-After` no call is admitted and the rate does not change.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use once_cell::sync::Lazy;
use tokio::sync::Mutex as FairMutex;
use tokio::time::{Instant, sleep};

use crate::aws::session::Settings;
use crate::delivery::error::{ErrorClass, MOST_QUIET, SendError};
use crate::telemetry::metrics::descriptors::Operation;

/// Limits the rate of calls of one operation in one account and region; shared by chunks and instances.
#[derive(Debug, Default)]
pub struct RateLimiter {
    state: Mutex<State>,
    /// A fair lock: callers are admitted in order of arrival.
    queue: FairMutex<()>,
}

impl RateLimiter {
    /// The rate limiter shared by all instances with these settings, for one operation.
    #[must_use]
    pub fn shared(settings: &Settings, operation: Operation) -> Arc<Self> {
        let key = (settings.clone(), operation);
        let mut rate_limiters = RATE_LIMITERS.lock().unwrap_or_else(PoisonError::into_inner);
        rate_limiters.retain(|_, rate_limiter| rate_limiter.strong_count() > 0);
        if let Some(rate_limiter) = rate_limiters.get(&key).and_then(Weak::upgrade) {
            return rate_limiter;
        }
        let rate_limiter = Arc::<Self>::default();
        rate_limiters.insert(key, Arc::downgrade(&rate_limiter));
        rate_limiter
    }

    /// Waits until a call may begin.
    pub async fn acquire(&self) {
        if self.lock().is_open(Instant::now()) {
            return;
        }
        let _turn = self.queue.lock().await;
        loop {
            let wait = self.lock().try_acquire(Instant::now());
            match wait {
                None => return,
                Some(wait) => sleep(wait).await,
            }
        }
    }

    /// Records the result of a call: no error, or an error of some items (`was_accepted`) or of the whole
    /// call.
    pub fn note(&self, error: Option<&SendError>, was_accepted: bool) {
        let (mut state, now) = (self.lock(), Instant::now());
        state.pause(now, error.and_then(|error| error.retry_after));
        match error {
            Some(error) if error.kind == ErrorClass::Throttled => state.throttled(now),
            Some(error) if !was_accepted && !error.kind.is_within_the_quota() => {}
            _ => state.admitted(now),
        }
    }

    /// The maximum rate in calls per second; `None` without a limit.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.lock().limit.as_ref().map(|limit| limit.rate)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type RateLimiters = HashMap<(Settings, Operation), Weak<RateLimiter>>;

static RATE_LIMITERS: Lazy<Mutex<RateLimiters>> = Lazy::new(Mutex::default);

/// The state of the limiter; methods take the current time.
#[derive(Debug, Default)]
struct State {
    limit: Option<Limit>,
    /// The end of the service's `Retry-After`.
    paused_until: Option<Instant>,
    /// When recent calls ended that were not throttled.
    admitted: VecDeque<Instant>,
}

#[derive(Debug)]
struct Limit {
    /// The rate in calls per second.
    rate: f64,
    /// The rate after the last decrease.
    base: f64,
    /// Tokens of the bucket: calls that may begin now.
    tokens: f64,
    updated: Instant,
    decreased: Instant,
    /// The rate does not increase before this time.
    held_until: Instant,
}

impl State {
    /// Whether a call may begin without waiting.
    fn is_open(&self, now: Instant) -> bool {
        self.limit.is_none() && self.paused_until.is_none_or(|until| until <= now)
    }

    /// Admits a call, or returns how long to wait before the next try.
    fn try_acquire(&mut self, now: Instant) -> Option<Duration> {
        let pause = self
            .paused_until
            .map(|until| until.saturating_duration_since(now));
        if let Some(pause) = pause.filter(|pause| !pause.is_zero()) {
            return Some(pause.max(MIN_WAIT));
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
        Some(Duration::from_secs_f64(missing).max(MIN_WAIT))
    }

    /// Admits no call for `retry_after`, [`MOST_QUIET`] at most.
    fn pause(&mut self, now: Instant, retry_after: Option<Duration>) {
        let Some(asked) = retry_after else { return };
        let until = self.paused_until.max(Some(now + asked.min(MOST_QUIET)));
        self.paused_until = until;
    }

    fn admitted(&mut self, now: Instant) {
        if self.admitted.len() == MAX_REMEMBERED {
            self.admitted.pop_front();
        }
        self.admitted.push_back(now);
    }

    fn throttled(&mut self, now: Instant) {
        let measured = self.measured(now);
        let limit = self.limit.get_or_insert_with(|| Limit::new(measured, now));
        limit.advance(now);
        limit.held_until = now.max(self.paused_until.unwrap_or(now)) + HOLD;
        // Calls that are answered at the same time were sent at one rate, so they decrease it once.
        if now.duration_since(limit.decreased) >= DECREASE_INTERVAL {
            limit.decrease(measured, now);
        }
    }

    /// The recent rate of calls that were not throttled, per second.
    fn measured(&self, now: Instant) -> f64 {
        let recent = self.admitted.iter().rev();
        let recent = recent.take_while(|&&at| now.saturating_duration_since(at) < WINDOW);
        recent.count() as f64 / WINDOW.as_secs_f64()
    }
}

impl Limit {
    fn new(measured: f64, now: Instant) -> Self {
        let rate = (measured * DECREASE).max(MIN_FIRST_RATE);
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
        self.rate = (self.rate.min(measured.max(MIN_RATE)) * DECREASE).max(MIN_RATE);
        self.base = self.rate;
        self.decreased = now;
    }

    /// Updates rate and tokens to `now`.
    fn advance(&mut self, now: Instant) {
        let rising = now
            .saturating_duration_since(self.held_until.max(self.updated))
            .as_secs_f64();
        let passed = now.saturating_duration_since(self.updated).as_secs_f64();
        if self.rate < self.base * LINEAR_UP_TO {
            self.rate += self.base * INCREASE * rising;
        } else {
            self.rate *= GROWTH.powf(rising);
        }
        self.tokens = (self.tokens + self.rate * passed).min(MAX_TOKENS);
        self.updated = self.updated.max(now);
    }
}

/// Factor of a decrease.
const DECREASE: f64 = 0.8;
/// How long the rate is held after a throttled call and its `Retry-After`.
const HOLD: Duration = Duration::from_secs(2);
/// Then the rate increases by this share of `base` per second ...
const INCREASE: f64 = 0.12;
/// ... up to this multiple of `base`; above it the rate is multiplied by `GROWTH` per second.
const LINEAR_UP_TO: f64 = 1.6;
const GROWTH: f64 = 4.0;
/// The minimum time between two decreases.
const DECREASE_INTERVAL: Duration = Duration::from_secs(1);
/// The time over which the rate of calls is measured.
const WINDOW: Duration = Duration::from_secs(2);
/// Calls to remember: enough to measure rates up to [`NO_LIMIT`].
const MAX_REMEMBERED: usize = 4096;
/// The minimum of the first limit: one throttled call is weak evidence.
const MIN_FIRST_RATE: f64 = 5.0;
/// The minimum rate in calls per second.
const MIN_RATE: f64 = 0.5;
/// The capacity of the token bucket.
const MAX_TOKENS: f64 = 1.5;
/// Calls per second above which the limit is removed: higher than the quotas of these services.
const NO_LIMIT: f64 = 2000.0;
const MIN_WAIT: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
