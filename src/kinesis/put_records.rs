//! The requests of one stream (PutRecords), and the records that a response reports as failed.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::put_records::{PutRecords, PutRecordsOutput};
use aws_sdk_kinesis::types::PutRecordsResultEntry;
use aws_smithy_runtime_api::client::interceptors::context::Output;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout};

use crate::batch::{Batch, Item};
use crate::delivery::error::{ErrorClass, SendError};
use crate::delivery::signed_body::SignedBody;
use crate::delivery::stored_records::{self, ByRecord, Entry, Stored};
use crate::delivery::{Answer, BatchSink, Order, RecordResult};
use crate::kinesis::options::Config;
use crate::telemetry::metrics::descriptors::Operation;

/// Sends the batches of one stream.
#[derive(Clone, Debug)]
pub struct Stream {
    client: Client,
    auto_retry: bool,
    /// Whether records have partition keys of their own. Requests are then sent one after another.
    is_keyed: bool,
    timeout: Option<Duration>,
    name: Arc<str>,
    target: Arc<str>,
}

impl Stream {
    /// A sink for the stream of this configuration.
    #[must_use]
    pub fn new(client: Client, config: &Config, auto_retry: bool) -> Self {
        let name = &config.stream;
        Self {
            client,
            auto_retry,
            is_keyed: !config.partition_key.is_random(),
            timeout: config.request_timeout,
            name: name.as_str().into(),
            target: format!("stream `{name}`").into(),
        }
    }

    async fn request(&self, batch: &Batch) -> Result<Answer, SendError> {
        let (reader, all) = stored_records::reader::<PutRecords>(batch.items().len());
        let request = self
            .client
            .put_records()
            .customize()
            .interceptor(SignedBody::new(batch.body()))
            .interceptor(reader);
        let output = request.send().await.map_err(|error| {
            SendError::of(&error)
                .needing("kinesis:PutRecords")
                .retried(self.auto_retry)
        })?;
        if all.is_so() {
            return Ok(Answer::default());
        }
        answer(output.records(), batch.items())
    }
}

impl BatchSink for Stream {
    const PUT: Operation = Operation::PutRecords;

    async fn put(&self, batch: &Batch) -> Result<Answer, SendError> {
        let Some(limit) = self.timeout else {
            return self.request(batch).await;
        };
        let answer = timeout(limit, self.request(batch)).await;
        answer.unwrap_or_else(|_| Err(SendError::unanswered().retried(self.auto_retry)))
    }

    async fn create(&self, _missed: Instant) -> Result<(), SendError> {
        let name = &self.name;
        Err(SendError::new(
            ErrorClass::Denied,
            "NotFound",
            format_args!("stream `{name}` does not exist in this account and region: create it"),
        ))
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn retries_unanswered(&self) -> bool {
        self.auto_retry
    }

    fn order(&self) -> Order {
        match self.is_keyed {
            true => Order::Sequential,
            false => Order::Any,
        }
    }
}

impl ByRecord for PutRecords {
    fn stored(answer: &[u8]) -> Option<usize> {
        #[derive(Deserialize)]
        struct Response<'a> {
            #[serde(rename = "Records", borrow)]
            records: Stored<Record<'a>>,
        }
        // All of it at once is checked sooner than each text.
        let answer = std::str::from_utf8(answer).ok()?;
        let response: Response<'_> = serde_json::from_str(answer).ok()?;
        Some(response.records.count)
    }

    fn output() -> Option<Output> {
        let output = PutRecordsOutput::builder().set_records(Some(Vec::new()));
        let output: PutRecordsOutput = output.build().ok()?;
        Some(Output::erase(output))
    }

    fn operation() -> impl RuntimePlugin {
        Self::new()
    }
}

/// Of the service's members those that tell whether the record is stored.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "SequenceNumber")]
    id: Option<&'a str>,
    #[serde(rename = "ErrorCode")]
    code: Option<IgnoredAny>,
}

impl Entry for Record<'_> {
    fn is_stored(&self) -> bool {
        self.id.is_some() && self.code.is_none()
    }
}

