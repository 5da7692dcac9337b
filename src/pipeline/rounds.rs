//! Rounds of encoding and sending: a delivery holds the memory of its requests in flight only.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::timeout_at;

use super::Tracked;
use crate::batch::Batch;
use crate::delivery::admission::ADMISSION;
use crate::delivery::attempt::Attempt;
use crate::delivery::error::SendError;
use crate::delivery::flush_report::FlushReport;
use crate::delivery::{BatchSink, DeliveryContext, Order, TargetHandle, deliver_all};
use crate::destination::{ChunkEncoder, Destination};
use crate::record::chunk_reader::Records;

/// Encodes and sends one chunk.
pub(super) struct Rounds<'r, D: Destination> {
    destination: &'r D,
    client: &'r D::Client,
    attempt: &'r Attempt<'r>,
    context: &'r DeliveryContext,
    /// Targets whose batches are sent in order, by number. They stay the same across rounds.
    targets: HashMap<usize, Handle<D>>,
}

type Handle<D> = Arc<TargetHandle<Tracked<<D as Destination>::Sink>>>;

impl<'r, D: Destination> Rounds<'r, D> {
    pub(super) fn new(
        destination: &'r D,
        client: &'r D::Client,
        attempt: &'r Attempt<'r>,
        context: &'r DeliveryContext,
    ) -> Self {
        Self {
            destination,
            client,
            attempt,
            context,
            targets: HashMap::new(),
        }
    }

    /// Encodes and sends, round by round, until all requests are answered or the deadline is reached.
    pub(super) async fn run<'c>(
        mut self,
        encoder: &mut D::Encoder<'c>,
        records: &mut Records<'c>,
    ) -> FlushReport
    where
        D: 'c,
    {
        let mut report = FlushReport::default();
        while !encoder.is_done() {
            let admission = timeout_at(self.context.deadline.at(), ADMISSION.acquire()).await;
            let (Ok(admission), true) = (admission, self.context.deadline.admits()) else {
                cut_off(&mut report);
                break;
            };
            let requests = admission.requests(D::REQUESTS.quick, D::REQUESTS.slow);
            let round = encoder.round(records, requests);
            let is_late = !self.context.deadline.admits();
            if is_late && !(round.is_empty() && encoder.is_done()) {
                round.iter().for_each(|(_, batch)| report.left(batch));
                cut_off(&mut report);
                report.is_cut_off = !encoder.is_done();
                break;
            }
            let batches = self.with_targets(encoder, round);
            let part = deliver_all(batches, self.context).await;
            if part.dropped > 0 {
                self.attempt.track().round_ended(&part.left);
            }
            report.merge(part);
        }
        report
    }

    /// Registers the batches of a round in the attempt, and pairs them with their targets.
    fn with_targets<'c>(
        &mut self,
        encoder: &D::Encoder<'c>,
        round: Vec<(usize, Batch)>,
    ) -> Vec<(Handle<D>, Batch)>
    where
        D: 'c,
    {
        let events = |item| encoder.events(item);
        self.attempt.register(&round, encoder.is_done(), events);
        let first = encoder.first_target();
        self.targets.retain(|number, _| *number >= first);
        let batches = round.into_iter();
        batches
            .map(|(number, batch)| (self.handle(encoder, number), batch))
            .collect()
    }

    fn handle<'c>(&mut self, encoder: &D::Encoder<'c>, number: usize) -> Handle<D>
    where
        D: 'c,
    {
        if let Some(target) = self.targets.get(&number) {
            return target.clone();
        }
        let sink = self.destination.sink(self.client, encoder.target(number));
        let order = sink.order();
        let target = Arc::new(TargetHandle::new(Tracked::new(sink, self.attempt)));
        if order != Order::Any {
            self.targets.insert(number, target.clone());
        }
        target
    }
}

/// Records that the deadline was reached before the end of the chunk.
fn cut_off(report: &mut FlushReport) {
    report.is_cut_off = true;
    report.error.get_or_insert_with(SendError::no_time);
}
