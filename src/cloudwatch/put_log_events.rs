//! The requests of one log stream: PutLogEvents, and what its answer says of events that were not stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::put_log_events::{PutLogEventsError, PutLogEventsOutput};
use aws_sdk_cloudwatchlogs::types::RejectedLogEventsInfo;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use tokio::time::Instant;

use crate::aws::deadline;
use crate::batch::{self, Batch, Item};
use crate::cloudwatch::provision::{Missing, Provisioner};
use crate::cloudwatch::route::LogStreamId;
use crate::delivery::error::{ErrorClass, SendError};
use crate::delivery::signed_body::SignedBody;
use crate::delivery::{Answer, BatchSink, Order, RejectedItems};
use crate::telemetry::log_limiter;
use crate::telemetry::metrics::descriptors::{Operation, RejectReason};

/// One log stream, as something to send to.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    id: LogStreamId,
    provisioner: Arc<Provisioner>,
    options: RequestOptions,
    target: String,
    /// The last write found not even the group.
    without_group: AtomicBool,
}

/// How requests are sent, the same for every log stream of an output.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// The value of the header that tells the service of embedded metrics.
    pub log_format: Option<String>,
    /// Compresses request bodies.
    pub gzip: bool,
    /// Sends a request without an answer again within the flush.
    pub auto_retry: bool,
}

impl Stream {
    /// Sends to a log stream.
    #[must_use]
    pub fn new(
        client: Client,
        id: LogStreamId,
        provisioner: Arc<Provisioner>,
        options: RequestOptions,
    ) -> Self {
        let target = format!("log group `{}`, log stream `{}`", id.group, id.stream);
        Self {
            client,
            id,
            provisioner,
            options,
            target,
            without_group: AtomicBool::new(false),
        }
    }

    fn fault(&self, error: &SdkError<PutLogEventsError, HttpResponse>) -> SendError {
        let fault = SendError::of(error);
        let without_group =
            fault.kind == ErrorClass::Missing && fault.to_string().contains(NO_GROUP);
        self.without_group.store(without_group, Ordering::Relaxed);
        fault
            .needing("logs:PutLogEvents")
            .retried(self.options.auto_retry)
    }

    /// The events are stored, but not as those of the entity.
    fn report_rejected_entity(&self, output: &PutLogEventsOutput) {
        let Some(info) = output.rejected_entity_info() else {
            return;
        };
        let (target, error_type) = (&self.target, info.error_type().as_str());
        let kind = log_limiter::LogKey {
            what: "entity",
            part: error_type,
            unit: "requests",
        };
        self.provisioner.telemetry().warn(kind, 1, format_args!(
            "{target}: the service stored the events and rejected their entity (`add_entity`): {error_type}"
        ));
    }
}

impl BatchSink for Stream {
    const PUT: Operation = Operation::PutLogEvents;

    async fn put(&self, batch: &Batch) -> Result<Answer, SendError> {
        let body = batch.body();
        let prepared = if self.options.gzip {
            SignedBody::gzip(&body)
        } else {
            SignedBody::new(body)
        };
        let mut request = self
            .client
            .put_log_events()
            .customize()
            .interceptor(prepared);
        if let Some(format) = self.options.log_format.clone() {
            request = request.mutate_request(move |request| {
                request
                    .headers_mut()
                    .insert("x-amzn-logs-format", format.clone());
            });
        }
        let output = request.send().await.map_err(|error| self.fault(&error))?;
        self.provisioner.written(&self.client, &self.id.group);
        self.report_rejected_entity(&output);
        Ok(answer(&output, batch.items()))
    }

