//! One delivery stream's requests: PutRecordBatch, and the records that its answer failed.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::types::PutRecordBatchResponseEntry;
use tokio::time::Instant;

use crate::batch::{Batch, Item};
use crate::body::Prepared;
use crate::fault::{Fault, Kind};
use crate::send::{Answer, Service};

/// A delivery stream, as something to send to.
#[derive(Debug)]
pub struct DeliveryStream {
    client: Client,
    name: String,
    target: String,
}

impl DeliveryStream {
    /// Sends to the delivery stream of this name.
    #[must_use]
    pub fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
            target: format!("delivery stream `{name}`"),
        }
    }
}

impl Service for DeliveryStream {
    async fn put(&self, batch: &Batch) -> Result<Answer, Fault> {
        let request = self
            .client
            .put_record_batch()
            .customize()
            .interceptor(Prepared::new(batch.body()));
        let output = request.send().await.map_err(|error| Fault::of(&error))?;
        if output.failed_put_count() == 0 {
            return Ok(Answer::default());
        }
        failed(output.request_responses(), batch.items())
    }

    async fn create(&self, _missed: Instant) -> Result<(), Fault> {
        let name = &self.name;
        Err(Fault::new(
            Kind::Denied,
            "NotFound",
            format_args!(
                "delivery stream `{name}` does not exist in this account and region: create it"
            ),
        ))
    }

    fn target(&self) -> &str {
        &self.target
    }
}

/// The failed records of an answer, to be sent again alone.
///
/// # Errors
///
/// When the answer does not tell which records failed: then all may have.
fn failed(answers: &[PutRecordBatchResponseEntry], items: &[Item]) -> Result<Answer, Fault> {
    if answers.len() != items.len() {
        let text = format_args!("an answer for {} of {} records", answers.len(), items.len());
        return Err(Fault::new(
            Kind::Passing { unanswered: true },
            "IncompleteAnswer",
            text,
        ));
    }
    let failed = || {
        answers
            .iter()
            .zip(items)
            .filter(|(answer, _)| answer.error_code().is_some())
    };
    let fault = failed().next().map(|(answer, _)| {
        Fault::answered(
            answer.error_code().unwrap_or_default(),
            answer.error_message().unwrap_or("no message"),
        )
    });
    let items = failed().map(|(_, item)| *item).collect();
    Ok(Answer {
        again: fault.map(|fault| (items, fault)),
        refused: Vec::new(),
    })
}
