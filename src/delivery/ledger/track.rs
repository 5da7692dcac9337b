//! The answers of one attempt, from the items of its requests to the events of its chunk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Progress, Settled};
use crate::batch::{Batch, Item};

/// What an attempt's requests share. It outlives the attempt as long as one of them does.
#[derive(Debug)]
pub struct Track {
    progress: Arc<Progress>,
    /// The events that an item holds, where those are others than itself. Items of two attempts may
    /// hold other events, so each attempt has its own.
    joined: Mutex<HashMap<u32, Vec<u32>>>,
}

impl Track {
    /// An attempt that has sent nothing.
    #[must_use]
    pub fn new(progress: Arc<Progress>) -> Self {
        Self {
            progress,
            joined: Mutex::default(),
        }
    }

    /// Notes the requests that are sent next, and whether they are the last ones; `events` are those
    /// that an item holds, `None` for the one of its ordinal.
    pub fn hand_out<'b>(
        &self,
        batches: impl Iterator<Item = &'b Batch>,
        is_last: bool,
        events: impl Fn(u32) -> Option<Vec<u32>>,
    ) {
        let mut joined = HashMap::new();
        let mut ordinals = Settled::default();
        for item in batches.flat_map(Batch::items) {
            match events(item.ordinal) {
                Some(events) => {
                    events.iter().for_each(|&event| _ = ordinals.insert(event));
                    joined.insert(item.ordinal, events);
                }
                None => _ = ordinals.insert(item.ordinal),
            }
        }
        *self.joined() = joined;
        self.progress.hand_out(ordinals, is_last);
    }

    /// The service has answered for a request, except for the items that are sent again.
    pub fn settle(&self, batch: &Batch, again: &[Item]) {
        let out = Settled::of(again.iter().map(|item| item.ordinal));
        let joined = self.joined();
        let items = batch.items().iter().map(|item| item.ordinal);
        let items = items.filter(|&ordinal| !out.contains(ordinal));
        if joined.is_empty() {
            self.progress.settle(items);
        } else {
            self.progress
                .settle(items.flat_map(|item| events(&joined, item)));
        }
    }

    /// The requests that were handed out have ended: all but these items are settled.
    pub fn round_ended(&self, left: &[u32]) {
        let joined = self.joined();
        let out = Settled::of(left.iter().flat_map(|&item| events(&joined, item)));
        self.progress.settle_handed_out(&out);
    }

    fn joined(&self) -> MutexGuard<'_, HashMap<u32, Vec<u32>>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events that an item holds.
fn events(joined: &HashMap<u32, Vec<u32>>, item: u32) -> Vec<u32> {
    joined.get(&item).cloned().unwrap_or_else(|| vec![item])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Limits};

    fn batch(items: std::ops::Range<u32>) -> Batch {
        let limits = Limits {
            items: 100,
            bytes: 1000,
            span_ms: None,
        };
        let mut open = BatchBuilder::new(limits, b"[", None);
        for ordinal in items {
            let start = open.body().len();
            open.body().push(b'x');
            assert!(open.add(start, 1, 1, ordinal).is_none());
        }
        open.finish().expect("there are items")
    }

    /// Item `n` of an attempt holds these many events, from `n` times as many on.
    fn holding(count: u32) -> impl Fn(u32) -> Option<Vec<u32>> {
        move |item| Some((item * count..(item + 1) * count).collect())
    }

    #[test]
    fn events_are_settled_that_an_item_held_in_its_own_attempt() {
        let progress = Arc::new(Progress::new(None));
        let (first, second) = (Track::new(progress.clone()), Track::new(progress.clone()));
        let batch = batch(0..4);
        first.hand_out([&batch].into_iter(), false, holding(10));
        first.settle(&batch, &batch.items()[1..]);
        assert_eq!(progress.settled(), Settled::of(0..10));
        second.hand_out([&batch].into_iter(), true, holding(5));
        // An answer to the first attempt that comes late.
        first.settle(&batch, &batch.items()[2..]);
        assert_eq!(progress.settled(), Settled::of(0..20));
        second.round_ended(&[3]);
        assert_eq!(progress.settled(), Settled::of(0..20));
        let third = Track::new(progress.clone());
        third.hand_out([&batch].into_iter(), true, holding(10));
        third.round_ended(&[2]);
        assert_eq!(progress.settled(), Settled::of((0..20).chain(30..40)));
    }
}
