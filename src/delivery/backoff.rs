//! How long to wait before a request is tried again: full jitter, doubling, capped.

use std::time::Duration;

use crate::delivery::error::{MOST_QUIET, SendError};

/// The waits between the attempts of one request.
#[derive(Debug)]
pub struct Backoff {
    attempts: u32,
    random: fastrand::Rng,
}

impl Backoff {
    /// Begins before the first attempt's failure.
    #[must_use]
    pub fn new(random: fastrand::Rng) -> Self {
        Self {
            attempts: 0,
            random,
        }
    }

    /// The wait after one more failure: anywhere up to the doubled cap, so that many clients that
    /// failed together do not come back together; never less than what the service asked for, up to
    /// [`MOST_QUIET`].
    pub fn after(&mut self, fault: &SendError) -> Duration {
        let ceiling = FIRST
            .saturating_mul(1 << self.attempts.min(MOST_DOUBLINGS))
            .min(LONGEST);
        self.attempts += 1;
        let wait = ceiling.mul_f64(self.random.f64()).max(SHORTEST);
        let asked = fault.retry_after.unwrap_or_default();
        wait.max(asked.min(MOST_QUIET))
    }
}

/// The first wait is up to this long: about the time of a round trip and a half.
const FIRST: Duration = Duration::from_millis(100);
/// No wait is longer on its own account: a flush has some ten seconds in all.
const LONGEST: Duration = Duration::from_secs(2);
/// Never none at all: full jitter may come out near zero, over and over.
const SHORTEST: Duration = Duration::from_millis(10);
const MOST_DOUBLINGS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::error::ErrorClass;

    #[test]
    fn waits_grow_and_stay_within_their_ceiling() {
        let fault = SendError::new(ErrorClass::Throttled, "x", "x");
        for seed in 0..50 {
            let mut backoff = Backoff::new(fastrand::Rng::with_seed(seed));
            let waits: Vec<Duration> = (0..40).map(|_| backoff.after(&fault)).collect();
            assert!(
                waits[0] <= FIRST
                    && waits
                        .iter()
                        .all(|&wait| (SHORTEST..=LONGEST).contains(&wait))
            );
            assert!(
                waits[6..].iter().sum::<Duration>() > LONGEST * 10,
                "seed {seed}"
            );
        }
    }

    #[test]
    fn a_delay_the_service_asks_for_is_kept() {
        let retry_after = Some(Duration::from_secs(3));
        let mut fault = SendError::new(ErrorClass::Throttled, "x", "x");
        fault.retry_after = retry_after;
        let mut backoff = Backoff::new(fastrand::Rng::with_seed(1));
        assert_eq!(backoff.after(&fault), Duration::from_secs(3));
        fault.retry_after = Some(Duration::MAX);
        assert_eq!(backoff.after(&fault), MOST_QUIET);
    }
}
