//! The services' rate limits: a token bucket for every operation, as AWS limits calls per operation and account.

use std::collections::BTreeMap;
use std::time::Instant;

/// Calls per second that each operation may make; a bucket holds the calls of one second.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    rate: Option<f64>,
    /// Limits of single operations, in place of `rate`.
    rates: BTreeMap<String, f64>,
    buckets: BTreeMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Throttle {
    /// Sets the limit and forgets what was used so far; `None` lifts it.
    pub(super) fn limit(&mut self, calls_per_second: Option<f64>) {
        self.rate = calls_per_second;
        self.rates.clear();
        self.buckets.clear();
    }

    /// Sets the limit of one operation and forgets what was used of it so far.
    pub(super) fn limit_operation(&mut self, operation: &str, calls_per_second: f64) {
        self.rates.insert(operation.to_owned(), calls_per_second);
        self.buckets.remove(operation);
    }

    /// Whether one more call of this operation is within the limit now.
    pub(super) fn admits(&mut self, operation: &str, now: Instant) -> bool {
        let own = self.rates.get(operation).copied();
        let Some(rate) = own.or(self.rate) else {
            return true;
        };
        let capacity = rate.max(1.0);
        if !self.buckets.contains_key(operation) {
            let full = Bucket {
                tokens: capacity,
                filled: now,
            };
            self.buckets.insert(operation.to_owned(), full);
        }
        self.buckets
            .get_mut(operation)
            .is_some_and(|bucket| bucket.take(rate, capacity, now))
    }
}

impl Bucket {
    fn take(&mut self, rate: f64, capacity: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * rate).min(capacity);
        self.filled = now;
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admitted(throttle: &mut Throttle, operation: &str, calls: usize, now: Instant) -> usize {
        (0..calls)
            .filter(|_| throttle.admits(operation, now))
            .count()
    }

    #[test]
    fn a_bucket_gives_one_second_of_calls_and_refills_with_time() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        throttle.limit(Some(5.0));
        assert_eq!(admitted(&mut throttle, "PutLogEvents", 20, start), 5);
        let later = start + Duration::from_millis(400);
        assert_eq!(admitted(&mut throttle, "PutLogEvents", 20, later), 2);
        assert_eq!(admitted(&mut throttle, "CreateLogStream", 20, later), 5);
    }

    #[test]
    fn a_limit_of_one_operation_leaves_the_others_alone() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        throttle.limit_operation("CreateLogStream", 2.0);
        assert_eq!(admitted(&mut throttle, "CreateLogStream", 9, start), 2);
        assert_eq!(admitted(&mut throttle, "PutLogEvents", 9, start), 9);
        throttle.limit(None);
        assert_eq!(admitted(&mut throttle, "CreateLogStream", 9, start), 9);
    }

    #[test]
    fn a_lifted_limit_admits_everything() {
        let mut throttle = Throttle::default();
        throttle.limit(Some(1.0));
        assert_eq!(
            admitted(&mut throttle, "PutLogEvents", 9, Instant::now()),
            1
        );
        throttle.limit(None);
        assert_eq!(
            admitted(&mut throttle, "PutLogEvents", 9, Instant::now()),
            9
        );
    }
}
