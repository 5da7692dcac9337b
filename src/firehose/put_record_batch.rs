//! One delivery stream's requests: PutRecordBatch, and the records that its answer failed.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::types::PutRecordBatchResponseEntry;
use tokio::time::Instant;

use crate::batch::{Batch, Item};
use crate::delivery::error::{ErrorClass, SendError};
use crate::delivery::signed_body::SignedBody;
use crate::delivery::{Answer, BatchSink, Order};
use crate::telemetry::metrics::descriptors::Operation;

/// A delivery stream, as something to send to.
#[derive(Debug)]
pub struct DeliveryStream {
    client: Client,
    name: String,
    auto_retry: bool,
    target: String,
}

impl DeliveryStream {
    /// Sends to the delivery stream of this name; a request without an answer is sent again within
    /// the flush only with `auto_retry`.
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
        failed(output.request_responses(), batch.items())
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

    /// Their order means nothing to the service.
    fn order(&self) -> Order {
        Order::Any
    }
}

/// What an answer says of each record. One with neither an id nor an error is not known to be stored.
fn failed(answers: &[PutRecordBatchResponseEntry], items: &[Item]) -> Result<Answer, SendError> {
    Answer::by_record(answers, items, |answer| {
        let is_stored = answer.error_code().is_none() && answer.record_id().is_some();
        let code = answer.error_code().unwrap_or("NoRecordId");
        (!is_stored).then_some((code, answer.error_message()))
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
    fn an_answer_that_does_not_tell_of_each_record_is_none() {
        for answers in [0, 1, 3] {
            let fault = failed(&vec![entry(None); answers], &items(2)).unwrap_err();
            assert_eq!(fault.code, "IncompleteAnswer");
            assert_eq!(fault.kind, ErrorClass::Transient { unanswered: true });
        }
        assert!(
            failed(&[entry(None), entry(None)], &items(2))
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
        let (again, fault) = failed(&answers, &items).unwrap().again.unwrap();
        assert_eq!((again, fault.code.as_str()), (vec![items[1]], "NoRecordId"));
    }

    #[test]
    fn the_first_failed_record_tells_the_fault() {
        let answers = [
            entry(None),
            entry(Some("InternalFailure")),
            entry(Some("Other")),
        ];
        let (again, fault) = failed(&answers, &items(3)).unwrap().again.unwrap();
        assert_eq!((again.len(), fault.code.as_str()), (2, "InternalFailure"));
    }
}
