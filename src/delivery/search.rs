//! What is still to be sent to a target, and the search for items that it refuses; pure.
//!
//! A refused batch is halved, the older half first, which keeps the order, until an item is refused
//! alone. In a flush without the time for that, the other half is sent before a refused half is halved:
//! so each flush delivers something, and the next one has less to search. The reason may be the item or the target, which may fail at any moment and be repaired at
//! any other. So the item waits *aside* while others are sent. It is given up after
//! [`CONFIRMATIONS`] refusals with proof:
//!
//! * It was refused alone, the target then accepted something, and the item was refused again. Or
//! * it was refused together with its other half alone, the other half was then accepted, and the
//!   item was refused again.
//!
//! Either way a target that failed once cannot be the reason. While an item is aside and the target
//! has accepted nothing lately, larger batches that are refused go aside whole: they are halved when
//! the target accepts something, or when nothing else is left to try. With `k` refused items among
//! `n` that makes at most `k * (2 * log2(n) + 2) + 1` requests.

use crate::batch::Batch;

use tokio::time::Instant;

/// Items that are sent together.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) batch: Batch,
    /// When these items were refused alone; for an item whose other half was accepted since, when
    /// both were.
    pub(super) refused: Option<Instant>,
    /// When it was sent last, the target had accepted a request that began after that.
    pub(super) proven: bool,
    /// Refusals of this item alone with proof.
    confirmed: usize,
    /// The halving that made it, and when the whole was refused.
    half_of: Option<(usize, Instant)>,
}

impl Part {
    pub(super) fn new(batch: Batch) -> Self {
        Self {
            batch,
            refused: None,
            proven: false,
            confirmed: 0,
            half_of: None,
        }
    }
}

/// What to do after a refusal.
#[derive(Debug)]
pub(super) enum Step {
    /// Send the next part.
    Next,
    /// Wait before that: it may be the target that refuses.
    Wait,
    /// Give this item up.
    Drop(Batch),
}

/// The parts of some batches.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The next one is the last.
    parts: Vec<Part>,
    /// Refused parts that wait for proof, oldest first.
    aside: Vec<Part>,
    halvings: usize,
}

impl Search {
    /// All batches are still to be sent, in their order.
    ///
    /// Where earlier flushes delivered nothing, as requests were refused, they are halved so often
    /// before, and sent in an order by `random` if there is one: however few requests a flush has time
    /// for, one without a refused item is then among the first in some flush.
    pub(super) fn new(
        mut batches: Vec<Batch>,
        halvings: u32,
        random: Option<&mut fastrand::Rng>,
    ) -> Self {
        for _ in 0..halvings {
            batches = batches.into_iter().flat_map(halved).collect();
        }
        if let Some(random) = random.filter(|_| halvings > 0) {
            random.shuffle(&mut batches);
        }
        let parts = batches.into_iter().rev();
        Self {
            parts: parts.map(Part::new).collect(),
            ..Self::default()
        }
    }

    /// The oldest part that does not wait for proof.
    pub(super) fn next(&mut self) -> Option<Part> {
        self.parts.pop()
    }

