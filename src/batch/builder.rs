//! Items -> a request's body, until it is full.

use std::sync::Arc;

use super::{Batch, Item, Limits};
use crate::batch::buffer_pool::BODIES;
use crate::delivery::ledger::PendingItems;

/// Times from one to another, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// The body being filled for one destination.
#[derive(Debug)]
pub struct BatchBuilder {
    limits: Limits,
    body: Vec<u8>,
    head: usize,
    items: Vec<Item>,
    bytes: usize,
    /// Times that the batch may still take.
    range: Times,
    /// What the range is for an empty batch.
    window: Times,
    only: Option<Arc<PendingItems>>,
}

impl BatchBuilder {
    /// Begins a body with what comes before the first item. Where the chunk has been tried before,
    /// `only` are the items that are left of it, and others are left out.
    #[must_use]
    pub fn new(limits: Limits, head: &[u8], only: Option<Arc<PendingItems>>) -> Self {
        Self::within(ANY_TIME, limits, head, only)
    }

    /// Begins a body for items of these times.
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

    /// Begins a body beside this one, for items of these times.
    pub(super) fn beside(&self, window: Times) -> Self {
        let head = &self.body[..self.head];
        Self::within(window, self.limits, head, self.only.clone())
    }

    /// Whether the batch spans few enough milliseconds with an item of this time.
    #[inline]
    #[must_use]
    pub fn takes(&self, time: i64) -> bool {
        self.range.start <= time && time <= self.range.end
    }

    /// Takes only times of this window from now on. All items must lie in it.
    pub(super) fn settle(&mut self, window: Times) {
        self.range = window;
        self.window = window;
    }

    /// Times that the batch may still take; those of its items are among them.
    pub(super) fn range(&self) -> Times {
        self.range
    }

    /// The first time of its window.
    pub(super) fn window_start(&self) -> i64 {
        self.window.start
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// What has been added since the last batch.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Where the next item is written; [`BatchBuilder::add`] then tells what was written.
    pub fn body(&mut self) -> &mut Vec<u8> {
        &mut self.body
    }

    /// Takes what stands in the body from `start` on as an item of so many `bytes` as the service
    /// counts them. Hands back the previous batch when the item did not fit into it.
    pub fn add(&mut self, start: usize, time: i64, bytes: usize, ordinal: u32) -> Option<Batch> {
        if self.leaves_out(ordinal) {
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

    /// The batch of what has been added since the last one; `None` for nothing.
    #[must_use]
    pub fn finish(self) -> Option<Batch> {
        if self.items.is_empty() {
            BODIES.give_back(self.body);
            return None;
        }
        Some(self.close())
    }

    /// Hands back the batch when an item of so many `bytes` does not fit into it. So a large item need
    /// not be moved, which [`BatchBuilder::add`] does when it is written into a batch that it does not fit.
    pub fn make_room(&mut self, time: i64, bytes: usize, ordinal: u32) -> Option<Batch> {
        if self.items.is_empty() || self.fits(time, bytes) || self.leaves_out(ordinal) {
            return None;
        }
        let (full, _) = self.close_before(self.body.len(), time, bytes);
        Some(full)
    }

    /// Whether the item was delivered when the chunk was tried before.
    #[inline]
    fn leaves_out(&self, ordinal: u32) -> bool {
        let only = self.only.as_ref();
        only.is_some_and(|left| !left.contains(ordinal))
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

    /// Leaves only times in the range that fit together with this one.
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

    /// Closes the batch before the item that stands from `start` on; where that item then stands.
    fn close_before(&mut self, start: usize, time: i64, bytes: usize) -> (Batch, usize) {
        let kept = self.items.len() - self.companions(time, bytes);
        let cut = self
            .items
            .get(kept)
            .map_or(start, |item| item.start as usize);
        let mut next = self.beside(self.window);
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

    /// How many of the last items go with the next one, having its time: where batches part between
    /// two times they may travel together, and what has one time still arrives in its order. None where
    /// it would be many.
    fn companions(&self, time: i64, bytes: usize) -> usize {
        if self.limits.span_ms.is_none() {
            return 0;
        }
        let most = self.items.len() / MOST_COMPANIONS;
        let last = self.items.iter().rev().take(most + 1);
        let companions = last.take_while(|item| item.time == time);
        let (count, weight) = companions.fold((0, 0), |(count, weight), item| {
            (count + 1, weight + item.bytes as usize)
        });
        let fit =
            weight <= self.limits.bytes / MOST_COMPANIONS && weight + bytes <= self.limits.bytes;
        if count <= most && fit { count } else { 0 }
    }
}

const ANY_TIME: Times = Times {
    start: i64::MIN,
    end: i64::MAX,
};
/// At most an eighth of a batch goes with the item that begins the next one.
const MOST_COMPANIONS: usize = 8;
