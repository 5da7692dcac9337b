//! One request of a delivery: whether it may begin, its answer, and what is counted of it.

use tokio::time::{Instant, timeout_at};

use super::{Answer, BatchSink, DeliveryContext, RejectedItems};
use crate::aws::deadline;
use crate::batch::{self, Batch, Item};
use crate::delivery::error::{ErrorClass, Outcome, SendError};
use crate::delivery::retry_loop::RetryLoop;
use crate::delivery::signed_body;
use crate::telemetry::log_limiter;
use crate::telemetry::metrics::descriptors::Id;

impl<S: BatchSink> RetryLoop<'_, S> {
    /// Sends when it is this request's turn and there is time for its answer.
    async fn put(&mut self, batch: &Batch) -> Result<Answer, SendError> {
        let DeliveryContext {
            deadline,
            rate_limiter,
            ..
        } = self.terms;
        let turn = timeout_at(deadline.last_begin(), rate_limiter.acquire());
        if turn.await.is_err() {
            return Err(SendError::no_turn());
        }
        if !deadline.admits() {
            return Err(SendError::no_time());
        }
        self.report.requests += 1;
        self.began = Instant::now();
        let limit = deadline.of_request();
        let request = self.terms.telemetry.metrics.request(S::PUT);
        let (answer, sent) =
            signed_body::traced(deadline::within(limit, self.service.put(batch))).await;
        let answer = answer.unwrap_or_else(|_| Err(self.no_answer(limit, sent)));
        let answer = answer.or_else(|fault| match fault.kind {
            ErrorClass::Stored => Ok(Answer::default()),
            _ => Err(fault),
        });
        let outcome = outcome(&answer);
        request.end(outcome);
        if !matches!(outcome, Outcome::Unanswered | Outcome::Unsent) {
            deadline.answered_in(self.began.elapsed());
        }
        self.inform_pace(&answer);
        answer
    }

    /// The request had to be given up; one that never left cannot have been accepted.
    fn no_answer(&self, limit: Instant, sent: bool) -> SendError {
        if !sent {
            return SendError::not_sent();
        }
        let fault = if limit < self.terms.deadline.at() {
            SendError::unanswered()
        } else {
            SendError::out_of_time()
        };
        fault.retried(self.service.retries_unanswered())
    }

    fn inform_pace(&self, answer: &Result<Answer, SendError>) {
        let DeliveryContext {
            rate_limiter,
            telemetry,
            ..
        } = self.terms;
        let fault = match answer {
            Ok(answer) => answer.again.as_ref().map(|(_, fault)| fault),
            Err(fault) => Some(fault),
        };
        let is_throttled = fault.is_some_and(|fault| fault.kind == ErrorClass::Throttled);
        telemetry
            .metrics
            .add(Id::Throttles, usize::from(is_throttled));
        rate_limiter.note(fault, answer.is_ok());
    }

    /// One request; what of it is to be sent again.
    pub(super) async fn attempt(
        &mut self,
        batch: &Batch,
    ) -> Result<Option<(Vec<Item>, SendError)>, SendError> {
        let answer = self.put(batch).await?;
        let again = answer.again.as_ref();
        let (again, again_bytes) =
            again.map_or((0, 0), |(items, _)| (items.len(), batch::weight(items)));
        let refused: usize = answer.refused.iter().map(|refused| refused.count).sum();
        let refused_bytes: usize = answer.refused.iter().map(|refused| refused.bytes).sum();
        let accepted = batch.items().len() - again - refused;
        self.report.accepted += accepted;
        let metrics = &self.terms.telemetry.metrics;
        metrics.add(Id::Delivered, accepted);
        let bytes = batch.bytes() - again_bytes - refused_bytes;
        metrics.add(Id::DeliveredBytes, bytes);
        for refused in answer.refused {
            self.refuse(&refused);
        }
        Ok(answer.again)
    }

    fn refuse(&mut self, refused: &RejectedItems) {
        let RejectedItems {
            reason,
            count,
            text,
            ..
        } = refused;
        self.report.refused += count;
        let telemetry = &self.terms.telemetry;
        telemetry.metrics.add(*reason, *count);
        let kind = log_limiter::LogKey {
            what: "rejected",
            part: reason.name(),
            unit: "events",
        };
        telemetry.error(
            kind,
            *count,
            format_args!("{}: {text}", self.service.target()),
        );
    }
}

fn outcome(answer: &Result<Answer, SendError>) -> Outcome {
    match answer {
        Ok(Answer { again: None, .. }) => Outcome::Ok,
        Ok(Answer { again: Some(_), .. }) => Outcome::Partial,
        Err(fault) => fault.outcome,
    }
}
