//! Items -> requests within a service's limits; pure.
//!
//! An item is written where it will be sent from: at the end of an open request body. What does not
//! fit moves to the next body. A finished batch keeps where each item lies, so that a part of it can
//! be sent again without encoding anything twice.

pub mod buffer_pool;
mod builder;
pub mod compress;
pub(crate) mod joined;
pub mod oversize;
mod windows;

pub use builder::BatchBuilder;
pub use windows::{MOST_WINDOWS, Windows};

use bytes::Bytes;

use crate::batch::buffer_pool::BODIES;

/// What became of the texts of a chunk that were packed as records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Packed {
    /// Records made.
    pub records: u32,
    /// Texts cut to the limit.
    pub truncated: usize,
    /// Texts sent in parts.
    pub split: usize,
}

/// What one request may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Items at most.
    pub items: usize,
    /// Bytes at most, as the service counts them.
    pub bytes: usize,
    /// The newest item is less than this many milliseconds after the oldest, and the items are
    /// sorted by time; without it they stay in the order they came.
    pub span_ms: Option<i64>,
}

/// Where an item lies in its body, and what it weighs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Item {
    /// Its place among the items of its chunk, the same each time the host brings the chunk.
    pub ordinal: u32,
    /// When it happened, in milliseconds since 1970.
    pub time: i64,
    bytes: u32,
    start: u32,
    end: u32,
}

/// What of a chunk has not been handed out in a batch.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rest {
    /// The ordinals of the items that lie in open batches. Of a chunk that was tried before these
    /// are only items that were left of it.
    pub open: Vec<u32>,
    /// The ordinal of the first item that has not been encoded. It and all that follow are part of
    /// the rest. Of a chunk that was tried before some of these may have been delivered then.
    pub next: u32,
    /// The time of the oldest item in an open batch, in milliseconds since 1970.
    pub oldest: Option<i64>,
}

impl Rest {
    /// Adds items of an open batch.
    pub fn add(&mut self, items: &[Item]) {
        self.open.extend(items.iter().map(|item| item.ordinal));
        let oldest = items.iter().map(|item| item.time).min();
        self.oldest = [self.oldest, oldest].into_iter().flatten().min();
    }
}

/// What items weigh together as the service counts them.
#[must_use]
pub fn weight(items: &[Item]) -> usize {
    items.iter().map(|item| item.bytes as usize).sum()
}

/// Items for one request.
#[derive(Clone, Debug)]
pub struct Batch {
    body: Bytes,
    head: usize,
    items: Vec<Item>,
    whole: bool,
    window: i64,
}

impl Batch {
    /// A body that is full, up to and with the comma after its last item.
    fn new(
        mut body: Vec<u8>,
        head: usize,
        mut items: Vec<Item>,
        limits: Limits,
        window: i64,
    ) -> Self {
        let sorted = limits.span_ms.is_none() || items.is_sorted_by_key(|item| item.time);
        if !sorted {
            items.sort_by_key(|item| item.time);
        }
        body.pop();
        body.extend_from_slice(TAIL);
        Self {
            body: BODIES.share(body),
            head,
            items,
            whole: sorted,
            window,
        }
    }

    /// The first time of the window that its items are from. Batches of one destination and of
    /// different windows share no time, so that they may be sent in any order. Those of one window
    /// are sent in the order in which they were made.
    #[must_use]
    pub fn window(&self) -> i64 {
        self.window
    }

    /// Its items as they travel: oldest first where the service asks for that, and those of one
    /// millisecond in the order of the chunk.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// About the time of its oldest item: that of the first, which is the oldest where they are
    /// sorted and the first that was logged where not.
    #[must_use]
    pub fn oldest(&self) -> Option<i64> {
        self.items.first().map(|item| item.time)
    }

    /// The time of its last item: the newest one where they are sorted.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.items.last().map(|item| item.time)
    }

    /// Its size as the service counts it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        weight(&self.items)
    }

    /// The request body.
    #[must_use]
    pub fn body(&self) -> Bytes {
        if self.whole {
            return self.body.clone();
        }
        let items = self
            .items
            .iter()
            .map(|item| (item.end - item.start) as usize + 1)
            .sum::<usize>();
        let mut body = BODIES.take();
        body.reserve(self.head + items + TAIL.len());
        body.extend_from_slice(&self.body[..self.head]);
        for item in &self.items {
            body.extend_from_slice(&self.body[item.start as usize..item.end as usize]);
            body.push(b',');
        }
        body.pop();
        body.extend_from_slice(TAIL);
        BODIES.share(body)
    }

    /// What stands before the first item: all that requests to one target have in common.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.body[..self.head]
    }

    /// The batch of those items alone; `None` for no items.
    #[must_use]
    pub fn part(&self, items: &[Item]) -> Option<Self> {
        if items.is_empty() {
            return None;
        }
        let whole = self.whole && items.len() == self.items.len();
        Some(Self {
            items: items.to_vec(),
            whole,
            ..self.clone_body()
        })
    }

    /// Two halves, the older first; `None` for a single item.
    #[must_use]
    pub fn halves(&self) -> Option<(Self, Self)> {
        let (older, newer) = self.items.split_at(self.items.len() / 2);
        Some((self.part(older)?, self.part(newer)?))
    }

    fn clone_body(&self) -> Self {
        Self {
            body: self.body.clone(),
            head: self.head,
            items: Vec::new(),
            whole: false,
            window: self.window,
        }
    }
}

/// Batches of one chunk that are open at most, whatever the number of its destinations. A chunk of
/// Fluent Bit's usual 2 MB has fewer records. An open batch takes about a kilobyte beside its items.
pub const MOST_OPEN: usize = 10_000;
/// What comes after the last item: the end of the array and of the request.
const TAIL: &[u8] = b"]}";

#[cfg(test)]
mod tests;
