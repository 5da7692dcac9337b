//! Batches -> the service, until each item is accepted, refused for good, or out of time.
//!
//! | retried here | by |
//! |---|---|
//! | a request that failed and can pass | backed off with jitter, until the flush's deadline |
//! | the failed part of an accepted request | the same, that part alone |
//! | a write to something missing | after creating it, if that is allowed |
//! | a request that is refused as a whole | halves, until an item alone is proven to be at fault |
//! | everything else | Fluent Bit's retry of the chunk |
//!
//! The SDK retries nothing.

pub mod admission;
pub mod attempt;
pub mod backoff;
mod deadline;
pub mod error;
pub mod flush_report;
pub mod ledger;
pub mod permits;
mod proof;
pub mod rate_limiter;
mod request;
mod retry_loop;
mod search;
pub mod signed_body;

use std::future::Future;
use std::iter;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

pub use self::deadline::Deadline;
pub use self::proof::Targets;
use crate::batch::{Batch, Item};
use crate::delivery::error::{ErrorClass, SendError};
use crate::delivery::flush_report::FlushReport;
use crate::delivery::rate_limiter::RateLimiter;
use crate::delivery::retry_loop::RetryLoop;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::descriptors::{Operation, RejectReason};

/// A service that takes batches; what differs between the plugins.
pub trait BatchSink: Send + Sync + 'static {
    /// The operation of [`BatchSink::put`], one of the plugin's own.
    const PUT: Operation;

    /// Sends one request, once.
    fn put(&self, batch: &Batch) -> impl Future<Output = Result<Answer, SendError>> + Send;

    /// Creates what a request begun at `missed` has found missing. It repeats what can pass until the
    /// flush's deadline; `Err` says why it was not created, and ends the destination's delivery.
    fn create(&self, missed: Instant) -> impl Future<Output = Result<(), SendError>> + Send;

    /// What is written to, for a log line.
    fn target(&self) -> &str;

    /// Whether a request without an answer is sent again within the flush.
    fn retries_unanswered(&self) -> bool;

    /// In which order the batches of one target are sent.
    fn order(&self) -> Order;
}

/// The order in which the batches of one target are sent. Where the service refuses a request as a whole
/// and there is no time for the search, [`Order::Sequential`] alone is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// A batch is sent when the one before it is delivered.
    Sequential,
    /// The same, but only where the times of the two overlap: the service sorts events by time.
    ByTime,
    /// All at once. A batch that cannot be delivered stops no other one.
    Any,
}

/// What became of an accepted request.
#[derive(Debug, Default)]
pub struct Answer {
    /// Items that were not taken but may be the next time, with the reason of the first.
    pub again: Option<(Vec<Item>, SendError)>,
    /// Items that were not stored for their time.
    pub refused: Vec<RejectedItems>,
}

impl Answer {
    /// The answer of a service that answers for each record: the failed ones are to be sent again alone,
    /// whatever their codes, as the services document no code for a record that they will never take.
    /// `failure` is the code and the message of a record that is not known to be stored.
    ///
    /// # Errors
    ///
    /// When the answer is not about each record: then all may have failed.
    pub fn by_record<'a, R>(
        records: &'a [R],
        items: &[Item],
        failure: impl Fn(&'a R) -> Option<(&'a str, Option<&'a str>)>,
    ) -> Result<Self, SendError> {
        if records.len() != items.len() {
            return Err(SendError::new(
                ErrorClass::Transient { unanswered: true },
                "IncompleteAnswer",
                format_args!("an answer for {} of {} records", records.len(), items.len()),
            ));
        }
        let failed = || {
            let answered = records.iter().zip(items);
            answered.filter_map(|(record, item)| Some((failure(record)?, *item)))
        };
        let fault = failed()
            .next()
            .map(|((code, message), _)| SendError::answered(code, message.unwrap_or("no message")));
        let items = failed().map(|(_, item)| item).collect();
        Ok(Self {
            again: fault.map(|fault| (items, fault)),
            refused: Vec::new(),
        })
    }
}

