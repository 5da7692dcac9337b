//! The way of a chunk from its records to the service's answers, for every destination.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::batch::Batch;
use crate::decode::Records;
use crate::fault::Fault;
use crate::gate::GATE;
use crate::ledger::Track;
use crate::report::Report;
use crate::resume::Attempt;
use crate::send::{Answer, Destination, Service, Terms, deliver_all};

/// Makes requests of a chunk's records.
pub trait Encode<'c> {
    /// Encodes records until so many requests are full, the chunk ends, or the time is up; batches with
    /// their destinations' numbers. Empty when nothing is left.
    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)>;

    /// Whether the chunk's end was reached, so that every request was made.
    fn is_done(&self) -> bool;

    /// The events that an item of the last round holds; `None` for the one of its ordinal.
    fn events(&self, _item: u32) -> Option<Vec<u32>> {
        None
    }
}

/// When encoding stops, looked at once for so many bytes of the chunk.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeLimit {
    deadline: Option<Instant>,
    /// How much of the chunk was not decoded when the clock was read last.
    rest: usize,
    is_up: bool,
}

impl TimeLimit {
    /// Encoding stops at this moment.
    pub fn stop_at(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Whether to stop before the next record.
    #[inline]
    pub fn is_up(&mut self, records: &Records<'_>) -> bool {
        let rest = records.torn();
        if self.rest.abs_diff(rest) >= CLOCK_BYTES {
            self.rest = rest;
            let is_past = |deadline| Instant::now() >= deadline;
            self.is_up |= self.deadline.is_some_and(is_past);
        }
        self.is_up
    }

    /// Whether encoding was stopped.
    #[must_use]
    pub fn was_up(&self) -> bool {
        self.is_up
    }
}

/// Some hundred small records, which take less than a millisecond.
const CLOCK_BYTES: usize = 4096;

/// How many requests of a chunk are made ready together.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce {
    /// Where answers are there at once.
    pub quick: usize,
    /// Where answers take their time.
    pub slow: usize,
}

/// Encodes a chunk and sends its requests, round by round, until all are answered or the time is up.
pub async fn deliver<'c, E, S>(
    encoder: &mut E,
    records: &mut Records<'c>,
    attempt: &Attempt<'_>,
    terms: &Terms,
    at_once: AtOnce,
    mut destination: impl FnMut(&E, usize) -> Arc<Destination<Tracked<S>>> + Send,
) -> Report
where
    E: Encode<'c> + Send,
    S: Service,
{
    let mut report = Report::default();
    while !encoder.is_done() {
        let passed = timeout_at(terms.deadline.at(), GATE.pass()).await;
        let is_late = || !terms.deadline.admits();
        let (Ok(passed), false) = (passed, is_late()) else {
            cut_off(&mut report);
            break;
        };
        let round = encoder.round(records, passed.requests(at_once.quick, at_once.slow));
        if is_late() && !(round.is_empty() && encoder.is_done()) {
            round.iter().for_each(|(_, batch)| report.left(batch));
            cut_off(&mut report);
            report.is_cut_off = !encoder.is_done();
            break;
        }
        attempt.hand_out(&round, encoder.is_done(), |item| encoder.events(item));
        let batches = round.into_iter();
        let batches: Vec<_> = batches
            .map(|(number, batch)| (destination(encoder, number), batch))
            .collect();
        let part = deliver_all(batches, terms).await;
        if part.dropped > 0 {
            attempt.track().round_ended(&part.left);
        }
        report.merge(part);
    }
    report
}

/// Notes that the deadline came before the chunk's end.
fn cut_off(report: &mut Report) {
    report.is_cut_off = true;
    report.fault.get_or_insert_with(Fault::no_time);
}

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

impl<S: Service> Service for Tracked<S> {
    const PUT: &'static str = S::PUT;

    async fn put(&self, batch: &Batch) -> Result<Answer, Fault> {
        let answer = self.service.put(batch).await;
        if let Ok(Answer { again, .. }) = &answer {
            let again = again.as_ref().map_or(&[][..], |(items, _)| items);
            self.track.settle(batch, again);
        }
        answer
    }

    async fn create(&self, missed: Instant) -> Result<(), Fault> {
        self.service.create(missed).await
    }

    fn target(&self) -> &str {
        self.service.target()
    }

    fn retries_unanswered(&self) -> bool {
        self.service.retries_unanswered()
    }

    fn keeps_order(&self) -> bool {
        self.service.keeps_order()
    }
}
