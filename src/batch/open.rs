//! Items -> a request's body, until it is full.

use std::sync::Arc;

use super::{Batch, Item, Limits};
use crate::ledger::Left;
use crate::pool::BODIES;

/// The body being filled for one destination.
#[derive(Debug)]
pub struct Open {
    limits: Limits,
    body: Vec<u8>,
    head: usize,
    items: Vec<Item>,
    bytes: usize,
    oldest: i64,
    newest: i64,
    only: Option<Arc<Left>>,
}

impl Open {
    /// Begins a body with what comes before the first item. Where the chunk has been tried before,
    /// `only` are the items that are left of it, and others are left out.
    #[must_use]
    pub fn new(limits: Limits, head: &[u8], only: Option<Arc<Left>>) -> Self {
        let mut body = BODIES.take();
        body.extend_from_slice(head);
        Self {
            limits,
            body,
            head: head.len(),
            items: Vec::new(),
            bytes: 0,
            oldest: i64::MAX,
            newest: i64::MIN,
            only,
        }
    }

    /// Where the next item is written; [`Open::add`] then tells what was written.
    pub fn body(&mut self) -> &mut Vec<u8> {
        &mut self.body
    }

    /// Takes what stands in the body from `start` on as an item of so many `bytes` as the service
    /// counts them. Hands back the previous batch when the item did not fit into it.
    pub fn add(&mut self, start: usize, time: i64, bytes: usize, ordinal: u32) -> Option<Batch> {
        if self
            .only
            .as_ref()
            .is_some_and(|left| !left.contains(ordinal))
        {
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
        self.oldest = self.oldest.min(time);
        self.newest = self.newest.max(time);
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

    /// What has been added since the last batch.
    #[must_use]
    pub fn finish(self) -> Option<Batch> {
        if self.items.is_empty() {
            BODIES.give_back(self.body);
            return None;
        }
        Some(self.close())
    }

    fn close(self) -> Batch {
        Batch::new(self.body, self.head, self.items, self.limits)
    }

    fn fits(&self, time: i64, bytes: usize) -> bool {
        let span = self.newest.max(time).saturating_sub(self.oldest.min(time));
        self.items.len() < self.limits.items
            && self.bytes + bytes <= self.limits.bytes
            && self.limits.span_ms.is_none_or(|limit| span < limit)
    }

    /// Closes the batch before the item that stands from `start` on; where that item then stands.
    fn close_before(&mut self, start: usize, time: i64, bytes: usize) -> (Batch, usize) {
        let kept = self.items.len() - self.companions(time, bytes);
        let cut = self
            .items
            .get(kept)
            .map_or(start, |item| item.start as usize);
        let mut next = Self::new(self.limits, &self.body[..self.head], self.only.clone());
        next.body.extend_from_slice(&self.body[cut..]);
        next.items.reserve(self.items.len());
        self.body.truncate(cut);
        let back = (cut - self.head) as u32;
        for item in self.items.drain(kept..) {
            next.bytes += item.bytes as usize;
            (next.oldest, next.newest) = (item.time, item.time);
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

/// At most an eighth of a batch goes with the item that begins the next one.
const MOST_COMPANIONS: usize = 8;
