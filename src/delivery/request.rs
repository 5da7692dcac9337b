//! One request of a delivery: whether it may begin, its answer, and what is counted of it.

use tokio::time::{Instant, timeout_at};

use super::Answer;
use super::Refused;
use super::Service;
use super::Terms;
use crate::aws::deadline;
use crate::batch::{self, Batch, Item};
use crate::delivery::error::{Fault, Kind, Outcome};
use crate::delivery::retry_loop::Delivery;
use crate::delivery::signed_body;
use crate::telemetry::log_limiter;
use crate::telemetry::metrics::descriptors::Id;

impl<S: Service> Delivery<'_, S> {
    /// Sends when it is this request's turn and there is time for its answer.
    async fn put(&mut self, batch: &Batch) -> Result<Answer, Fault> {
        let Terms { deadline, pace, .. } = self.terms;
        let turn = timeout_at(deadline.last_begin(), pace.turn());
        if turn.await.is_err() {
            return Err(Fault::no_turn());
        }
        if !deadline.admits() {
            return Err(Fault::no_time());
        }
        self.report.requests += 1;
        self.began = Instant::now();
        let limit = deadline.of_request();
        let request = self.terms.watch.metrics.request(S::PUT);
        let (answer, sent) =
            signed_body::traced(deadline::within(limit, self.service.put(batch))).await;
        let answer = answer.unwrap_or_else(|_| Err(self.no_answer(limit, sent)));
        let answer = answer.or_else(|fault| match fault.kind {
            Kind::Stored => Ok(Answer::default()),
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
    fn no_answer(&self, limit: Instant, sent: bool) -> Fault {
        if !sent {
            return Fault::not_sent();
        }
        let fault = if limit < self.terms.deadline.at() {
            Fault::unanswered()
        } else {
            Fault::out_of_time()
        };
        fault.retried(self.service.retries_unanswered())
    }

    fn inform_pace(&self, answer: &Result<Answer, Fault>) {
        let Terms { pace, watch, .. } = self.terms;
        let fault = match answer {
            Ok(answer) => answer.again.as_ref().map(|(_, fault)| fault),
            Err(fault) => Some(fault),
        };
        let is_throttled = fault.is_some_and(|fault| fault.kind == Kind::Throttled);
        watch.metrics.add(Id::Throttles, usize::from(is_throttled));
        pace.note(fault, answer.is_ok());
    }

    /// One request; what of it is to be sent again.
    pub(super) async fn attempt(
        &mut self,
        batch: &Batch,
    ) -> Result<Option<(Vec<Item>, Fault)>, Fault> {
        let answer = self.put(batch).await?;
        let again = answer.again.as_ref();
        let (again, again_bytes) =
            again.map_or((0, 0), |(items, _)| (items.len(), batch::weight(items)));
        let refused: usize = answer.refused.iter().map(|refused| refused.count).sum();
        let refused_bytes: usize = answer.refused.iter().map(|refused| refused.bytes).sum();
        let accepted = batch.items().len() - again - refused;
        self.report.accepted += accepted;
        let metrics = &self.terms.watch.metrics;
        metrics.add(Id::Delivered, accepted);
        let bytes = batch.bytes() - again_bytes - refused_bytes;
        metrics.add(Id::DeliveredBytes, bytes);
        for refused in answer.refused {
            self.refuse(&refused);
        }
        Ok(answer.again)
    }

    fn refuse(&mut self, refused: &Refused) {
        let Refused {
            reason,
            count,
            text,
            ..
        } = refused;
        self.report.refused += count;
        let watch = &self.terms.watch;
        watch.metrics.add(*reason, *count);
        let kind = log_limiter::Kind {
            what: "rejected",
            part: reason.name(),
            unit: "events",
        };
        watch.error(
            kind,
            *count,
            format_args!("{}: {text}", self.service.target()),
        );
    }
}

fn outcome(answer: &Result<Answer, Fault>) -> Outcome {
    match answer {
        Ok(Answer { again: None, .. }) => Outcome::Ok,
        Ok(Answer { again: Some(_), .. }) => Outcome::Partial,
        Err(fault) => fault.outcome,
    }
}