/// Items of an accepted request that the service did not store.
#[derive(Debug)]
pub struct RejectedItems {
    /// Why.
    pub reason: RejectReason,
    /// How many.
    pub count: usize,
    /// What they weigh as the service counts them.
    pub bytes: usize,
    /// What is said of them.
    pub text: String,
}

/// Something to send to, in the rounds of one flush.
#[derive(Debug)]
pub struct TargetHandle<S> {
    service: S,
    /// A batch could not be delivered: what follows it is not sent either.
    stopped: AtomicBool,
}

impl<S: BatchSink> TargetHandle<S> {
    /// Nothing has been sent yet.
    #[must_use]
    pub fn new(service: S) -> Self {
        let stopped = AtomicBool::new(false);
        Self { service, stopped }
    }
}

/// Delivers to several destinations, so many requests at a time; one that fails does not hold up the
/// others. Batches of one destination stand next to each other. They are sent in their order, or
/// together where their times do not overlap. When the flush's deadline admits no request any more,
/// what was not sent is left at once.
pub async fn deliver_all<S: BatchSink>(
    batches: impl IntoIterator<Item = (Arc<TargetHandle<S>>, Batch)>,
    terms: &DeliveryContext,
) -> FlushReport {
    let mut report = FlushReport::default();
    let mut running = JoinSet::new();
    let mut batches = batches.into_iter().peekable();
    while let Some((destination, first)) = batches.next() {
        if !terms.deadline.admits() {
            report.out_of_time(&first);
            continue;
        }
        let next = || batches.next_if(|(next, _)| Arc::ptr_eq(next, &destination));
        let others = iter::from_fn(next).map(|(_, batch)| batch);
        let batches = iter::once(first).chain(others);
        let lanes = match destination.service.order() {
            Order::Sequential => vec![batches.collect()],
            Order::ByTime => lanes(batches),
            Order::Any => batches.map(|batch| vec![batch]).collect(),
        };
        for lane in lanes {
            while running.len() >= terms.at_once {
                report.merge(joined(running.join_next().await));
            }
            let (destination, terms) = (destination.clone(), terms.clone());
            running.spawn(async move {
                let TargetHandle { service, stopped } = &*destination;
                RetryLoop::new(service, &terms, lane).run(stopped).await
            });
        }
    }
    while !running.is_empty() {
        report.merge(joined(running.join_next().await));
    }
    report
}

/// Parts batches where all that follows is newer than all before: the service sorts by time, and only
/// what has one time it keeps in the order in which it comes.
fn lanes(batches: impl Iterator<Item = Batch>) -> Vec<Vec<Batch>> {
    let mut lanes: Vec<Vec<Batch>> = Vec::new();
    for batch in batches {
        let overlaps = |lane: &Vec<Batch>| lane.iter().any(|one| one.newest() >= batch.oldest());
        let first = lanes.iter().position(overlaps).unwrap_or(lanes.len());
        let mut lane: Vec<Batch> = lanes.drain(first..).flatten().collect();
        lane.push(batch);
        lanes.push(lane);
    }
    lanes
}

/// What holds for all of a flush's requests.
#[derive(Clone, Debug)]
pub struct DeliveryContext {
    /// Requests that are on their way at the same time.
    pub at_once: usize,
    /// When the flush is answered, whatever is left by then.
    pub deadline: Deadline,
    /// How fast requests are made.
    pub rate_limiter: Arc<RateLimiter>,
    /// How often each batch is halved before it is sent: flushes that delivered nothing, as requests
    /// were refused.
    pub halvings: u32,
    /// What the instance writes to, as far as it has refused some.
    pub targets: Arc<Targets>,
    /// The instance's lines and counts.
    pub telemetry: Telemetry,
}

/// A panic goes on in the flush's own task, where it becomes a verdict.
fn joined(report: Option<Result<FlushReport, JoinError>>) -> FlushReport {
    match report {
        Some(Ok(report)) => report,
        Some(Err(error)) => panic::resume_unwind(error.into_panic()),
        None => FlushReport::default(),
    }
}

#[cfg(test)]
mod tests;
