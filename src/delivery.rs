//! Sends batches to the service until each item is accepted or rejected for good, or the deadline is
//! reached.
//!
//! | error | retry |
//! |---|---|
//! | a transient error of a request | backoff with jitter, until the flush's deadline |
//! | the failed items of an accepted request | the same, for these items only |
//! | a target that does not exist | after creating it, if that is allowed |
//! | a request that is rejected as a whole | in halves, until a single item is proven to be the cause |
//! | everything else | Fluent Bit retries the chunk |
//!
//! The SDK's own retries are off.

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
pub mod stored_records;

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

/// Sends batches to one target of a service; implemented by each destination.
pub trait BatchSink: Send + Sync + 'static {
    /// The operation of [`BatchSink::put`].
    const PUT: Operation;

    /// Sends one request, without retries.
    ///
    /// # Errors
    ///
    /// When the request failed as a whole.
    fn put(&self, batch: &Batch) -> impl Future<Output = Result<Answer, SendError>> + Send;

    /// Creates the target that a request begun at `missed` did not find. Retries transient errors until
    /// the flush's deadline.
    ///
    /// # Errors
    ///
    /// When the target was not created. The delivery to this target then ends.
    fn create(&self, missed: Instant) -> impl Future<Output = Result<(), SendError>> + Send;

    /// The name of the target, for log lines.
    fn target(&self) -> &str;

    /// Whether a request without a response is retried within the flush.
    fn retries_unanswered(&self) -> bool;

    /// In which order the batches of one target are sent.
    fn order(&self) -> Order;
}

/// The order in which the batches of one target are sent. When the service rejects a request as a whole
/// and the time does not suffice for the search, only [`Order::Sequential`] is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// A batch is sent after the previous batch is delivered.
    Sequential,
    /// As [`Order::Sequential`] for batches with overlapping times only: the service sorts events by
    /// time.
    ByTime,
    /// Batches are sent concurrently. A batch that cannot be delivered does not stop other batches.
    Any,
}

/// The result of an accepted request.
#[derive(Debug, Default)]
pub struct Answer {
    /// Items to retry, with the error of the first.
    pub again: Option<(Vec<Item>, SendError)>,
    /// Items that were rejected for their time.
    pub refused: Vec<RejectedItems>,
}

impl Answer {
    /// The answer of a service that reports a result for each record. Failed records are retried
    /// whatever their code: the services document no code for a record that they will never accept.
    /// A result without an error is a failure too if it has no id of the stored record; its code is
    /// `no_id`.
    ///
    /// # Errors
    ///
    /// When the number of results differs from the number of records: any record may have failed.
    pub fn by_record<'a, R>(
        records: &'a [R],
        items: &[Item],
        no_id: &'static str,
        result: impl Fn(&'a R) -> RecordResult<'a>,
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
            answered.filter_map(|(record, item)| Some((result(record).failure(no_id)?, *item)))
        };
        let error = failed()
            .next()
            .map(|((code, message), _)| SendError::answered(code, message.unwrap_or("no message")));
        let items = failed().map(|(_, item)| item).collect();
        Ok(Self {
            again: error.map(|error| (items, error)),
            refused: Vec::new(),
        })
    }
}

/// The result of one record in the answer of a service.
#[derive(Clone, Copy, Debug)]
pub struct RecordResult<'a> {
    /// The id that the service gave to the stored record.
    pub id: Option<&'a str>,
    /// The error's code.
    pub code: Option<&'a str>,
    /// The error's message.
    pub message: Option<&'a str>,
}

impl<'a> RecordResult<'a> {
    /// The code and the message of a record that is not confirmed as stored.
    fn failure(self, no_id: &'static str) -> Option<(&'a str, Option<&'a str>)> {
        let is_stored = self.code.is_none() && self.id.is_some();
        (!is_stored).then(|| (self.code.unwrap_or(no_id), self.message))
    }
}

/// Items of an accepted request that the service did not store.
#[derive(Debug)]
pub struct RejectedItems {
    /// Why they were rejected.
    pub reason: RejectReason,
    /// The number of items.
    pub count: usize,
    /// Their size in bytes as the service counts it.
    pub bytes: usize,
    /// The text of the log line about them.
    pub text: String,
}

/// One target during a flush.
#[derive(Debug)]
pub struct TargetHandle<S> {
    service: S,
    /// A batch could not be delivered, so the following batches of the target are not sent.
    stopped: AtomicBool,
}

impl<S: BatchSink> TargetHandle<S> {
    /// A target to which nothing was sent yet.
    #[must_use]
    pub fn new(service: S) -> Self {
        let stopped = AtomicBool::new(false);
        Self { service, stopped }
    }
}

/// Delivers batches to several targets, with up to `context.at_once` requests in flight.
///
/// A target that fails does not delay the others. The batches of one target must be adjacent; they are
/// sent in the target's [`Order`]. When the deadline admits no further request, the rest is reported
/// as left at once.
///
/// # Panics
///
/// When a delivery task panics. The panic is resumed here, in the flush's own task, where it becomes
/// a verdict.
pub async fn deliver_all<S: BatchSink>(
    batches: impl IntoIterator<Item = (Arc<TargetHandle<S>>, Batch)>,
    context: &DeliveryContext,
) -> FlushReport {
    let mut report = FlushReport::default();
    let mut running = JoinSet::new();
    let mut batches = batches.into_iter().peekable();
    while let Some((destination, first)) = batches.next() {
        if !context.deadline.admits() {
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
            while running.len() >= context.at_once {
                report.merge(joined(running.join_next().await));
            }
            let (destination, context) = (destination.clone(), context.clone());
            running.spawn(async move {
                let TargetHandle { service, stopped } = &*destination;
                RetryLoop::new(service, &context, lane).run(stopped).await
            });
        }
    }
    while !running.is_empty() {
        report.merge(joined(running.join_next().await));
    }
    report
}

/// Groups batches into lanes that may be sent concurrently: every event of a lane is newer than every
/// event of the lanes before it. The service sorts events by time, and keeps the order of arrival only
/// among events of the same time.
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

/// What all requests of a flush share.
#[derive(Clone, Debug)]
pub struct DeliveryContext {
    /// The maximum number of requests in flight.
    pub at_once: usize,
    /// When the flush is answered, with or without unsent events.
    pub deadline: Deadline,
    /// Limits the rate of requests.
    pub rate_limiter: Arc<RateLimiter>,
    /// How often each batch is halved before it is sent. Grows with each flush that delivered nothing
    /// because requests were rejected.
    pub halvings: u32,
    /// The targets that have rejected a request.
    pub targets: Arc<Targets>,
    /// The log and the metrics of the instance.
    pub telemetry: Telemetry,
}

/// The report of a delivery task; resumes its panic.
fn joined(report: Option<Result<FlushReport, JoinError>>) -> FlushReport {
    match report {
        Some(Ok(report)) => report,
        Some(Err(error)) => panic::resume_unwind(error.into_panic()),
        None => FlushReport::default(),
    }
}

#[cfg(test)]
mod tests;
