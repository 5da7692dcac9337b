//! One destination's batches: what is sent, what is tried again, and what is given up.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Answer, Refused, Service, Terms};
use crate::backoff::Backoff;
use crate::batch::{self, Batch, Item};
use crate::fault::{Fault, Kind, Outcome};
use crate::metrics::table::{Id, REJECTED};
use crate::notice;
use crate::report::Report;
use crate::session::deadline;

/// Whether to go on after a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Course {
    Next,
    Stop,
}

pub(super) struct Delivery<'d, S> {
    service: &'d S,
    terms: &'d Terms,
    report: Report,
    /// When the last request began.
    began: Instant,
    /// How often the latest part of a batch was sent.
    attempt: usize,
    /// Items of the batch that were refused alone, since one was last accepted.
    suspects: Vec<(Batch, Fault)>,
}

fn outcome(answer: &Result<Answer, Fault>) -> Outcome {
    match answer {
        Ok(Answer { again: None, .. }) => Outcome::Ok,
        Ok(Answer { again: Some(_), .. }) => Outcome::Partial,
        Err(fault) => fault.outcome,
    }
}

/// The place in [`crate::metrics::table::DROPPED`].
const REFUSED: usize = 0;

/// So many items refused alone, and none accepted between them, are not refused for what they hold.
const MOST_SUSPECTS: usize = 16;

impl<'d, S: Service> Delivery<'d, S> {
    pub(super) fn new(service: &'d S, terms: &'d Terms) -> Self {
        Self {
            service,
            terms,
            report: Report::default(),
            began: Instant::now(),
            attempt: 0,
            suspects: Vec::new(),
        }
    }

    /// Notes a batch that is not tried.
    pub(super) fn leave(&mut self, batch: &Batch) {
        self.report.left(batch);
    }

    pub(super) fn into_report(self) -> Report {
        self.report
    }

    pub(super) async fn batch(&mut self, batch: Batch) -> Course {
        let course = self.parts(vec![batch]).await;
        self.drop_suspects();
        course
    }

    async fn parts(&mut self, mut parts: Vec<Batch>) -> Course {
        let mut backoff = Backoff::new(fastrand::Rng::new());
        self.attempt = 0;
        while let Some(batch) = parts.pop() {
            self.attempt += 1;
            match self.attempt(&batch).await {
                Ok(None) => {
                    self.attempt = 0;
                    self.drop_suspects();
                }
                Ok(Some((rest, fault))) => {
                    self.say_of(&fault);
                    parts.extend(batch.part(&rest));
                    if self.wait(&mut backoff, &fault).await == Course::Stop {
                        return self.stop(parts, fault);
                    }
                }
                Err(fault) => {
                    let course = self.mend(batch, &fault, &mut parts, &mut backoff).await;
                    if course == Course::Stop {
                        return self.stop(parts, fault);
                    }
                }
            }
        }
        Course::Next
    }

    /// Sends when it is this request's turn; what throttling there was, the pace learns.
    async fn put(&self, batch: &Batch) -> Result<Answer, Fault> {
        let Terms { deadline, pace, .. } = self.terms;
        if timeout_at(*deadline, pace.turn()).await.is_err() {
            return Err(Fault::no_turn());
        }
        let now = Instant::now();
        let limit = now + share(*deadline - now);
        let request = self.terms.watch.metrics.request(S::PUT);
        let answer = deadline::within(limit, self.service.put(batch)).await;
        let answer = answer.unwrap_or_else(|_| Err(out_of_time(limit, *deadline)));
        request.end(outcome(&answer));
        self.learn_pace(&answer);
        answer
    }

    fn learn_pace(&self, answer: &Result<Answer, Fault>) {
        let Terms { pace, watch, .. } = self.terms;
        let fault = match answer {
            Ok(answer) => answer.again.as_ref().map(|(_, fault)| fault),
            Err(fault) => Some(fault),
        };
        match fault {
            Some(fault) if fault.kind == Kind::Throttled => {
                watch.metrics.add(Id::Throttles, 1);
                pace.throttled(fault.retry_after);
            }
            Some(_) => {}
            None => pace.accepted(),
        }
    }

    /// One request; what of it is to be sent again.
    async fn attempt(&mut self, batch: &Batch) -> Result<Option<(Vec<Item>, Fault)>, Fault> {
        self.report.requests += 1;
        self.began = Instant::now();
        let answer = self.put(batch).await?;
        let again = answer.again.as_ref().map_or(0, |(items, _)| items.len());
        let again_bytes = answer
            .again
            .as_ref()
            .map_or(0, |(items, _)| batch::weight(items));
        let refused: usize = answer.refused.iter().map(|refused| refused.count).sum();
        let refused_bytes: usize = answer.refused.iter().map(|refused| refused.bytes).sum();
        let accepted = batch.items().len() - again - refused;
        self.report.accepted += accepted;
        let metrics = &self.terms.watch.metrics;
        metrics.add(Id::Delivered, accepted);
        metrics.add(
            Id::DeliveredBytes,
            batch.bytes() - again_bytes - refused_bytes,
        );
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
        watch.metrics.count(Id::Rejected, *reason, *count);
        let kind = notice::Kind {
            what: "rejected",
            part: REJECTED[*reason],
            unit: "events",
        };
        watch.error(
            kind,
            *count,
            format_args!("{}: {text}", self.service.target()),
        );
    }