/// The result for each record of a response. A record with neither a sequence number nor an error may not
/// be stored.
fn answer(answers: &[PutRecordsResultEntry], items: &[Item]) -> Result<Answer, SendError> {
    Answer::by_record(answers, items, "NoSequenceNumber", |entry| RecordResult {
        id: entry.sequence_number(),
        code: entry.error_code(),
        message: entry.error_message(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::config::{BehaviorVersion, Region};

    use super::*;
    use crate::batch::{BatchBuilder, Limits};
    use crate::delivery::stored_records::tests::{answering, batch, credentials, random_answers};
    use crate::kinesis::options::OPTIONS;
    use crate::options::Reader;

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

    fn entry(code: Option<&str>) -> PutRecordsResultEntry {
        let entry = PutRecordsResultEntry::builder();
        let number = code.is_none().then(|| "1".to_owned());
        let entry = entry.set_sequence_number(number);
        entry.set_error_code(code.map(str::to_owned)).build()
    }

    #[test]
    fn a_response_without_an_entry_for_each_record_is_incomplete() {
        for answers in [0, 1, 3] {
            let error = answer(&vec![entry(None); answers], &items(2)).unwrap_err();
            assert_eq!(error.code, "IncompleteAnswer");
            assert_eq!(error.kind, ErrorClass::Transient { unanswered: true });
        }
        let whole = answer(&[entry(None), entry(None)], &items(2)).unwrap();
        assert!(whole.again.is_none());
    }

    #[test]
    fn a_record_without_sequence_number_and_error_is_sent_again() {
        let nothing = PutRecordsResultEntry::builder().build();
        let answers = [entry(None), nothing, entry(None)];
        let items = items(3);
        let (again, error) = answer(&answers, &items).unwrap().again.unwrap();
        assert_eq!(
            (again, error.code.as_str()),
            (vec![items[1]], "NoSequenceNumber")
        );
    }

    #[test]
    fn the_first_failed_record_defines_the_error() {
        let throttled = "ProvisionedThroughputExceededException";
        for (code, kind) in [
            (throttled, ErrorClass::Throttled),
            (
                "InternalFailure",
                ErrorClass::Transient { unanswered: false },
            ),
        ] {
            let answers = [entry(None), entry(Some(code)), entry(Some("Other"))];
            let (again, error) = answer(&answers, &items(3)).unwrap().again.unwrap();
            assert_eq!((again.len(), error.code.as_str()), (2, code));
            assert_eq!(error.kind, kind);
        }
    }

    #[test]
    fn only_an_answer_that_all_are_stored_is_read_without_the_sdk() {
        let id = r#"{"SequenceNumber":"4"}"#;
        let answer = |entries: &[&str]| format!(r#"{{"Records":[{}]}}"#, entries.join(","));
        let read = |text: &str| PutRecords::stored(text.as_bytes());
        assert_eq!(read(&answer(&[id, id])), Some(2));
        let more =
            r#"{"Other":[{"x":1}],"SequenceNumber":"4","ErrorCode":null,"ErrorMessage":null}"#;
        assert_eq!(read(&answer(&[more])), Some(1));
        for other in [
            "{}",
            "null",
            r#"{"SequenceNumber":null}"#,
            r#"{"SequenceNumber":4}"#,
            r#"{"SequenceNumber":"4","ErrorCode":"Other"}"#,
            r#"{"SequenceNumber":"4","SequenceNumber":"5"}"#,
        ] {
            assert_eq!(read(&answer(&[id, other])), None, "{other}");
        }
        for other in ["", "{}", "[]", r#"{"Records":null}"#, &answer(&[id])[1..]] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn random_answers_are_read_for_what_they_say() {
        random_answers("Records", "SequenceNumber", async |answer, items| {
            let config = aws_sdk_kinesis::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials())
                .http_client(answering(answer))
                .build();
            service(Client::from_conf(config)).put(&batch(items)).await
        })
        .await;
    }

    fn service(client: Client) -> Stream {
        let option = |key: &str| match key {
            "region" => Some("us-east-1".to_owned()),
            "stream" => Some("s".to_owned()),
            _ => None,
        };
        let reader = Reader::new(OPTIONS, option);
        Stream::new(client, &Config::read(&reader), true)
    }
}
