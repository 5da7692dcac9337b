//! One target's batches: what is sent, what is tried again, and what is given up.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::proof::Target;
use super::search::{Part, Search, Step};
use super::{BatchSink, DeliveryContext, Order};
use crate::aws::deadline;
use crate::batch::Batch;
use crate::delivery::backoff::Backoff;
use crate::delivery::error::{ErrorClass, Outcome, SendError};
use crate::delivery::flush_report::FlushReport;
use crate::telemetry::log_limiter;
use crate::telemetry::metrics::descriptors::{DropReason, Id};

/// Whether to go on after a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    Continue,
    Stop,
}

pub(super) struct RetryLoop<'d, S> {
    pub(super) service: &'d S,
    pub(super) terms: &'d DeliveryContext,
    pub(super) report: FlushReport,
    search: Search,
    backoff: Backoff,
    /// The target, from its first refusal on.
    target: Option<Arc<Target>>,
    /// When the last request began.
    pub(super) began: Instant,
    /// How often the latest part of a batch was sent.
    attempt: usize,
    /// What the last failed request was answered with.
    fault: Option<SendError>,
}

impl<'d, S: BatchSink> RetryLoop<'d, S> {
    pub(super) fn new(service: &'d S, terms: &'d DeliveryContext, batches: Vec<Batch>) -> Self {
        let items: usize = batches.iter().map(|batch| batch.items().len()).sum();
        let requests = requests_of_search(items) + (1 << terms.halvings);
        let has_time = terms
            .deadline
            .has_time_for(requests, terms.rate_limiter.rate());
        let mut random = fastrand::Rng::new();
        let random = (!has_time && service.order() != Order::Sequential).then_some(&mut random);
        Self {
            service,
            terms,
            report: FlushReport::default(),
            search: Search::new(batches, terms.halvings, random),
            backoff: Backoff::new(fastrand::Rng::new()),
            target: None,
            began: Instant::now(),
            attempt: 0,
            fault: None,
        }
    }

    /// Sends until everything is settled, the time is up, or a fault stops the target.
    pub(super) async fn run(mut self, stopped: &AtomicBool) -> FlushReport {
        while !stopped.load(Relaxed) {
            let course = match self.search.next() {
                Some(part) => self.send(part).await,
                None if self.search.is_waiting() => self.wait_for_proof().await,
                None => break,
            };
            if course == Flow::Stop {
                stopped.store(true, Relaxed);
            }
        }
        self.leave()
    }

    /// Notes what is not delivered, and why.
    fn leave(mut self) -> FlushReport {
        for batch in self.search.into_rest() {
            self.report.left(&batch);
        }
        if !self.report.left.is_empty() && self.report.fault.is_none() {
            let attempt = self.attempt;
            self.report.fault = self.fault.map(|fault| fault.at(attempt));
        }
        self.report
    }

    /// Sends a part once, and decides what comes next.
    async fn send(&mut self, mut part: Part) -> Flow {
        self.attempt += 1;
        let proven = |first| self.target.as_ref()?.accepted_since(first).then_some(());
        part.proven = part.refused.and_then(proven).is_some();
        match self.attempt(&part.batch).await {
            Ok(None) => {
                self.search.accepted(&part);
                self.accepted(&part.batch);
                self.attempt = 0;
                Flow::Continue
            }
            Ok(Some((rest, fault))) => {
                self.log_attempt(&fault);
                if rest.len() < part.batch.items().len() {
                    self.accepted(&part.batch);
                }
                if let Some(rest) = part.batch.part(&rest) {
                    self.search.put_back(Part::new(rest));
                }
                self.wait(fault).await
            }
            Err(fault) => self.failed(part, fault).await,
        }
    }

    /// The target takes requests: what it refused before is tried again.
    fn accepted(&mut self, batch: &Batch) {
        self.fault = None;
        self.backoff = Backoff::new(fastrand::Rng::new());
        self.terms.targets.accepted(batch.head(), self.began);
        self.search.try_aside();
    }

    /// Writes a debug line for an attempt that is followed by another one, or by a line of its own.
    fn log_attempt(&self, fault: &SendError) {
        let (target, attempt) = (self.service.target(), self.attempt);
        self.terms
            .telemetry
            .debug(format_args!("{target}: {fault} (attempt {attempt})"));
    }

