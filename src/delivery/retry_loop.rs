//! The retry loop of one target: sends batches, retries failed ones, and drops rejected items.

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

/// Whether the loop continues after a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    Continue,
    Stop,
}

pub(super) struct RetryLoop<'d, S> {
    pub(super) service: &'d S,
    pub(super) context: &'d DeliveryContext,
    pub(super) report: FlushReport,
    search: Search,
    backoff: Backoff,
    /// The watched target; set with the first rejection.
    target: Option<Arc<Target>>,
    /// When the last request began.
    pub(super) began: Instant,
    /// How often the current part of a batch was sent.
    attempt: usize,
    /// The error of the last failed request.
    error: Option<SendError>,
}

impl<'d, S: BatchSink> RetryLoop<'d, S> {
    pub(super) fn new(service: &'d S, context: &'d DeliveryContext, batches: Vec<Batch>) -> Self {
        let items: usize = batches.iter().map(|batch| batch.items().len()).sum();
        let requests = requests_of_search(items) + (1 << context.halvings);
        let has_time = context
            .deadline
            .has_time_for(requests, context.rate_limiter.rate());
        let mut random = fastrand::Rng::new();
        let random = (!has_time && service.order() != Order::Sequential).then_some(&mut random);
        Self {
            service,
            context,
            report: FlushReport::default(),
            search: Search::new(batches, context.halvings, random),
            backoff: Backoff::new(fastrand::Rng::new()),
            target: None,
            began: Instant::now(),
            attempt: 0,
            error: None,
        }
    }

    /// Sends until everything is delivered or dropped, the deadline is reached, or an error stops the target.
    pub(super) async fn run(mut self, stopped: &AtomicBool) -> FlushReport {
        while !stopped.load(Relaxed) {
            let flow = match self.search.next() {
                Some(part) => self.send(part).await,
                None if self.search.is_waiting() => self.wait_for_proof().await,
                None => break,
            };
            if flow == Flow::Stop {
                stopped.store(true, Relaxed);
            }
        }
        self.into_report()
    }

    /// Records what is not delivered, and the error.
    fn into_report(mut self) -> FlushReport {
        for batch in self.search.into_rest() {
            self.report.left(&batch);
        }
        if !self.report.left.is_empty() && self.report.error.is_none() {
            let attempt = self.attempt;
            self.report.error = self.error.map(|error| error.at(attempt));
        }
        self.report
    }

    /// Sends a part once and handles the result.
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
            Ok(Some((rest, error))) => {
                self.log_attempt(&error);
                if rest.len() < part.batch.items().len() {
                    self.accepted(&part.batch);
                }
                if let Some(rest) = part.batch.part(&rest) {
                    self.search.put_back(Part::new(rest));
                }
                self.wait(error).await
            }
            Err(error) => self.failed(part, error).await,
        }
    }

    /// Handles an accepted request: resets the backoff, and retries what was rejected before.
    fn accepted(&mut self, batch: &Batch) {
        self.error = None;
        self.backoff = Backoff::new(fastrand::Rng::new());
        self.context.targets.accepted(batch.head(), self.began);
        self.search.try_aside();
    }

    /// Logs a failed attempt at debug level.
    fn log_attempt(&self, fault: &SendError) {
        let (target, attempt) = (self.service.target(), self.attempt);
        self.context
            .telemetry
            .debug(format_args!("{target}: {fault} (attempt {attempt})"));
    }

    /// Handles a request that failed as a whole.
    async fn failed(&mut self, part: Part, error: SendError) -> Flow {
        if error.never_began() {
            self.search.put_back(part);
            self.error.get_or_insert(error);
            return Flow::Stop;
        }
        self.log_attempt(&error);
        self.report.count_error(&error);
        let unanswered = usize::from(error.outcome == Outcome::Unanswered);
        self.context
            .telemetry
            .metrics
            .add(Id::Ambiguous, unanswered);
        if error.kind == ErrorClass::Refused {
            return self.refused(part, error).await;
        }
        self.search.put_back(part);
        match error.kind {
            ErrorClass::Denied => {
                self.error = Some(error);
                Flow::Stop
            }
            ErrorClass::Missing => self.create(error).await,
            _ => self.wait(error).await,
        }
    }

    /// Handles a rejection: searches for the rejected items; see [`super::search`].
    async fn refused(&mut self, part: Part, error: SendError) -> Flow {
        let targets = &self.context.targets;
        let target = || targets.get(part.batch.head());
        let target = self.target.get_or_insert_with(target);
        let healthy = target.accepted_within(HEALTHY);
        let requests = requests_of_search(part.batch.items().len());
        let DeliveryContext {
            deadline,
            rate_limiter,
            ..
        } = self.context;
        let has_time = deadline.has_time_for(requests, rate_limiter.rate());
        match self.search.refused(part, healthy, has_time, Instant::now()) {
            Step::Next => {
                self.error = Some(error);
                Flow::Continue
            }
            Step::Wait => self.wait(error).await,
            Step::Drop(item) => {
                self.give_up(&item, &error);
                Flow::Continue
            }
        }
    }

    /// Drops an item that is proven to be rejected for its content.
    fn give_up(&mut self, item: &Batch, fault: &SendError) {
        let count = item.items().len();
        self.report.dropped += count;
        let (target, time) = (self.service.target(), item.items()[0].time);
        let telemetry = &self.context.telemetry;
        telemetry.metrics.add(DropReason::Refused, count);
        let key = log_limiter::LogKey {
            what: "dropped",
            part: &fault.code,
            unit: "events",
        };
        telemetry.error(key, count, format_args!(
            "{target}: dropped {count} event of time {time} ms, which the service refuses: {fault}"
        ));
    }

    /// Creates the missing target. The sink retries transient errors until the deadline.
    async fn create(&mut self, missing: SendError) -> Flow {
        let create = self.service.create(self.began);
        let created = deadline::within(self.context.deadline.at(), create).await;
        match created.unwrap_or_else(|_| Err(SendError::out_of_time())) {
            Ok(()) => self.wait(missing).await,
            Err(error) => {
                self.error = Some(error);
                Flow::Stop
            }
        }
    }

    /// Waits when only rejected parts are left: the target may be repaired meanwhile.
    async fn wait_for_proof(&mut self) -> Flow {
        let flow = match self.error.take() {
            Some(error) => self.wait(error).await,
            None => Flow::Continue,
        };
        self.search.try_aside();
        flow
    }

    /// Waits before the next attempt. Stops if the time does not suffice for another attempt. If the
    /// service sent a `Retry-After`, it first waits for the last moment at which a request may begin, so
    /// that Fluent Bit's retries are not used up too fast.
    async fn wait(&mut self, error: SendError) -> Flow {
        let wait = self.backoff.after(&error);
        let (next, last) = (Instant::now() + wait, self.context.deadline.last_begin());
        let has_retry_after = error.retry_after.is_some();
        self.error = Some(error);
        if next <= last || has_retry_after {
            self.context.deadline.sleep_until(next.min(last)).await;
        }
        if next <= last && self.context.deadline.admits() {
            Flow::Continue
        } else {
            Flow::Stop
        }
    }
}

/// Estimates the requests of a search: 2 for each halving, and 2 more for proof.
fn requests_of_search(items: usize) -> u32 {
    4 * items.max(1).ilog2()
}

/// A target that accepted a request within this time is healthy: a rejection causes no backoff.
const HEALTHY: Duration = Duration::from_secs(2);
