//! A sink that records the answers of the service when they arrive.

use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::Batch;
use crate::delivery::attempt::Attempt;
use crate::delivery::error::SendError;
use crate::delivery::ledger::Track;
use crate::delivery::{Answer, BatchSink, Order};
use crate::telemetry::metrics::descriptors::Operation;

/// Wraps a sink and records its answers when they arrive, so that none is lost if the delivery is
/// cancelled.
#[derive(Debug)]
pub struct Tracked<S> {
    sink: S,
    track: Arc<Track>,
}

impl<S> Tracked<S> {
    /// Records the answers in the track of an attempt.
    #[must_use]
    pub fn new(sink: S, attempt: &Attempt<'_>) -> Self {
        Self {
            sink,
            track: attempt.track().clone(),
        }
    }
}

impl<S: BatchSink> BatchSink for Tracked<S> {
    const PUT: Operation = S::PUT;

    async fn put(&self, batch: &Batch) -> Result<Answer, SendError> {
        let answer = self.sink.put(batch).await;
        if let Ok(Answer { again, .. }) = &answer {
            let again = again.as_ref().map_or(&[][..], |(items, _)| items);
            self.track.settle(batch, again);
        }
        answer
    }

    async fn create(&self, missed: Instant) -> Result<(), SendError> {
        self.sink.create(missed).await
    }

    fn target(&self) -> &str {
        self.sink.target()
    }

    fn retries_unanswered(&self) -> bool {
        self.sink.retries_unanswered()
    }

    fn order(&self) -> Order {
        self.sink.order()
    }
}