    /// The part is sent next.
    pub(super) fn put_back(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Whether refused parts wait for proof.
    pub(super) fn is_waiting(&self) -> bool {
        !self.aside.is_empty()
    }

    /// A part was accepted as a whole.
    pub(super) fn accepted(&mut self, part: &Part) {
        let Some((halving, whole)) = part.half_of else {
            return;
        };
        let mut others = self.parts.iter_mut().rev().chain(&mut self.aside);
        let is_half = |half: (usize, Instant)| half.0 == halving;
        if let Some(other) = others.find(|other| other.half_of.is_some_and(is_half)) {
            other.refused = Some(whole);
        }
    }

    /// A part was refused as a whole, by a target that has accepted others lately or not. Whether there
    /// is time to search it to its end decides on the order.
    pub(super) fn refused(
        &mut self,
        mut part: Part,
        healthy: bool,
        has_time: bool,
        now: Instant,
    ) -> Step {
        match part.batch.halves() {
            Some(halves) if healthy || self.aside.is_empty() => {
                let other = (!has_time).then(|| self.take_other_half(&part)).flatten();
                self.push_halves(halves, now);
                self.parts.extend(other);
                return Step::Next;
            }
            Some(_) => part.refused = Some(now),
            None => {
                part.refused.get_or_insert(now);
                part.confirmed += usize::from(part.proven);
                if part.confirmed >= CONFIRMATIONS {
                    return Step::Drop(part.batch);
                }
            }
        }
        self.aside.push(part);
        if healthy { Step::Next } else { Step::Wait }
    }

    /// What waits aside is sent next: items as they are, larger parts in halves.
    pub(super) fn try_aside(&mut self) {
        while let Some(part) = self.aside.pop() {
            match (part.batch.halves(), part.refused) {
                (Some(halves), Some(refused)) => self.push_halves(halves, refused),
                _ => self.parts.push(part),
            }
        }
    }

    /// Everything that is not delivered.
    pub(super) fn into_rest(self) -> impl Iterator<Item = Batch> {
        let parts = self.aside.into_iter().chain(self.parts);
        parts.map(|part| part.batch)
    }

    /// The other half of a part, if that is sent next.
    fn take_other_half(&mut self, part: &Part) -> Option<Part> {
        let (halving, _) = part.half_of?;
        self.parts
            .pop_if(|next| next.half_of.is_some_and(|half| half.0 == halving))
    }

    fn push_halves(&mut self, (older, newer): (Batch, Batch), refused: Instant) {
        self.halvings += 1;
        let half_of = Some((self.halvings, refused));
        for batch in [newer, older] {
            self.parts.push(Part {
                half_of,
                ..Part::new(batch)
            });
        }
    }
}

/// Both halves, or an item alone.
fn halved(batch: Batch) -> Vec<Batch> {
    match batch.halves() {
        Some((older, newer)) => vec![older, newer],
        None => vec![batch],
    }
}

/// After one of them, the target could be one that refuses every other request.
const CONFIRMATIONS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Limits};
    use crate::delivery::ledger::next_halvings;

    fn batch(times: impl Iterator<Item = i64>) -> Batch {
        let limits = Limits {
            items: 2000,
            bytes: 1 << 20,
            span_ms: None,
        };
        let mut open = BatchBuilder::new(limits, b"[", None);
        for (ordinal, time) in (0..).zip(times) {
            let start = open.body().len();
            open.body().push(b'x');
            assert!(open.add(start, time, 1, ordinal).is_none());
        }
        open.finish().expect("there are items")
    }

    /// Flushes that have time for a few requests each.
    #[test]
    fn flushes_deliver_all_that_is_not_refused_however_few_requests_each_has_time_for() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for (requests, most_flushes) in [(4, 12), (2, 60), (1, 200)] {
            for poisoned in [0, 1, 511, 512, 1000, 1023] {
                let flushes = flushes_until_done(poisoned, requests, &mut random);
                let what = format!("item {poisoned}, {requests} requests");

                assert!(flushes <= most_flushes, "{what}: {flushes} flushes");
            }
        }
    }

    /// How many flushes it takes to deliver all items but the poisoned one.
    fn flushes_until_done(poisoned: i64, requests: usize, random: &mut fastrand::Rng) -> usize {
        let mut left: Vec<i64> = (0..1024).collect();
        let (mut flushes, mut halvings) = (0, 0);
        while left != [poisoned] && flushes < 1_000 {
            let (before, mut was_refused) = (left.len(), false);
            let mut search = Search::new(vec![batch(left.iter().copied())], halvings, Some(random));
            for _ in 0..requests {
                let Some(part) = search.next() else { break };
                let times = || part.batch.items().iter().map(|item| item.time);
                if times().any(|time| time == poisoned) {
                    was_refused = true;
                    drop(search.refused(part, true, false, Instant::now()));
                } else {
                    left.retain(|time| !times().any(|accepted| accepted == *time));
                    search.accepted(&part);
                }
            }
            halvings = next_halvings(halvings, was_refused, left.len() < before);
            flushes += 1;
        }
        flushes
    }
}
