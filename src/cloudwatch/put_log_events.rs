//! The requests of one log stream (PutLogEvents), and the events that a response reports as rejected.

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

/// Sends the batches of one log stream.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    id: LogStreamId,
    provisioner: Arc<Provisioner>,
    options: RequestOptions,
    target: String,
    /// Whether the last request failed because the log group is missing.
    group_is_missing: AtomicBool,
}

/// How requests are sent; the same for all log streams of an output section.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// The value of the `x-amzn-logs-format` header, which enables embedded metrics.
    pub log_format: Option<String>,
    /// Compresses request bodies.
    pub gzip: bool,
    /// Sends a request without a response again within the flush.
    pub auto_retry: bool,
}

impl Stream {
    /// A sink for this log stream.
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
            group_is_missing: AtomicBool::new(false),
        }
    }

    fn send_error(&self, sdk_error: &SdkError<PutLogEventsError, HttpResponse>) -> SendError {
        let error = SendError::of(sdk_error);
        let group_is_missing =
            error.kind == ErrorClass::Missing && error.to_string().contains(MISSING_GROUP_MESSAGE);
        self.group_is_missing
            .store(group_is_missing, Ordering::Relaxed);
        error
            .needing("logs:PutLogEvents")
            .retried(self.options.auto_retry)
    }

    /// Logs that the service stored the events but rejected their entity.
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
        let signed_body = if self.options.gzip {
            SignedBody::gzip(&body)
        } else {
            SignedBody::new(body)
        };
        let mut request = self
            .client
            .put_log_events()
            .customize()
            .interceptor(signed_body);
        if let Some(format) = self.options.log_format.clone() {
            request = request.mutate_request(move |request| {
                request
                    .headers_mut()
                    .insert("x-amzn-logs-format", format.clone());
            });
        }
        let output = request
            .send()
            .await
            .map_err(|error| self.send_error(&error))?;
        self.provisioner.written(&self.client, &self.id.group);
        self.report_rejected_entity(&output);
        Ok(answer(&output, batch.items()))
    }

    async fn create(&self, missed: Instant) -> Result<(), SendError> {
        let missing = Missing {
            at: missed,
            group: self.group_is_missing.load(Ordering::Relaxed),
            deadline: deadline::current().unwrap_or_else(|| missed + MAX_CREATE_TIME),
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
    let rejected = output
        .rejected_log_events_info()
        .map(|info| rejected_items(info, items));
    Answer {
        again: None,
        refused: rejected.unwrap_or_default(),
    }
}

/// The service returns the bounds of the rejected ranges. Events older than its limit come first in a
/// batch, then those older than the group's retention. Events too far in the future come last.
fn rejected_items(info: &RejectedLogEventsInfo, items: &[Item]) -> Vec<RejectedItems> {
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

/// Time limit for creating a log stream outside of a flush.
const MAX_CREATE_TIME: Duration = Duration::from_secs(10);
/// Part of the service's message for a missing log group. After any other message the log stream is
/// created first.
const MISSING_GROUP_MESSAGE: &str = "log group does not exist";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Limits};

    fn rejected_of(info: &RejectedLogEventsInfo) -> Vec<RejectedItems> {
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
        rejected_items(info, open.finish().unwrap().items())
    }

    fn counts(info: &RejectedLogEventsInfo) -> Vec<usize> {
        rejected_of(info)
            .into_iter()
            .map(|rejected| rejected.count)
            .collect()
    }

    #[test]
    fn each_range_of_rejected_events_is_counted() {
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
    fn indices_beyond_the_batch_are_limited_to_it() {
        let info = RejectedLogEventsInfo::builder()
            .too_old_log_event_end_index(99)
            .too_new_log_event_start_index(-1);
        assert_eq!(counts(&info.build()), [10]);
    }

    #[test]
    fn the_time_of_the_first_rejected_event_is_reported() {
        let info = RejectedLogEventsInfo::builder()
            .too_new_log_event_start_index(8)
            .build();
        assert!(
            rejected_of(&info)[0]
                .text
                .ends_with("the first has time 8 ms")
        );
    }
}
