//! The deadline of a flush: whether a request may begin, and its timeout.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The deadline of a flush; clones share the measured response time.
///
/// A request that is cancelled at the deadline may have been accepted; its events are then stored twice.
/// So a request begins only while the time left is at least twice the slowest recent response of this
/// flush. This reserve is at most half of the flush's time, so that a slow service is still called.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Instant,
    /// The time from the creation of the deadline to `at`.
    total: Duration,
    /// The slowest recent response of this flush in microseconds; 0 before the first one.
    slowest: Arc<AtomicU64>,
    /// Whether Fluent Bit shuts down and takes its chunk back.
    closing: Option<watch::Receiver<bool>>,
}

impl Deadline {
    /// The deadline of a flush that begins now.
    #[must_use]
    pub fn new(at: Instant) -> Self {
        Self {
            at,
            total: at.saturating_duration_since(Instant::now()),
            slowest: Arc::default(),
            closing: None,
        }
    }

    /// The same deadline; no request begins after `closing` became true.
    #[must_use]
    pub fn closed_by(self, closing: watch::Receiver<bool>) -> Self {
        let closing = Some(closing);
        Self { closing, ..self }
    }

    /// Waits until `moment`, or until Fluent Bit shuts down.
    pub async fn sleep_until(&self, moment: Instant) {
        let Some(mut closing) = self.closing.clone() else {
            return sleep_until(moment).await;
        };
        tokio::select! {
            () = sleep_until(moment) => {}
            // The sender lives as long as the delivery.
            _ = closing.wait_for(|closing| *closing) => {}
        }
    }

    /// When the flush must be answered.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Whether a request may begin now.
    #[must_use]
    pub fn admits(&self) -> bool {
        !self.is_closing() && Instant::now() <= self.last_begin()
    }

    /// The last moment at which a request may begin.
    #[must_use]
    pub fn last_begin(&self) -> Instant {
        self.at - self.reserve()
    }

    /// The deadline of a request that begins now. It leaves time for another request, as the connection
    /// or the server may have stopped responding.
    #[must_use]
    pub fn of_request(&self) -> Instant {
        let now = Instant::now();
        let left = self.at.saturating_duration_since(now);
        let share = left.mul_f64(MAX_SHARE).max(MIN_TIMEOUT).max(self.reserve());
        now + share.min(left)
    }

    /// Records a response time. Each shorter one reduces the slowest by an eighth, as the first responses
    /// come over new connections and are slow.
    pub fn answered_in(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let decayed = |slowest: u64| Some(micros.max(slowest - slowest / 8));
        // The closure always answers.
        let _previous = self.slowest.fetch_update(Relaxed, Relaxed, decayed);
    }

    /// Whether `requests` sequential requests are likely to be answered in time, with a rate limit of
    /// `rate` requests per second.
    #[must_use]
    pub fn has_time_for(&self, requests: u32, rate: Option<f64>) -> bool {
        let slowest = self.slowest.load(Relaxed) as f64 / 1e6;
        let interval = rate.map_or(0.0, f64::recip);
        let left = self.last_begin().saturating_duration_since(Instant::now());
        slowest.max(interval) * f64::from(requests) <= left.as_secs_f64()
    }

    fn is_closing(&self) -> bool {
        self.closing
            .as_ref()
            .is_some_and(|closing| *closing.borrow())
    }

    /// The time to reserve for the response of a request.
    fn reserve(&self) -> Duration {
        let slowest = Duration::from_micros(self.slowest.load(Relaxed));
        match slowest {
            Duration::ZERO => FIRST_RESERVE.min(self.total / 4),
            slowest => (slowest * 2).clamp(MIN_RESERVE.min(self.total / 4), self.total / 2),
        }
    }
}

/// The maximum share of the time left for one request.
const MAX_SHARE: f64 = 0.6;
/// The minimum timeout of a request. Responses take longer only when the service has a fault.
const MIN_TIMEOUT: Duration = Duration::from_secs(2);
/// The reserve before the first response: ten times the duration of a 1 MiB request within a region.
const FIRST_RESERVE: Duration = Duration::from_secs(1);
/// The minimum reserve: a new TLS connection takes about 50 ms, and a pause of the service or a busy
/// processor about 100 ms.
const MIN_RESERVE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[tokio::test(start_paused = true)]
    async fn a_request_leaves_time_for_another_request_if_there_is_enough() {
        for (left, expected) in [
            (10_000, 6_000),
            (4_000, 2_400),
            (3_000, 2_000),
            (1_000, 1_000),
        ] {
            let deadline = Deadline::new(Instant::now() + MS(left));
            let share = deadline.of_request() - Instant::now();
            assert_eq!(share, MS(expected), "of {left}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_begins_without_time_for_its_response() {
        for (timeout, slowest, expected) in [
            (10_000, None, 9_000),
            (10_000, Some(20), 9_750),
            (10_000, Some(1_000), 8_000),
            (10_000, Some(4_000), 5_000),
            (1_000, None, 750),
            (1_000, Some(20), 750),
            (1_000, Some(200), 600),
            (1_000, Some(900), 500),
        ] {
            let began = Instant::now();
            let deadline = Deadline::new(began + MS(timeout));
            if let Some(slowest) = slowest {
                deadline.answered_in(MS(slowest));
            }
            let case = format!("{timeout} ms, answers in {slowest:?} ms");
            assert_eq!(deadline.last_begin() - began, MS(expected), "{case}");
            tokio::time::advance(MS(expected)).await;
            assert!(deadline.clone().admits(), "{case}");
            tokio::time::advance(MS(1)).await;
            assert!(!deadline.admits(), "{case}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_response_loses_its_effect_after_many_fast_ones() {
        let began = Instant::now();
        let deadline = Deadline::new(began + MS(10_000));
        deadline.answered_in(MS(3_000));
        assert_eq!(deadline.last_begin() - began, MS(5_000));
        (0..32).for_each(|_| deadline.answered_in(MS(20)));
        assert_eq!(deadline.last_begin() - began, MS(9_750));
    }

    #[tokio::test(start_paused = true)]
    async fn has_time_for_depends_on_response_time_and_rate() {
        let deadline = Deadline::new(Instant::now() + MS(1_000));
        deadline.answered_in(MS(10));
        for (requests, rate, expected) in [
            (70, None, true),
            (80, None, false),
            (7, Some(10.0), true),
            (8, Some(10.0), false),
            (70, Some(1_000.0), true),
            (1, Some(0.5), false),
        ] {
            let has_time = deadline.has_time_for(requests, rate);
            assert_eq!(has_time, expected, "{requests} requests, {rate:?} a second");
        }
    }

    /// For any constant response time.
    #[tokio::test(start_paused = true)]
    async fn sequential_requests_are_all_answered_before_the_deadline() {
        for answer in 1..1_000 {
            let deadline = Deadline::new(Instant::now() + MS(1_000));
            while deadline.admits() {
                tokio::time::advance(MS(answer)).await;
                deadline.answered_in(MS(answer));
                assert!(Instant::now() <= deadline.at(), "{answer} ms");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_begins_after_closing() {
        let (closing, closed) = watch::channel(false);
        let began = Instant::now();
        let deadline = Deadline::new(began + MS(1_000)).closed_by(closed);
        assert!(deadline.admits());
        closing.send_replace(true);
        assert!(!deadline.admits());
        deadline.sleep_until(began + MS(500)).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
