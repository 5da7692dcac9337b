//! How fast to call a service that throttles: one rate limiter for all that share its quota.
//!
//! The rate has no limit until the service throttles. Then the rate drops below what was admitted
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

use crate::aws::session::Settings;
use crate::delivery::error::{ErrorClass, MOST_QUIET, SendError};
use crate::telemetry::metrics::descriptors::Operation;

/// Limits the calls of one operation in one account and region; shared by chunks and instances.
#[derive(Debug, Default)]
pub struct RateLimiter {
    state: Mutex<State>,
    /// Callers are admitted in the order in which they came.
    line: FairMutex<()>,
}

impl RateLimiter {
    /// The rate limiter of this operation for everyone with these settings.
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
        let _in_line = self.line.lock().await;
        loop {
            let wait = self.lock().try_acquire(Instant::now());
            match wait {
                None => return,
                Some(wait) => sleep(wait).await,
            }
        }
    }

    /// Notes how a call ended: without a fault, or with one of some items or of the whole call.
    pub fn note(&self, fault: Option<&SendError>, was_accepted: bool) {
        let (mut state, now) = (self.lock(), Instant::now());
        state.quiet(now, fault.and_then(|fault| fault.retry_after));
        match fault {
            Some(fault) if fault.kind == ErrorClass::Throttled => state.throttled(now),
            Some(fault) if !was_accepted && !fault.kind.is_within_the_quota() => {}
            _ => state.admitted(now),
        }
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

type Paces = HashMap<(Settings, Operation), Weak<RateLimiter>>;

static RATE_LIMITERS: Lazy<Mutex<Paces>> = Lazy::new(Mutex::default);

/// The arithmetic, apart from any clock.
#[derive(Debug, Default)]
struct State {
    limit: Option<Limit>,
    /// Until then the service asked to be left alone.
    quiet_until: Option<Instant>,
    /// When recent calls ended that the service did not throttle.
    admitted: VecDeque<Instant>,
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
    /// Whether a call need not wait.
    fn is_open(&self, now: Instant) -> bool {
        self.limit.is_none() && self.quiet_until.is_none_or(|until| until <= now)
    }

    /// Admits a call, or says how long to wait before asking again.
    fn try_acquire(&mut self, now: Instant) -> Option<Duration> {
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

    fn admitted(&mut self, now: Instant) {
        if self.admitted.len() == REMEMBERED {
            self.admitted.pop_front();
        }
        self.admitted.push_back(now);
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

    /// Calls a second that were not throttled, lately.
    fn measured(&self, now: Instant) -> f64 {
        let recent = self.admitted.iter().rev();
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

/// What remains of the admitted rate after a throttled call.
const DECREASE: f64 = 0.8;
/// The rate holds so long after a throttled call, and after the time that it asked for.
const HOLD: Duration = Duration::from_secs(2);
/// Then it rises by this share of itself each second ...
const INCREASE: f64 = 0.12;
/// ... until it is this much above where it was lowered to, and then it grows this fold each second.
const PAST_THE_LIMIT: f64 = 1.6;
const GROWTH: f64 = 4.0;
const ONE_DECREASE: Duration = Duration::from_secs(1);
/// Admitted calls are counted over this time.
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
mod tests;
