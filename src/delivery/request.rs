//! One request of a delivery: its admission, its answer and its metrics.

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
    /// Sends the request once the rate limiter admits it, if the time suffices for its answer.
    async fn put(&mut self, batch: &Batch) -> Result<Answer, SendError> {
        let DeliveryContext {
            deadline,
            rate_limiter,
            ..
        } = self.context;
        let admission = timeout_at(deadline.last_begin(), rate_limiter.acquire());
        if admission.await.is_err() {
            return Err(SendError::no_turn());
        }
        if !deadline.admits() {
            return Err(SendError::no_time());
        }
        self.report.requests += 1;
        self.began = Instant::now();
        let limit = deadline.of_request();
        let request = self.context.telemetry.metrics.request(S::PUT);
        let (answer, sent) =
            signed_body::traced(deadline::within(limit, self.service.put(batch))).await;
        let answer = answer.unwrap_or_else(|_| Err(self.no_answer(limit, sent)));
        let answer = answer.or_else(|error| match error.kind {
            ErrorClass::Stored => Ok(Answer::default()),
            _ => Err(error),
        });
        let outcome = outcome(&answer);
        request.end(outcome);
        if !matches!(outcome, Outcome::Unanswered | Outcome::Unsent) {
            deadline.answered_in(self.began.elapsed());
        }
        self.update_rate_limiter(&answer);
        answer
    }

    /// The error of a request that timed out. A request that was not sent cannot have been accepted.
    fn no_answer(&self, limit: Instant, sent: bool) -> SendError {
        if !sent {
            return SendError::not_sent();
        }
        let error = if limit < self.context.deadline.at() {
            SendError::unanswered()
        } else {
            SendError::out_of_time()
        };
        error.retried(self.service.retries_unanswered())
    }

    fn update_rate_limiter(&self, answer: &Result<Answer, SendError>) {
        let DeliveryContext {
            rate_limiter,
            telemetry,
            ..
        } = self.context;
        let error = match answer {
            Ok(answer) => answer.again.as_ref().map(|(_, error)| error),
            Err(error) => Some(error),
        };
        let is_throttled = error.is_some_and(|error| error.kind == ErrorClass::Throttled);
        telemetry
            .metrics
            .add(Id::Throttles, usize::from(is_throttled));
        rate_limiter.note(error, answer.is_ok());
    }

    /// Sends one request and counts its result; returns the items to retry.
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
        let metrics = &self.context.telemetry.metrics;
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
        let telemetry = &self.context.telemetry;
        telemetry.metrics.add(*reason, *count);
        let key = log_limiter::LogKey {
            what: "rejected",
            part: reason.name(),
            unit: "events",
        };
        telemetry.error(
            key,
            *count,
            format_args!("{}: {text}", self.service.target()),
        );
    }
}

fn outcome(answer: &Result<Answer, SendError>) -> Outcome {
    match answer {
        Ok(Answer { again: None, .. }) => Outcome::Ok,
        Ok(Answer { again: Some(_), .. }) => Outcome::Partial,
        Err(error) => error.outcome,
    }
}
