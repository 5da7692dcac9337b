//! The requests of one delivery stream (PutRecordBatch), and the records that a response reports as failed.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::operation::put_record_batch::{PutRecordBatch, PutRecordBatchOutput};
use aws_sdk_firehose::types::PutRecordBatchResponseEntry;
use aws_smithy_runtime_api::client::interceptors::context::Output;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;

use crate::batch::{Batch, Item};
use crate::delivery::error::{ErrorClass, SendError};
use crate::delivery::signed_body::SignedBody;
use crate::delivery::stored_records::{self, ByRecord, Entry, Stored};
use crate::delivery::{Answer, BatchSink, Order, RecordResult};
use crate::telemetry::metrics::descriptors::Operation;

/// Sends the batches of one delivery stream.
#[derive(Debug)]
pub struct DeliveryStream {
    client: Client,
    name: String,
    auto_retry: bool,
    target: String,
}

impl DeliveryStream {
    /// A sink for the delivery stream of this name. Only with `auto_retry` a request without a response is
    /// sent again within the flush.
    #[must_use]
    pub fn new(client: Client, name: &str, auto_retry: bool) -> Self {
        Self {
            client,
            name: name.to_owned(),
            auto_retry,
            target: format!("delivery stream `{name}`"),
        }
    }
}

impl BatchSink for DeliveryStream {
    const PUT: Operation = Operation::PutRecordBatch;

    async fn put(&self, batch: &Batch) -> Result<Answer, SendError> {
        let (reader, all) = stored_records::reader::<PutRecordBatch>(batch.items().len());
        let request = self
            .client
            .put_record_batch()
            .customize()
            .interceptor(SignedBody::new(batch.body()))
            .interceptor(reader);
        let output = request.send().await.map_err(|error| {
            SendError::of(&error)
                .needing("firehose:PutRecordBatch")
                .retried(self.auto_retry)
        })?;
        if all.is_so() {
            return Ok(Answer::default());
        }
        answer(output.request_responses(), batch.items())
    }

    async fn create(&self, _missed: Instant) -> Result<(), SendError> {
        let name = &self.name;
        Err(SendError::new(
            ErrorClass::Denied,
            "NotFound",
            format_args!(
                "delivery stream `{name}` does not exist in this account and region: create it"
            ),
        ))
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn retries_unanswered(&self) -> bool {
        self.auto_retry
    }

    /// The service does not keep the order of requests.
    fn order(&self) -> Order {
        Order::Any
    }
}

impl ByRecord for PutRecordBatch {
    fn stored(answer: &[u8]) -> Option<usize> {
        #[derive(Deserialize)]
        struct Response<'a> {
            #[serde(rename = "RequestResponses", borrow)]
            records: Stored<Record<'a>>,
        }
        // All of it at once is checked sooner than each text.
        let answer = std::str::from_utf8(answer).ok()?;
        let response: Response<'_> = serde_json::from_str(answer).ok()?;
        Some(response.records.count)
    }

    fn output() -> Option<Output> {
        let output = PutRecordBatchOutput::builder()
            .failed_put_count(0)
            .set_request_responses(Some(Vec::new()));
        let output: PutRecordBatchOutput = output.build().ok()?;
        Some(Output::erase(output))
    }

    fn operation() -> impl RuntimePlugin {
        Self::new()
    }
}

/// Of the service's members those that tell whether the record is stored.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "RecordId")]
    id: Option<&'a str>,
    #[serde(rename = "ErrorCode")]
    code: Option<IgnoredAny>,
}

impl Entry for Record<'_> {
    fn is_stored(&self) -> bool {
        self.id.is_some() && self.code.is_none()
    }
}

