//! Answers of the service, noted as they come.

use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::Batch;
use crate::delivery::attempt::Attempt;
use crate::delivery::error::SendError;
use crate::delivery::ledger::Track;
use crate::delivery::{Answer, BatchSink, Order};
use crate::telemetry::metrics::descriptors::Operation;

/// A service whose answers are noted as they come, so that they are known if the delivery is cancelled.
#[derive(Debug)]
pub struct Tracked<S> {
    service: S,
    track: Arc<Track>,
}

impl<S> Tracked<S> {
    /// Notes the answers for an attempt.
    #[must_use]
    pub fn new(service: S, attempt: &Attempt<'_>) -> Self {
        Self {
            service,
            track: attempt.track().clone(),
        }
    }
}

impl<S: BatchSink> BatchSink for Tracked<S> {
    const PUT: Operation = S::PUT;

    async fn put(&self, batch: &Batch) -> Result<Answer, SendError> {
        let answer = self.service.put(batch).await;
        if let Ok(Answer { again, .. }) = &answer {
            let again = again.as_ref().map_or(&[][..], |(items, _)| items);
            self.track.settle(batch, again);
        }
        answer
    }

    async fn create(&self, missed: Instant) -> Result<(), SendError> {
        self.service.create(missed).await
    }

    fn target(&self) -> &str {
        self.service.target()
    }

    fn retries_unanswered(&self) -> bool {
        self.service.retries_unanswered()
    }

    fn order(&self) -> Order {
        self.service.order()
    }
}
