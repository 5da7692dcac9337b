//! Items -> requests within a service's limits; pure.
//!
//! An item is written where it will be sent from: at the end of an open request body. What does not
//! fit moves to the next body. A finished batch keeps where each item lies, so that a part of it can
//! be sent again without encoding anything twice.

use std::sync::Arc;

use bytes::Bytes;

use crate::ledger::Left;
use crate::pool::BODIES;

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
        Some(Batch::new(self))
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
        (Batch::new(full), start - back as usize)
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
}

impl Batch {
    fn new(open: Open) -> Self {
        let Open {
            limits,
            mut body,
            head,
            mut items,
            ..
        } = open;
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
        }
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
        }
    }
}

/// What comes after the last item: the end of the array and of the request.
const TAIL: &[u8] = b"]}";

/// At most an eighth of a batch goes with the item that begins the next one.
const MOST_COMPANIONS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"{\"items\":[";
    const LIMITS: Limits = Limits {
        items: 3,
        bytes: 100,
        span_ms: Some(1000),
    };

    fn add(open: &mut Open, text: &str, time: i64, bytes: usize, ordinal: u32) -> Option<Batch> {
        let start = open.body().len();
        open.body().extend_from_slice(text.as_bytes());
        open.add(start, time, bytes, ordinal)
    }

    fn text(batch: &Batch) -> String {
        String::from_utf8(batch.body().to_vec()).unwrap()
    }

    #[test]
    fn items_stand_in_one_body_in_the_order_they_came() {
        let mut open = Open::new(LIMITS, HEAD, None);
        assert!(add(&mut open, "1", 5, 10, 0).is_none());
        assert!(add(&mut open, "2", 5, 10, 1).is_none());
        let batch = open.finish().unwrap();
        assert_eq!(text(&batch), r#"{"items":[1,2]}"#);
        assert_eq!(batch.bytes(), 20);
    }

    #[test]
    fn the_item_that_does_not_fit_starts_the_next_batch() {
        for (bytes, time) in [(1, 0), (40, 0), (1, 1000), (1, -1000)] {
            let mut open = Open::new(
                Limits {
                    items: if bytes == 1 && time == 0 { 2 } else { 3 },
                    ..LIMITS
                },
                HEAD,
                None,
            );
            add(&mut open, "1", 0, 30, 0);
            add(&mut open, "2", 0, 31, 1);
            let full = add(&mut open, "3", time, bytes, 2).expect("full");
            assert_eq!(text(&full), r#"{"items":[1,2]}"#);
            assert_eq!(text(&open.finish().unwrap()), r#"{"items":[3]}"#);
        }
    }

    #[test]
    fn batches_part_between_two_times_if_few_items_stand_in_the_way() {
        let limits = Limits {
            items: 16,
            ..LIMITS
        };
        for (last, expected) in [(1, 15), (2, 14), (3, 16), (16, 16)] {
            let mut open = Open::new(limits, HEAD, None);
            for n in 0..16 {
                let time = if n + last < 16 { n } else { 20 };
                assert!(add(&mut open, &n.to_string(), time, 2, n as u32).is_none());
            }
            let full = add(&mut open, "x", 20, 2, 16).expect("full");
            assert_eq!(full.items().len(), expected, "{last} of one time");
            assert!(add(&mut open, "y", 21, 2, 17).is_none());
            let rest = open.finish().unwrap();
            assert_eq!(rest.items().len(), 18 - expected);
            assert_eq!(rest.bytes(), 2 * (18 - expected));
            let mut whole = text(&full);
            whole.truncate(whole.len() - TAIL.len());
            whole = whole + "," + text(&rest).strip_prefix(r#"{"items":["#).unwrap();
            assert_eq!(
                whole,
                r#"{"items":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,x,y]}"#
            );
            let last = rest.part(&rest.items()[rest.items().len() - 2..]).unwrap();
            assert_eq!(text(&last), r#"{"items":[x,y]}"#);
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        let mut open = Open::new(LIMITS, HEAD, None);
        assert!(add(&mut open, "1", 0, 50, 0).is_none());
        assert!(add(&mut open, "2", 999, 25, 1).is_none());
        assert!(add(&mut open, "3", 5, 25, 2).is_none());
        assert_eq!(open.finish().map(|batch| batch.items().len()), Some(3));
    }

    #[test]
    fn items_are_sorted_by_time_and_stay_in_order_within_a_millisecond() {
        let mut open = Open::new(LIMITS, HEAD, None);
        for (ordinal, (text, time)) in [("a", 7), ("b", 3), ("c", 7)].into_iter().enumerate() {
            add(&mut open, text, time, 1, ordinal as u32);
        }
        assert_eq!(text(&open.finish().unwrap()), r#"{"items":[b,a,c]}"#);
    }

    #[test]
    fn items_without_a_span_stay_in_their_order() {
        let limits = Limits {
            span_ms: None,
            ..LIMITS
        };
        let mut open = Open::new(limits, HEAD, None);
        add(&mut open, "a", 7, 1, 0);
        add(&mut open, "b", 3, 1, 1);
        let batch = open.finish().unwrap();
        assert_eq!(text(&batch), r#"{"items":[a,b]}"#);
        assert_eq!(
            text(&batch.part(batch.items()).unwrap()),
            r#"{"items":[a,b]}"#
        );
    }

    #[test]
    fn a_part_is_sent_without_the_others() {
        let mut open = Open::new(LIMITS, HEAD, None);
        for (ordinal, text) in ["a", "b", "c"].into_iter().enumerate() {
            add(&mut open, text, 1, 1, ordinal as u32);
        }
        let batch = open.finish().unwrap();
        let items = [batch.items()[0], batch.items()[2]];
        assert_eq!(text(&batch.part(&items).unwrap()), r#"{"items":[a,c]}"#);
        let (older, newer) = batch.halves().unwrap();
        assert_eq!(
            (text(&older), text(&newer)),
            (r#"{"items":[a]}"#.into(), r#"{"items":[b,c]}"#.into())
        );
        assert!(older.halves().is_none());
        assert!(batch.part(&[]).is_none());
    }

    #[test]
    fn of_a_chunk_tried_before_only_what_is_left_is_taken() {
        let left = Arc::new(Left::new(vec![1, 3]));
        let mut open = Open::new(LIMITS, HEAD, Some(left));
        for (ordinal, text) in ["a", "b", "c", "d"].into_iter().enumerate() {
            assert!(add(&mut open, text, 1, 1, ordinal as u32).is_none());
        }
        assert_eq!(text(&open.finish().unwrap()), r#"{"items":[b,d]}"#);
    }

    #[test]
    fn nothing_added_is_no_batch() {
        assert!(Open::new(LIMITS, HEAD, None).finish().is_none());
    }
}
