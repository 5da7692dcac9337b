//! Items -> a request body, until the body is full.

use std::sync::Arc;

use super::{Batch, Item, Limits};
use crate::batch::buffer_pool::BODIES;
use crate::delivery::ledger::PendingItems;

/// A range of times, both ends included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// A request body that is being filled for one target.
#[derive(Debug)]
pub struct BatchBuilder {
    limits: Limits,
    body: Vec<u8>,
    head: usize,
    items: Vec<Item>,
    bytes: usize,
    /// The times that the batch still accepts.
    range: Times,
    /// The range of an empty batch.
    window: Times,
    only: Option<Arc<PendingItems>>,
}

impl BatchBuilder {
    /// Starts a body with the bytes before the first item. On a retry of the chunk, `only` contains
    /// the pending items; all other items are skipped.
    #[must_use]
    pub fn new(limits: Limits, head: &[u8], only: Option<Arc<PendingItems>>) -> Self {
        Self::within(ANY_TIME, limits, head, only)
    }

    /// Starts a body for items with times in this window.
    fn within(window: Times, limits: Limits, head: &[u8], only: Option<Arc<PendingItems>>) -> Self {
        let mut body = BODIES.take();
        body.extend_from_slice(head);
        Self {
            limits,
            body,
            head: head.len(),
            items: Vec::new(),
            bytes: 0,
            range: window,
            window,
            only,
        }
    }

    /// Starts another body with the same head and limits, for items with times in this window.
    pub(super) fn new_for_window(&self, window: Times) -> Self {
        let head = &self.body[..self.head];
        Self::within(window, self.limits, head, self.only.clone())
    }

    /// Whether an item of this time stays within the time span of the batch.
    #[inline]
    #[must_use]
    pub fn takes(&self, time: i64) -> bool {
        self.range.start <= time && time <= self.range.end
    }

    /// Limits the batch to the times of this window. The times of all its items must lie in it.
    pub(super) fn restrict_to(&mut self, window: Times) {
        self.range = window;
        self.window = window;
    }

    /// The times that the batch still accepts. They include the times of its items.
    pub(super) fn range(&self) -> Times {
        self.range
    }

    /// The start of the window.
    pub(super) fn window_start(&self) -> i64 {
        self.window.start
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The items added since the last batch.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The buffer to which the next item is appended before [`BatchBuilder::add`] is called.
    pub fn body(&mut self) -> &mut Vec<u8> {
        &mut self.body
    }

    /// Adds the bytes of the body from `start` to its end as one item. `bytes` is its size as the
    /// service calculates it. Returns the previous batch if the item does not fit into it.
    pub fn add(&mut self, start: usize, time: i64, bytes: usize, ordinal: u32) -> Option<Batch> {
        if self.is_completed(ordinal) {
            self.body.truncate(start);
            return None;
        }
        let (full, start) = if self.fits(time, bytes) || self.items.is_empty() {
            (None, start)
        } else {
            let (full, start) = self.close_before(start, time, bytes);
            (Some(full), start)
        };
        self.bytes += bytes;
        self.narrow(time);
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let (start, end) = (offset(start), offset(self.body.len()));
        self.items.push(Item {
            ordinal,
            time,
            bytes: offset(bytes),
            start,
            end,
        });
        self.body.push(b',');
        full
    }

    /// Returns the batch of the items added since the last batch; `None` if there are none.
    #[must_use]
    pub fn finish(self) -> Option<Batch> {
        if self.items.is_empty() {
            BODIES.give_back(self.body);
            return None;
        }
        Some(self.close())
    }

    /// Returns the batch if an item of this size does not fit into it. Calling this before a large
    /// item is written avoids the copy that [`BatchBuilder::add`] makes of an item that does not fit.
    pub fn make_room(&mut self, time: i64, bytes: usize, ordinal: u32) -> Option<Batch> {
        if self.items.is_empty() || self.fits(time, bytes) || self.is_completed(ordinal) {
            return None;
        }
        let (full, _) = self.close_before(self.body.len(), time, bytes);
        Some(full)
    }

    /// Whether the item was completed by an earlier attempt.
    #[inline]
    fn is_completed(&self, ordinal: u32) -> bool {
        let only = self.only.as_ref();
        only.is_some_and(|pending| !pending.contains(ordinal))
    }

    fn close(self) -> Batch {
        let window = self.window_start();
        Batch::new(self.body, self.head, self.items, self.limits, window)
    }

    fn fits(&self, time: i64, bytes: usize) -> bool {
        self.items.len() < self.limits.items
            && self.bytes + bytes <= self.limits.bytes
            && self.takes(time)
    }

    /// Removes the times from the range that are too far from this one.
    #[inline]
    fn narrow(&mut self, time: i64) {
        if let Some(limit) = self.limits.span_ms {
            let Times { start, end } = self.range;
            self.range = Times {
                start: time.saturating_sub(limit - 1).max(start),
                end: time.saturating_add(limit - 1).min(end),
            };
        }
    }

    /// Closes the batch before the item that begins at `start`. Returns the batch and the new start of
    /// the item.
    fn close_before(&mut self, start: usize, time: i64, bytes: usize) -> (Batch, usize) {
        let kept = self.items.len() - self.companions(time, bytes);
        let cut = self
            .items
            .get(kept)
            .map_or(start, |item| item.start as usize);
        let mut next = self.new_for_window(self.window);
        next.body.extend_from_slice(&self.body[cut..]);
        next.items.reserve(self.items.len());
        self.body.truncate(cut);
        let back = (cut - self.head) as u32;
        for item in self.items.drain(kept..) {
            next.bytes += item.bytes as usize;
            next.narrow(item.time);
            next.items.push(Item {
                start: item.start - back,
                end: item.end - back,
                ..item
            });
        }
        let full = std::mem::replace(self, next);
        (full.close(), start - back as usize)
    }

    /// The number of items at the end of the batch that move to the next batch with an item of the same
    /// time. The two batches then have no time in common and can be sent at the same time. Returns 0 if
    /// too many items would have to move.
    fn companions(&self, time: i64, bytes: usize) -> usize {
        if self.limits.span_ms.is_none() {
            return 0;
        }
        let max = self.items.len() / COMPANIONS_DIVISOR;
        let last = self.items.iter().rev().take(max + 1);
        let companions = last.take_while(|item| item.time == time);
        let (count, weight) = companions.fold((0, 0), |(count, weight), item| {
            (count + 1, weight + item.bytes as usize)
        });
        let fit =
            weight <= self.limits.bytes / COMPANIONS_DIVISOR && weight + bytes <= self.limits.bytes;
        if count <= max && fit { count } else { 0 }
    }
}

const ANY_TIME: Times = Times {
    start: i64::MIN,
    end: i64::MAX,
};
/// At most this fraction (1/8) of a batch moves to the next batch.
const COMPANIONS_DIVISOR: usize = 8;