    async fn create(&self, missed: Instant) -> Result<(), SendError> {
        let missing = Missing {
            at: missed,
            group: self.without_group.load(Ordering::Relaxed),
            deadline: deadline::current().unwrap_or_else(|| missed + LONGEST_CREATION),
        };
        self.provisioner
            .create(&self.client, &self.id, missing)
            .await
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn retries_unanswered(&self) -> bool {
        self.options.auto_retry
    }

    fn order(&self) -> Order {
        Order::ByTime
    }
}

fn answer(output: &PutLogEventsOutput, items: &[Item]) -> Answer {
    let refused = output
        .rejected_log_events_info()
        .map(|info| refused(info, items));
    Answer {
        again: None,
        refused: refused.unwrap_or_default(),
    }
}

/// The service names the ends of the ranges it refused: events older than its limit and those older
/// than the group's retention come first in a batch, those too far in the future last.
fn refused(info: &RejectedLogEventsInfo, items: &[Item]) -> Vec<RejectedItems> {
    let index = |index: Option<i32>| {
        usize::try_from(index.unwrap_or_default())
            .unwrap_or_default()
            .min(items.len())
    };
    let too_old = index(info.too_old_log_event_end_index());
    let expired = index(info.expired_log_event_end_index()).max(too_old);
    let too_new = info
        .too_new_log_event_start_index()
        .map_or(items.len(), |start| index(Some(start)));
    [
        (RejectReason::TooOld, 0..too_old, "older than 14 days"),
        (RejectReason::Expired, too_old..expired, "older than the log group's retention"),
        (RejectReason::TooNew, too_new.max(expired)..items.len(), "more than 2 hours in the future"),
    ]
    .into_iter()
    .filter(|(_, range, _)| !range.is_empty())
    .map(|(reason, range, why)| {
        let items = &items[range];
        let (count, first, bytes) = (items.len(), items[0].time, batch::weight(items));
        let text = format!("dropped {count} events that the service refused as {why}; the first has time {first} ms");
        RejectedItems { reason, count, bytes, text }
    })
    .collect()
}

/// Time for a creation outside of a flush.
const LONGEST_CREATION: Duration = Duration::from_secs(10);
/// Part of the service's message for a missing log group. With any other message the log stream is created first.
const NO_GROUP: &str = "log group does not exist";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Limits};

    fn refused_of(info: &RejectedLogEventsInfo) -> Vec<RejectedItems> {
        let mut open = BatchBuilder::new(
            Limits {
                items: 10,
                bytes: 100,
                span_ms: None,
            },
            b"[",
            None,
        );
        for time in 0..10 {
            let start = open.body().len();
            open.body().push(b'x');
            assert!(open.add(start, time, 1, 0).is_none());
        }
        refused(info, open.finish().unwrap().items())
    }

    fn counts(info: &RejectedLogEventsInfo) -> Vec<usize> {
        refused_of(info)
            .into_iter()
            .map(|refused| refused.count)
            .collect()
    }

    #[test]
    fn each_range_of_refused_events_is_counted() {
        let info = RejectedLogEventsInfo::builder();
        assert_eq!(
            counts(&info.clone().too_new_log_event_start_index(7).build()),
            [3]
        );
        assert_eq!(
            counts(&info.clone().too_old_log_event_end_index(2).build()),
            [2]
        );
        assert_eq!(
            counts(&info.clone().expired_log_event_end_index(4).build()),
            [4]
        );
        let all = info
            .too_old_log_event_end_index(2)
            .expired_log_event_end_index(5)
            .too_new_log_event_start_index(9);
        assert_eq!(counts(&all.build()), [2, 3, 1]);
    }

    #[test]
    fn indices_beyond_the_batch_do_no_harm() {
        let info = RejectedLogEventsInfo::builder()
            .too_old_log_event_end_index(99)
            .too_new_log_event_start_index(-1);
        assert_eq!(counts(&info.build()), [10]);
    }

    #[test]
    fn the_first_refused_time_is_told() {
        let info = RejectedLogEventsInfo::builder()
            .too_new_log_event_start_index(8)
            .build();
        assert!(
            refused_of(&info)[0]
                .text
                .ends_with("the first has time 8 ms")
        );
    }
}
