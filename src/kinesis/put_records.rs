//! The requests of one stream (PutRecords), and the records that a response reports as failed.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::PutRecordsResultEntry;
use tokio::time::{Instant, timeout};

use crate::batch::{Batch, Item};
use crate::delivery::error::{ErrorClass, SendError};
use crate::delivery::signed_body::SignedBody;
use crate::delivery::{Answer, BatchSink, Order};
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
        let request = self
            .client
            .put_records()
            .customize()
            .interceptor(SignedBody::new(batch.body()));
        let output = request.send().await.map_err(|error| {
            SendError::of(&error)
                .needing("kinesis:PutRecords")
                .retried(self.auto_retry)
        })?;
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

/// The result for each record of a response. A record with neither a sequence number nor an error may not
/// be stored.
fn answer(answers: &[PutRecordsResultEntry], items: &[Item]) -> Result<Answer, SendError> {
    Answer::by_record(answers, items, |entry| {
        let is_stored = entry.error_code().is_none() && entry.sequence_number().is_some();
        let code = entry.error_code().unwrap_or("NoSequenceNumber");
        (!is_stored).then_some((code, entry.error_message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Limits};

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
}