    /// Decides what is done about a failed request.
    async fn failed(&mut self, part: Part, fault: SendError) -> Flow {
        if fault.never_began() {
            self.search.put_back(part);
            self.fault.get_or_insert(fault);
            return Flow::Stop;
        }
        self.log_attempt(&fault);
        self.report.count_fault(&fault);
        let unanswered = usize::from(fault.outcome == Outcome::Unanswered);
        self.terms.telemetry.metrics.add(Id::Ambiguous, unanswered);
        if fault.kind == ErrorClass::Refused {
            return self.refused(part, fault).await;
        }
        self.search.put_back(part);
        match fault.kind {
            ErrorClass::Denied => {
                self.fault = Some(fault);
                Flow::Stop
            }
            ErrorClass::Missing => self.create(fault).await,
            _ => self.wait(fault).await,
        }
    }

    /// Looks for the items at fault; see [`super::search`].
    async fn refused(&mut self, part: Part, fault: SendError) -> Flow {
        let targets = &self.terms.targets;
        let known = || targets.get(part.batch.head());
        let known = self.target.get_or_insert_with(known);
        let healthy = known.accepted_within(HEALTHY);
        let requests = requests_of_search(part.batch.items().len());
        let DeliveryContext {
            deadline,
            rate_limiter,
            ..
        } = self.terms;
        let has_time = deadline.has_time_for(requests, rate_limiter.rate());
        match self.search.refused(part, healthy, has_time, Instant::now()) {
            Step::Next => {
                self.fault = Some(fault);
                Flow::Continue
            }
            Step::Wait => self.wait(fault).await,
            Step::Drop(item) => {
                self.give_up(&item, &fault);
                Flow::Continue
            }
        }
    }

    /// Gives up an item that is proven to be refused for what it holds.
    fn give_up(&mut self, item: &Batch, fault: &SendError) {
        let count = item.items().len();
        self.report.dropped += count;
        let (target, time) = (self.service.target(), item.items()[0].time);
        let telemetry = &self.terms.telemetry;
        telemetry.metrics.add(DropReason::Refused, count);
        let kind = log_limiter::LogKey {
            what: "dropped",
            part: &fault.code,
            unit: "events",
        };
        telemetry.error(kind, count, format_args!(
            "{target}: dropped {count} event of time {time} ms, which the service refuses: {fault}"
        ));
    }

    /// Creates what is missing. The service repeats by itself what can pass, until the deadline.
    async fn create(&mut self, missing: SendError) -> Flow {
        let create = self.service.create(self.began);
        let created = deadline::within(self.terms.deadline.at(), create).await;
        match created.unwrap_or_else(|_| Err(SendError::out_of_time())) {
            Ok(()) => self.wait(missing).await,
            Err(fault) => {
                self.fault = Some(fault);
                Flow::Stop
            }
        }
    }

    /// Nothing is left to send but what was refused: the target may be repaired in a moment.
    async fn wait_for_proof(&mut self) -> Flow {
        let course = match self.fault.take() {
            Some(fault) => self.wait(fault).await,
            None => Flow::Continue,
        };
        self.search.try_aside();
        course
    }

    /// Waits before the next attempt. Without the time for one, the flush ends; where the service
    /// asked to be left alone, at its deadline, so that Fluent Bit's retries do not run out.
    async fn wait(&mut self, fault: SendError) -> Flow {
        let wait = self.backoff.after(&fault);
        let (then, last) = (Instant::now() + wait, self.terms.deadline.last_begin());
        let asked = fault.retry_after.is_some();
        self.fault = Some(fault);
        if then <= last || asked {
            self.terms.deadline.sleep_until(then.min(last)).await;
        }
        if then <= last && self.terms.deadline.admits() {
            Flow::Continue
        } else {
            Flow::Stop
        }
    }
}

/// Two requests for each halving, and as many again for proof.
fn requests_of_search(items: usize) -> u32 {
    4 * items.max(1).ilog2()
}

/// A target that accepted a request so lately is not asked less often for refusing another one.
const HEALTHY: Duration = Duration::from_secs(2);