/// The result for each record of a response. A record with neither an id nor an error may not be stored.
fn answer(answers: &[PutRecordBatchResponseEntry], items: &[Item]) -> Result<Answer, SendError> {
    Answer::by_record(answers, items, "NoRecordId", |entry| RecordResult {
        id: entry.record_id(),
        code: entry.error_code(),
        message: entry.error_message(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_firehose::config::{BehaviorVersion, Region};

    use super::*;
    use crate::batch::{BatchBuilder, Limits};
    use crate::delivery::stored_records::tests::{answering, batch, credentials, random_answers};

    fn items(count: usize) -> Vec<Item> {
        let limits = Limits {
            items: count,
            bytes: count,
            span_ms: None,
        };
        let mut open = BatchBuilder::new(limits, b"[", None);
        for _ in 0..count {
            let start = open.body().len();
            open.body().push(b'x');
            assert!(open.add(start, 0, 1, 0).is_none());
        }
        open.finish().unwrap().items().to_vec()
    }

    fn entry(code: Option<&str>) -> PutRecordBatchResponseEntry {
        let entry = PutRecordBatchResponseEntry::builder();
        let id = code.is_none().then(|| "an id".to_owned());
        let entry = entry.set_record_id(id);
        entry.set_error_code(code.map(str::to_owned)).build()
    }

    #[test]
    fn a_response_without_an_entry_for_each_record_is_incomplete() {
        for answers in [0, 1, 3] {
            let error = answer(&vec![entry(None); answers], &items(2)).unwrap_err();
            assert_eq!(error.code, "IncompleteAnswer");
            assert_eq!(error.kind, ErrorClass::Transient { unanswered: true });
        }
        assert!(
            answer(&[entry(None), entry(None)], &items(2))
                .unwrap()
                .again
                .is_none()
        );
    }

    #[test]
    fn a_record_without_id_and_error_is_sent_again() {
        let nothing = PutRecordBatchResponseEntry::builder().build();
        let answers = [entry(None), nothing, entry(None)];
        let items = items(3);
        let (again, error) = answer(&answers, &items).unwrap().again.unwrap();
        assert_eq!((again, error.code.as_str()), (vec![items[1]], "NoRecordId"));
    }

    #[test]
    fn the_first_failed_record_defines_the_error() {
        let answers = [
            entry(None),
            entry(Some("InternalFailure")),
            entry(Some("Other")),
        ];
        let (again, error) = answer(&answers, &items(3)).unwrap().again.unwrap();
        assert_eq!((again.len(), error.code.as_str()), (2, "InternalFailure"));
    }

    #[test]
    fn only_an_answer_that_all_are_stored_is_read_without_the_sdk() {
        let id = r#"{"RecordId":"4"}"#;
        let answer =
            |entries: &[&str]| format!(r#"{{"RequestResponses":[{}]}}"#, entries.join(","));
        let read = |text: &str| PutRecordBatch::stored(text.as_bytes());
        assert_eq!(read(&answer(&[id, id])), Some(2));
        let more = r#"{"Other":[{"x":1}],"RecordId":"4","ErrorCode":null,"ErrorMessage":null}"#;
        assert_eq!(read(&answer(&[more])), Some(1));
        for other in [
            "{}",
            "null",
            r#"{"RecordId":null}"#,
            r#"{"RecordId":4}"#,
            r#"{"RecordId":"4","ErrorCode":"Other"}"#,
            r#"{"RecordId":"4","RecordId":"5"}"#,
        ] {
            assert_eq!(read(&answer(&[id, other])), None, "{other}");
        }
        for other in [
            "",
            "{}",
            "[]",
            r#"{"RequestResponses":null}"#,
            &answer(&[id])[1..],
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn random_answers_are_read_for_what_they_say() {
        random_answers("RequestResponses", "RecordId", async |answer, items| {
            let config = aws_sdk_firehose::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials())
                .http_client(answering(answer))
                .build();
            service(Client::from_conf(config)).put(&batch(items)).await
        })
        .await;
    }

    fn service(client: Client) -> DeliveryStream {
        DeliveryStream::new(client, "s", true)
    }
}
