//! Exponential backoff with full jitter and a maximum.

use std::time::Duration;

use crate::delivery::error::{MOST_QUIET, SendError};

/// The backoff of one request.
#[derive(Debug)]
pub struct Backoff {
    attempts: u32,
    random: fastrand::Rng,
}

impl Backoff {
    /// The backoff before the first failure.
    #[must_use]
    pub fn new(random: fastrand::Rng) -> Self {
        Self {
            attempts: 0,
            random,
        }
    }

    /// Returns the wait after a failure: random between 10 ms and a ceiling that doubles with each
    /// failure, so that clients that failed at the same time do not retry at the same time. The wait is
    /// not shorter than the service's `Retry-After`, up to [`MOST_QUIET`].
    pub fn after(&mut self, error: &SendError) -> Duration {
        let ceiling = FIRST_CEILING
            .saturating_mul(1 << self.attempts.min(MAX_DOUBLINGS))
            .min(MAX_WAIT);
        self.attempts += 1;
        let wait = ceiling.mul_f64(self.random.f64()).max(MIN_WAIT);
        let retry_after = error.retry_after.unwrap_or_default();
        wait.max(retry_after.min(MOST_QUIET))
    }
}

/// The ceiling of the first wait: about 1.5 round trips.
const FIRST_CEILING: Duration = Duration::from_millis(100);
/// The longest wait without a `Retry-After`: a flush has about 10 s in total.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// The shortest wait: full jitter may return values near zero several times in a row.
const MIN_WAIT: Duration = Duration::from_millis(10);
/// Keeps the doubling from overflowing.
const MAX_DOUBLINGS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::error::ErrorClass;

    #[test]
    fn waits_grow_up_to_the_maximum() {
        let error = SendError::new(ErrorClass::Throttled, "x", "x");
        for seed in 0..50 {
            let mut backoff = Backoff::new(fastrand::Rng::with_seed(seed));
            let waits: Vec<Duration> = (0..40).map(|_| backoff.after(&error)).collect();
            assert!(
                waits[0] <= FIRST_CEILING
                    && waits
                        .iter()
                        .all(|&wait| (MIN_WAIT..=MAX_WAIT).contains(&wait))
            );
            assert!(
                waits[6..].iter().sum::<Duration>() > MAX_WAIT * 10,
                "seed {seed}"
            );
        }
    }

    #[test]
    fn retry_after_is_the_minimum_wait() {
        let retry_after = Some(Duration::from_secs(3));
        let mut error = SendError::new(ErrorClass::Throttled, "x", "x");
        error.retry_after = retry_after;
        let mut backoff = Backoff::new(fastrand::Rng::with_seed(1));
        assert_eq!(backoff.after(&error), Duration::from_secs(3));
        error.retry_after = Some(Duration::MAX);
        assert_eq!(backoff.after(&error), MOST_QUIET);
    }
}
