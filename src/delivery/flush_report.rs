//! What became of a chunk's events: the counts, and the verdict they lead to.

use cbindings::Verdict;

use crate::batch::Batch;
use crate::delivery::error::{Outcome, SendError};

/// Counts of one flush, or of a part of it.
#[derive(Debug, Default)]
pub struct FlushReport {
    /// Events the service took.
    pub accepted: usize,
    /// Events that no request can carry, or that the service refuses whatever is tried.
    pub dropped: usize,
    /// Events the service answered that it will not store (too old, too new, expired).
    pub refused: usize,
    /// Requests that began, the failed ones included.
    pub requests: usize,
    /// Failed requests that were throttled.
    pub throttled: usize,
    /// Requests that were refused as a whole.
    pub refusals: usize,
    /// Requests that were sent and not answered: the service may have accepted them.
    pub ambiguous: usize,
    /// The ordinals of the events that are still to be delivered.
    pub left: Vec<u32>,
    /// The time of the oldest of them, in milliseconds since 1970.
    pub oldest_left: Option<i64>,
    /// The deadline came before the whole chunk was encoded: what follows is left as well.
    pub is_cut_off: bool,
    /// Why they are.
    pub fault: Option<SendError>,
}

impl FlushReport {
    /// Fluent Bit can only flush the whole chunk again, so one event that is left decides.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.left.is_empty() && !self.is_cut_off {
            Verdict::Done
        } else {
            Verdict::Retry
        }
    }

    /// Notes that a batch was not delivered, as no request could begin before the deadline.
    pub fn out_of_time(&mut self, batch: &Batch) {
        self.left(batch);
        self.fault.get_or_insert_with(SendError::no_time);
    }

    /// Notes that a batch was not delivered.
    pub fn left(&mut self, batch: &Batch) {
        self.left
            .extend(batch.items().iter().map(|item| item.ordinal));
        let oldest = [self.oldest_left, batch.oldest()].into_iter().flatten();
        self.oldest_left = oldest.min();
    }

    /// Counts a failed request.
    pub fn count_fault(&mut self, fault: &SendError) {
        match fault.outcome {
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
        // An answer of the service says more than that others were not sent for want of time.
        let waited = |fault: &SendError| fault.never_began();
        self.fault = match (self.fault.take(), other.fault) {
            (Some(fault), Some(other)) if waited(&fault) && !waited(&other) => Some(other),
            (fault, other) => fault.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::error::ErrorClass;

    #[test]
    fn only_an_event_that_is_left_asks_for_the_chunk_again() {
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
    fn what_the_service_answered_is_the_reason_before_the_lack_of_time() {
        let with = |fault| FlushReport {
            fault: Some(fault),
            ..FlushReport::default()
        };
        let refused = || SendError::new(ErrorClass::Refused, "InvalidParameterException", "no");
        for (first, second) in [
            (SendError::no_time(), refused()),
            (refused(), SendError::no_time()),
            (SendError::no_turn(), refused()),
        ] {
            let mut report = with(first);
            report.merge(with(second));
            assert_eq!(report.fault.unwrap().code, "InvalidParameterException");
        }
    }

    /// Also where such a request is left to Fluent Bit.
    #[test]
    fn only_a_request_that_was_sent_and_not_answered_is_ambiguous() {
        let mut report = FlushReport::default();
        for fault in [
            SendError::no_time(),
            SendError::no_turn(),
            SendError::not_sent(),
            SendError::out_of_time(),
            SendError::unanswered().retried(false),
        ] {
            report.count_fault(&fault);
        }
        assert_eq!((report.ambiguous, report.throttled), (2, 0));
    }
}
