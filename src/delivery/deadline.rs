//! Whether a request may begin: one decision for all requests of a flush.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// When a flush has to be answered; clones share what they learn.
///
/// A request that is cut off may have been accepted, and then its events are stored twice. So a
/// request begins only while there is time for its answer: twice the slowest recent answer of this
/// flush.
/// That is half of the flush's time at most, so that a slow service is still asked.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Instant,
    /// The time that the flush has for its requests.
    time: Duration,
    /// The slowest recent answer of this flush in microseconds; 0 before the first one.
    slowest: Arc<AtomicU64>,
    /// Whether Fluent Bit ends and wants its chunk back.
    closing: Option<watch::Receiver<bool>>,
}

impl Deadline {
    /// The deadline of a flush that begins to send now.
    #[must_use]
    pub fn new(at: Instant) -> Self {
        Self {
            at,
            time: at.saturating_duration_since(Instant::now()),
            slowest: Arc::default(),
            closing: None,
        }
    }

    /// The same deadline; no request begins once this is true.
    #[must_use]
    pub fn closed_by(self, closing: watch::Receiver<bool>) -> Self {
        let closing = Some(closing);
        Self { closing, ..self }
    }

    /// Waits until this moment, or until Fluent Bit ends.
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

    /// When the flush has to be answered.
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
        self.at - self.useful()
    }

    /// When a request that begins now has to be answered: it leaves time for another one, as its
    /// connection or the server behind it may have gone silent.
    #[must_use]
    pub fn of_request(&self) -> Instant {
        let now = Instant::now();
        let left = self.at.saturating_duration_since(now);
        let share = left.mul_f64(SHARE).max(LEAST_SHARE).max(self.useful());
        now + share.min(left)
    }

    /// Notes how long an answer took. Each quicker one takes an eighth off the slowest: the first
    /// answers come over new connections.
    pub fn answered_in(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let noted = |slowest: u64| Some(micros.max(slowest - slowest / 8));
        // The closure always answers.
        let _noted = self.slowest.fetch_update(Relaxed, Relaxed, noted);
    }

    /// Whether so many requests one after another are likely to be answered in time, where the rate
    /// limiter admits so many a second.
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

    /// The least time in which a request may be answered.
    fn useful(&self) -> Duration {
        let slowest = Duration::from_micros(self.slowest.load(Relaxed));
        match slowest {
            Duration::ZERO => FIRST_USEFUL.min(self.time / 4),
            slowest => (slowest * 2).clamp(LEAST_USEFUL.min(self.time / 4), self.time / 2),
        }
    }
}

/// The share of the time left that one request may take.
const SHARE: f64 = 0.6;
/// A request that is answered at all is answered within this, unless the service is in trouble.
const LEAST_SHARE: Duration = Duration::from_secs(2);
/// Before the first answer: ten times what a request of 1 MiB takes within a region.
const FIRST_USEFUL: Duration = Duration::from_secs(1);
/// Where answers are quick: a new connection with TLS takes some 50 ms, and a pause of the service
/// or a busy processor some 100 ms.
const LEAST_USEFUL: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[tokio::test(start_paused = true)]
    async fn a_request_leaves_time_for_another_one_unless_there_is_too_little() {
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
    async fn no_request_begins_without_the_time_for_its_answer() {
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
            let what = format!("{timeout} ms, answers in {slowest:?} ms");
            assert_eq!(deadline.last_begin() - began, MS(expected), "{what}");
            tokio::time::advance(MS(expected)).await;
            assert!(deadline.clone().admits(), "{what}");
            tokio::time::advance(MS(1)).await;
            assert!(!deadline.admits(), "{what}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_slow_answer_is_forgotten_after_many_quick_ones() {
        let began = Instant::now();
        let deadline = Deadline::new(began + MS(10_000));
        deadline.answered_in(MS(3_000));
        assert_eq!(deadline.last_begin() - began, MS(5_000));
        (0..32).for_each(|_| deadline.answered_in(MS(20)));
        assert_eq!(deadline.last_begin() - began, MS(9_750));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_have_time_if_answers_and_the_rate_limiter_leave_it() {
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

    /// Whatever time answers take, if it is always the same.
    #[tokio::test(start_paused = true)]
    async fn requests_one_after_another_are_all_answered() {
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
    async fn an_instance_that_closes_begins_no_request() {
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