    /// A line for an attempt that is followed by another one, or by a line of its own.
    fn say_of(&self, fault: &Fault) {
        let (target, attempt) = (self.service.target(), self.attempt);
        self.terms
            .watch
            .debug(format_args!("{target}: {fault} (attempt {attempt})"));
    }

    /// Decides what is done about a failed request; puts back what shall be tried again.
    async fn mend(
        &mut self,
        batch: Batch,
        fault: &Fault,
        parts: &mut Vec<Batch>,
        backoff: &mut Backoff,
    ) -> Course {
        self.say_of(fault);
        self.report.count_fault(fault);
        let unanswered = usize::from(fault.outcome == Outcome::Unanswered);
        self.terms.watch.metrics.add(Id::Ambiguous, unanswered);
        match fault.kind {
            Kind::Refused => self.halve(batch, fault, parts),
            Kind::Denied => {
                parts.push(batch);
                Course::Stop
            }
            Kind::Missing => {
                parts.push(batch);
                self.create(fault, backoff).await
            }
            Kind::Exists | Kind::Passing { .. } | Kind::Throttled => {
                parts.push(batch);
                self.wait(backoff, fault).await
            }
        }
    }

    /// Looks for the item at fault; the older half goes first, to keep the order.
    ///
    /// Where item after item is refused alone and none is accepted, it is not the items: the group,
    /// the name or the account is refused, and that is for the user to mend, not a reason to drop.
    fn halve(&mut self, batch: Batch, fault: &Fault, parts: &mut Vec<Batch>) -> Course {
        if let Some((older, newer)) = batch.halves() {
            parts.extend([newer, older]);
            return Course::Next;
        }
        self.suspects.push((batch, fault.clone()));
        if self.suspects.len() < MOST_SUSPECTS {
            return Course::Next;
        }
        parts.extend(self.suspects.drain(..).map(|(batch, _)| batch));
        Course::Stop
    }

    /// Gives up the items that were refused alone, as others were accepted or there are none.
    fn drop_suspects(&mut self) {
        for (batch, fault) in self.suspects.drain(..) {
            let count = batch.items().len();
            self.report.dropped += count;
            let (target, time) = (self.service.target(), batch.items()[0].time);
            let watch = &self.terms.watch;
            watch.metrics.count(Id::Dropped, REFUSED, count);
            let kind = notice::Kind {
                what: "dropped",
                part: &fault.code,
                unit: "events",
            };
            watch.error(kind, count, format_args!(
                "{target}: dropped {count} event of time {time} ms, which the service refuses: {fault}"
            ));
        }
    }

    /// Creates what is missing; waits first, as what has been created may take a moment to be seen.
    async fn create(&mut self, fault: &Fault, backoff: &mut Backoff) -> Course {
        let deadline = self.terms.deadline;
        let created = deadline::within(deadline, self.service.create(self.began)).await;
        match created.unwrap_or_else(|_| Err(Fault::out_of_time())) {
            Ok(()) => self.wait(backoff, fault).await,
            // The service has repeated what can pass until the deadline.
            Err(fault) => {
                self.report.fault = Some(fault);
                Course::Stop
            }
        }
    }

    /// Waits before the next attempt, if there is time for one.
    async fn wait(&self, backoff: &mut Backoff, fault: &Fault) -> Course {
        let then = Instant::now() + backoff.after(fault);
        if then >= self.terms.deadline {
            return Course::Stop;
        }
        sleep_until(then).await;
        Course::Next
    }

    fn stop(&mut self, parts: Vec<Batch>, fault: Fault) -> Course {
        for part in parts {
            self.report.left(&part);
        }
        self.report.fault.get_or_insert(fault.at(self.attempt));
        Course::Stop
    }
}

/// How much of the time that is left one request may take: a connection that went silent, or a
/// server behind it, then leaves time for another one.
fn share(left: Duration) -> Duration {
    left.mul_f64(0.6).max(left.min(LEAST_SHARE))
}

fn out_of_time(limit: Instant, deadline: Instant) -> Fault {
    if limit < deadline {
        Fault::unanswered()
    } else {
        Fault::out_of_time()
    }
}

/// A request that is answered at all is answered within this, unless the service is in trouble.
const LEAST_SHARE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_leaves_time_for_another_one_unless_there_is_too_little() {
        for (left, expected) in [
            (10_000, 6_000),
            (4_000, 2_400),
            (3_000, 2_000),
            (1_000, 1_000),
        ] {
            let share = share(Duration::from_millis(left));
            assert_eq!(share, Duration::from_millis(expected), "of {left}");
        }
    }
}
