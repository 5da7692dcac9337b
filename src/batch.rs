//! Items -> requests within a service's limits; pure.
//!
//! An item is encoded at the end of an open request body, from which it is sent. An item that does
//! not fit moves to the next body. A finished batch keeps the offsets of its items, so a subset can
//! be sent again without encoding it twice.

pub mod buffer_pool;
mod builder;
pub mod compress;
pub(crate) mod joined;
pub mod oversize;
mod windows;

pub use builder::BatchBuilder;
pub use windows::{MAX_WINDOWS, Windows};

use bytes::Bytes;

use crate::batch::buffer_pool::BODIES;

/// How the texts of a chunk were packed into records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Packed {
    /// Records made.
    pub records: u32,
    /// Texts cut to the limit.
    pub truncated: usize,
    /// Texts split into parts.
    pub split: usize,
}

/// The limits of one request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of items.
    pub items: usize,
    /// Maximum size in bytes, as the service calculates it.
    pub bytes: usize,
    /// Maximum time span in milliseconds: the newest item is less than this later than the oldest.
    /// The items are then sorted by time. With `None` they keep the order of the chunk.
    pub span_ms: Option<i64>,
}

/// The position of an item in its body, its time and its size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Item {
    /// The index of the item in its chunk. It is the same on each retry of the chunk.
    pub ordinal: u32,
    /// The time of the item, in milliseconds since 1970.
    pub time: i64,
    bytes: u32,
    start: u32,
    end: u32,
}

/// The part of a chunk that has not been returned in a batch.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rest {
    /// The ordinals of the items in open batches. On a retry of a chunk these are only items that
    /// were still pending.
    pub open: Vec<u32>,
    /// The ordinal of the first item that has not been encoded. All later items are part of the rest
    /// too. On a retry of a chunk, some of these may have been delivered by an earlier attempt.
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

/// The total size of the items in bytes, as the service calculates it.
#[must_use]
pub fn weight(items: &[Item]) -> usize {
    items.iter().map(|item| item.bytes as usize).sum()
}

/// The items of one request.
#[derive(Clone, Debug)]
pub struct Batch {
    body: Bytes,
    head: usize,
    items: Vec<Item>,
    whole: bool,
    window: i64,
}

impl Batch {
    /// Takes a full body, which ends with the comma after its last item.
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

    /// The start of the window that contains the times of the items. Batches of one target and of
    /// different windows have no time in common, so they can be sent in any order. Batches of one
    /// window are sent in the order in which they were made.
    #[must_use]
    pub fn window(&self) -> i64 {
        self.window
    }

    /// The items in the order in which they are sent: by time if the limits have a span, and in the
    /// order of the chunk within one millisecond.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The time of the first item. This is the oldest time if the items are sorted by time.
    /// Otherwise it is the time of the item that was logged first.
    #[must_use]
    pub fn oldest(&self) -> Option<i64> {
        self.items.first().map(|item| item.time)
    }

    /// The time of the last item. This is the newest time if the items are sorted by time.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.items.last().map(|item| item.time)
    }

    /// The size of the items in bytes, as the service calculates it.
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

    /// The body up to the first item: the part that all requests to one target have in common.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.body[..self.head]
    }

    /// A batch of these items of the batch; `None` if there are none.
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

    /// Both halves, the older one first; `None` for a single item.
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

/// Maximum number of open batches of one chunk, over all targets. A chunk of Fluent Bit's default
/// size (2 MB) usually has fewer records. An open batch takes about 1 kB in addition to its items.
pub const MAX_OPEN: usize = 10_000;
/// The end of a request: the end of the array of items and of the object.
const TAIL: &[u8] = b"]}";

#[cfg(test)]
mod tests;
