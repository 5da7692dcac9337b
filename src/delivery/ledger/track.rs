//! Maps the answers to the requests of one attempt from items to events of the chunk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Progress, Settled};
use crate::batch::{Batch, Item};

/// What the requests of an attempt share. It lives as long as the attempt or any of its requests.
#[derive(Debug)]
pub struct Track {
    progress: Arc<Progress>,
    /// The events of each item that holds other events than its own ordinal. Items of different attempts
    /// may hold different events, so each attempt has its own map.
    joined: Mutex<HashMap<u32, Vec<u32>>>,
}

impl Track {
    /// The track of an attempt that has sent nothing.
    #[must_use]
    pub fn new(progress: Arc<Progress>) -> Self {
        Self {
            progress,
            joined: Mutex::default(),
        }
    }

    /// Registers the requests that are sent next. `is_last`: no more requests follow. `events` returns the
    /// events of an item; `None` for the event of its own ordinal.
    pub fn register<'b>(
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
        self.progress.register(ordinals, is_last);
    }

    /// Records the answer to a request. Its events are settled except those of the items to retry.
    pub fn settle(&self, batch: &Batch, again: &[Item]) {
        let unsettled = Settled::of(again.iter().map(|item| item.ordinal));
        let joined = self.joined();
        let items = batch.items().iter().map(|item| item.ordinal);
        let items = items.filter(|&ordinal| !unsettled.contains(ordinal));
        if joined.is_empty() {
            self.progress.settle(items);
        } else {
            self.progress
                .settle(items.flat_map(|item| events(&joined, item)));
        }
    }

    /// Records that the registered requests have ended: all items except `left` are settled.
    pub fn round_ended(&self, left: &[u32]) {
        let joined = self.joined();
        let unsettled = Settled::of(left.iter().flat_map(|&item| events(&joined, item)));
        self.progress.settle_registered(&unsettled);
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

    /// Item `n` holds the events from `n * count` up to `(n + 1) * count`.
    fn holding(count: u32) -> impl Fn(u32) -> Option<Vec<u32>> {
        move |item| Some((item * count..(item + 1) * count).collect())
    }

    #[test]
    fn an_answer_settles_the_events_of_the_items_of_its_own_attempt() {
        let progress = Arc::new(Progress::new(None));
        let (first, second) = (Track::new(progress.clone()), Track::new(progress.clone()));
        let batch = batch(0..4);
        first.register([&batch].into_iter(), false, holding(10));
        first.settle(&batch, &batch.items()[1..]);
        assert_eq!(progress.settled(), Settled::of(0..10));
        second.register([&batch].into_iter(), true, holding(5));
        // A late answer to a request of the first attempt.
        first.settle(&batch, &batch.items()[2..]);
        assert_eq!(progress.settled(), Settled::of(0..20));
        second.round_ended(&[3]);
        assert_eq!(progress.settled(), Settled::of(0..20));
        let third = Track::new(progress.clone());
        third.register([&batch].into_iter(), true, holding(10));
        third.round_ended(&[2]);
        assert_eq!(progress.settled(), Settled::of((0..20).chain(30..40)));
    }
}
