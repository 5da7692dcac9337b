//! The queue of a target's batches, and the binary search for items that the target rejects. No I/O.
//!
//! A rejected batch is halved until a single item is rejected. The older half is sent first, which keeps
//! the order. When the flush's time does not suffice for the whole search, the sibling half is sent
//! before a rejected half is halved: so each flush delivers some items, and the next flush has less to
//! search.
//!
//! The cause of a rejection is either the item or the target, and the target may fail or be repaired at
//! any time. So a rejected item waits *aside* while others are sent. It is dropped after
//! [`CONFIRMATIONS`] rejections with proof. A rejection of a single item has proof if, before it,
//!
//! * the item was rejected alone and the target then accepted another request, or
//! * the item was rejected in a batch with its sibling half only, and the sibling was then accepted.
//!
//! In both cases a target that failed once is excluded as the cause. While an item is aside and the
//! target has accepted nothing recently, larger rejected batches go aside without being halved. They are
//! halved when the target accepts a request, or when nothing else is left to send. The search for `k`
//! rejected items among `n` takes at most `k * (2 * log2(n) + 2) + 1` requests.

use crate::batch::Batch;

use tokio::time::Instant;

/// Items that are sent in one request.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) batch: Batch,
    /// When these items were first rejected; after the sibling half was accepted, when the whole was
    /// rejected.
    pub(super) refused: Option<Instant>,
    /// Whether the target had accepted a request that began after `refused` when the part was last sent.
    pub(super) proven: bool,
    /// Rejections of this single item with proof.
    confirmed: usize,
    /// The number of the halving that created this part, and when the whole was rejected.
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

/// What to do after a rejection.
#[derive(Debug)]
pub(super) enum Step {
    /// Send the next part.
    Next,
    /// Wait before the next part: the target may be the cause.
    Wait,
    /// Drop this item.
    Drop(Batch),
}

/// The queue of one target.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Parts to send; the next one is at the end.
    parts: Vec<Part>,
    /// Rejected parts that wait for proof, oldest first.
    aside: Vec<Part>,
    halvings: usize,
}

impl Search {
    /// A queue of these batches, in order.
    ///
    /// Each batch is first halved `halvings` times (see `next_halvings`), and the parts are shuffled with
    /// `random` if it is given. Then, even if a flush has time for a few requests only, in some flush a
    /// part without a rejected item is among the first.
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

    /// Takes the next part to send.
    pub(super) fn next(&mut self) -> Option<Part> {
        self.parts.pop()
    }

    /// Puts a part back, to be sent next.
    pub(super) fn put_back(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Whether rejected parts wait for proof.
    pub(super) fn is_waiting(&self) -> bool {
        !self.aside.is_empty()
    }

    /// Records that a part was accepted as a whole.
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

    /// Records that a part was rejected as a whole. `healthy`: the target has accepted a request recently.
    /// `has_time`: the time suffices for the whole search, so the order can be kept.
    pub(super) fn refused(
        &mut self,
        mut part: Part,
        healthy: bool,
        has_time: bool,
        now: Instant,
    ) -> Step {
        match part.batch.halves() {
            Some(halves) if healthy || self.aside.is_empty() => {
                let other = (!has_time).then(|| self.take_sibling(&part)).flatten();
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

    /// Queues the parts that wait aside: single items as they are, larger parts in halves.
    pub(super) fn try_aside(&mut self) {
        while let Some(part) = self.aside.pop() {
            match (part.batch.halves(), part.refused) {
                (Some(halves), Some(refused)) => self.push_halves(halves, refused),
                _ => self.parts.push(part),
            }
        }
    }

    /// The batches that are not delivered.
    pub(super) fn into_rest(self) -> impl Iterator<Item = Batch> {
        let parts = self.aside.into_iter().chain(self.parts);
        parts.map(|part| part.batch)
    }

    /// Takes the sibling half of a part, if it is next in the queue.
    fn take_sibling(&mut self, part: &Part) -> Option<Part> {
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

/// Both halves, or a single item.
fn halved(batch: Batch) -> Vec<Batch> {
    match batch.halves() {
        Some((older, newer)) => vec![older, newer],
        None => vec![batch],
    }
}

/// Rejections with proof that are needed: after one, the target could still reject every second request.
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

    /// Each flush has time for a few requests only.
    #[test]
    fn all_accepted_items_are_delivered_with_few_requests_in_each_flush() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for (requests, max_flushes) in [(4, 12), (2, 60), (1, 200)] {
            for poisoned in [0, 1, 511, 512, 1000, 1023] {
                let flushes = flushes_until_done(poisoned, requests, &mut random);
                let case = format!("item {poisoned}, {requests} requests");

                assert!(flushes <= max_flushes, "{case}: {flushes} flushes");
            }
        }
    }

    /// Counts the flushes until all items but the poisoned one are delivered.
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
