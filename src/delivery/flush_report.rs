//! The result of a flush: counts of events and requests, and the verdict.

use cbindings::Verdict;

use crate::batch::Batch;
use crate::delivery::error::{Outcome, SendError};

/// Counts of one flush, or of a part of it.
#[derive(Debug, Default)]
pub struct FlushReport {
    /// Events that the service accepted.
    pub accepted: usize,
    /// Events that are too large for a request, or that the service rejects in every request.
    pub dropped: usize,
    /// Events that the service rejected for their time (too old, too new, expired).
    pub refused: usize,
    /// Requests that began, including failed ones.
    pub requests: usize,
    /// Requests that were throttled.
    pub throttled: usize,
    /// Requests that were rejected as a whole.
    pub refusals: usize,
    /// Requests without a response; the service may have accepted them.
    pub ambiguous: usize,
    /// The ordinals of the events that are not delivered yet.
    pub left: Vec<u32>,
    /// The time of the oldest event that is not delivered yet, in milliseconds since 1970.
    pub oldest_left: Option<i64>,
    /// The deadline was reached before the whole chunk was encoded: the rest is not delivered yet.
    pub is_cut_off: bool,
    /// Why events are not delivered yet.
    pub error: Option<SendError>,
}

impl FlushReport {
    /// Retry if any event is left: Fluent Bit can only flush the whole chunk again.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.left.is_empty() && !self.is_cut_off {
            Verdict::Done
        } else {
            Verdict::Retry
        }
    }

    /// Records that a batch was not delivered, as no request could begin before the deadline.
    pub fn out_of_time(&mut self, batch: &Batch) {
        self.left(batch);
        self.error.get_or_insert_with(SendError::no_time);
    }

    /// Records that a batch was not delivered.
    pub fn left(&mut self, batch: &Batch) {
        self.left
            .extend(batch.items().iter().map(|item| item.ordinal));
        let oldest = [self.oldest_left, batch.oldest()].into_iter().flatten();
        self.oldest_left = oldest.min();
    }

    /// Counts a failed request.
    pub fn count_error(&mut self, error: &SendError) {
        match error.outcome {
            Outcome::Throttled => self.throttled += 1,
            Outcome::Refused => self.refusals += 1,
            Outcome::Unanswered => self.ambiguous += 1,
            _ => {}
        }
    }

    /// Adds the counts of another part of the same flush.
    pub fn merge(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.dropped += other.dropped;
        self.refused += other.refused;
        self.requests += other.requests;
        self.throttled += other.throttled;
        self.refusals += other.refusals;
        self.ambiguous += other.ambiguous;
        self.left.extend(other.left);
        let oldest = [self.oldest_left, other.oldest_left].into_iter().flatten();
        self.oldest_left = oldest.min();
        self.is_cut_off |= other.is_cut_off;
        // An error of the service is more useful than the error that the time did not suffice.
        let is_no_time = |error: &SendError| error.never_began();
        self.error = match (self.error.take(), other.error) {
            (Some(error), Some(other)) if is_no_time(&error) && !is_no_time(&other) => Some(other),
            (error, other) => error.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::error::ErrorClass;

    #[test]
    fn only_an_event_that_is_left_makes_the_verdict_retry() {
        let mut report = FlushReport {
            dropped: 3,
            refused: 2,
            ..FlushReport::default()
        };
        assert_eq!(report.verdict(), Verdict::Done);
        report.merge(FlushReport {
            left: vec![7],
            ..FlushReport::default()
        });
        assert_eq!(report.verdict(), Verdict::Retry);
    }

    #[test]
    fn an_error_of_the_service_takes_precedence_over_lack_of_time() {
        let with_error = |error| FlushReport {
            error: Some(error),
            ..FlushReport::default()
        };
        let refused = || SendError::new(ErrorClass::Refused, "InvalidParameterException", "no");
        for (first, second) in [
            (SendError::no_time(), refused()),
            (refused(), SendError::no_time()),
            (SendError::no_turn(), refused()),
        ] {
            let mut report = with_error(first);
            report.merge(with_error(second));
            assert_eq!(report.error.unwrap().code, "InvalidParameterException");
        }
    }

    /// Also when such a request is left to Fluent Bit's retry.
    #[test]
    fn only_a_request_that_was_sent_without_a_response_is_ambiguous() {
        let mut report = FlushReport::default();
        for error in [
            SendError::no_time(),
            SendError::no_turn(),
            SendError::not_sent(),
            SendError::out_of_time(),
            SendError::unanswered().retried(false),
        ] {
            report.count_error(&error);
        }
        assert_eq!((report.ambiguous, report.throttled), (2, 0));
    }
}
