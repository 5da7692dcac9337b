//! The requests of one delivery stream (PutRecordBatch), and the records that a response reports as failed.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::types::PutRecordBatchResponseEntry;
use tokio::time::Instant;

use crate::batch::{Batch, Item};
use crate::delivery::error::{ErrorClass, SendError};
use crate::delivery::signed_body::SignedBody;
use crate::delivery::{Answer, BatchSink, Order};
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
        let request = self
            .client
            .put_record_batch()
            .customize()
            .interceptor(SignedBody::new(batch.body()));
        let output = request.send().await.map_err(|error| {
            SendError::of(&error)
                .needing("firehose:PutRecordBatch")
                .retried(self.auto_retry)
        })?;
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

/// The result for each record of a response. A record with neither an id nor an error may not be stored.
fn answer(answers: &[PutRecordBatchResponseEntry], items: &[Item]) -> Result<Answer, SendError> {
    Answer::by_record(answers, items, |entry| {
        let is_stored = entry.error_code().is_none() && entry.record_id().is_some();
        let code = entry.error_code().unwrap_or("NoRecordId");
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
}
