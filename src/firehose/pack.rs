//! Texts -> Firehose records -> requests.
//!
//! Texts are first joined, as the Go plugin does with `simple_aggregation`, then compressed, then
//! encoded once into the body of the request they travel in. An ordinal stands for a text, or for a
//! part of one that is too large. It depends on the chunk alone, so that it means the same each time
//! the chunk comes, whatever delivery streams its texts go to and however they are joined.

use std::sync::Arc;

use base64_simd::STANDARD;

use crate::batch::compress::{Compression, Compressor, surely_within};
use crate::batch::joined::Joined;
use crate::batch::oversize::{self, Oversize};
use crate::batch::{Batch, BatchBuilder, Limits, Packed, Rest};
use crate::delivery::ledger::PendingItems;

/// How texts become Firehose records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packing {
    /// Texts are joined.
    pub aggregate: bool,
    /// Firehose records are compressed.
    pub compression: Option<Compression>,
    /// What is done with a text that is too large for a Firehose record.
    pub oversize: Oversize,
}

/// Packs the texts of one chunk.
#[derive(Debug)]
pub struct Packer {
    aggregate: bool,
    oversize: Oversize,
    compressor: Option<Compressor>,
    compressed: Vec<u8>,
    lanes: Vec<Lane>,
    full: Vec<(usize, Batch)>,
    left: Option<Arc<PendingItems>>,
    /// The ordinal of the next text, where texts are joined. Elsewhere it is the number of the next
    /// record.
    next: u32,
    joined: Joined,
    packed: Packed,
}

/// What goes to one delivery stream.
#[derive(Debug)]
struct Lane {
    open: BatchBuilder,
    group: Group,
}

/// Texts that are to be one Firehose record.
#[derive(Debug, Default)]
struct Group {
    text: Vec<u8>,
    /// The ordinals of the texts.
    ordinals: Vec<u32>,
    /// Of the first text.
    time: i64,
    /// What has been joined for the request that is being filled.
    request: usize,
}

impl Packer {
    /// Begins a chunk, of which only what is `left` is packed if it has been tried before.
    #[must_use]
    pub fn new(packing: Packing, left: Option<Arc<PendingItems>>) -> Self {
        Self {
            left,
            aggregate: packing.aggregate,
            oversize: packing.oversize,
            compressor: packing.compression.map(Compressor::new),
            compressed: Vec::new(),
            lanes: Vec::new(),
            full: Vec::new(),
            next: 0,
            joined: Joined::default(),
            packed: Packed::default(),
        }
    }

    /// Whether an item may hold several texts.
    #[must_use]
    pub fn joins(&self) -> bool {
        self.aggregate
    }

    /// How many delivery streams there are; the next free number.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Adds a delivery stream.
    pub fn add_lane(&mut self, delivery_stream: &str) {
        // What is joined has been chosen before.
        let only = self.left.clone().filter(|_| !self.aggregate);
        let open = BatchBuilder::new(LIMITS, &head(delivery_stream), only);
        self.lanes.push(Lane {
            open,
            group: Group::default(),
        });
    }

    /// Packs a text, newline included, for a delivery stream.
    #[inline]
    pub fn text(&mut self, lane: usize, text: &[u8], time: i64) {
        if !self.aggregate {
            return self.record(lane, text, time);
        }
        if text.len() > self.room() {
            self.begin_alone(lane);
            return self.record(lane, text, time);
        }
        let ordinal = self.next;
        self.next += 1;
        if self.is_left(ordinal) {
            self.join(lane, text, time, ordinal);
        }
    }

    /// Ends what has been joined before a text that is too large, or whose parts follow.
    pub fn begin_alone(&mut self, lane: usize) {
        if !self.aggregate {
            return;
        }
        self.begin_request(lane, self.room());
        self.close(lane);
    }

    fn is_left(&self, ordinal: u32) -> bool {
        let left = self.left.as_ref();
        left.is_none_or(|left| left.contains(ordinal))
    }

    /// How many requests are full.
    #[must_use]
    pub fn full(&self) -> usize {
        self.full.len()
    }

    /// The full requests, with their delivery streams' numbers.
    pub fn take_full(&mut self) -> Vec<(usize, Batch)> {
        std::mem::take(&mut self.full)
    }

    /// What is left at the chunk's end, after which nothing is packed.
    pub fn finish(&mut self) -> Vec<(usize, Batch)> {
        for lane in 0..self.lanes.len() {
            self.close(lane);
        }
        let mut full = self.take_full();
        for (number, lane) in self.lanes.drain(..).enumerate() {
            full.extend(lane.open.finish().map(|batch| (number, batch)));
        }
        full
    }

    /// What has not been handed out.
    #[must_use]
    pub fn rest(&self) -> Rest {
        let mut rest = Rest {
            next: match self.aggregate {
                true => self.next,
                false => self.packed.records,
            },
            ..Rest::default()
        };
        for lane in &self.lanes {
            rest.add(lane.open.items());
        }
        rest.open = self.texts(rest.open);
        for Lane { group, .. } in &self.lanes {
            rest.open.extend_from_slice(&group.ordinals);
            let time = (!group.ordinals.is_empty()).then_some(group.time);
            rest.oldest = [rest.oldest, time].into_iter().flatten().min();
        }
        rest
    }

    /// The ordinals of the texts that lie in these items of batches, which are themselves where
    /// nothing is joined.
    #[must_use]
    pub fn texts(&self, items: Vec<u32>) -> Vec<u32> {
        if !self.aggregate {
            return items;
        }
        let texts = items.iter().map(|item| self.joined.texts(*item));
        texts.flatten().copied().collect()
    }

    /// What was packed so far.
    #[must_use]
    pub fn packed(&self) -> Packed {
        self.packed
    }

    fn join(&mut self, lane: usize, text: &[u8], time: i64, ordinal: u32) {
        let begins = self.begin_request(lane, text.len());
        if begins || self.lanes[lane].group.text.len() + text.len() > self.room() {
            self.close(lane);
        }
        let group = &mut self.lanes[lane].group;
        if group.text.is_empty() {
            group.time = time;
        }
        group.text.extend_from_slice(text);
        group.ordinals.push(ordinal);
    }

    /// Whether so many bytes begin a new request. The Go plugin also begins a new record there, and
    /// fills requests up.
    fn begin_request(&mut self, lane: usize, bytes: usize) -> bool {
        let request = &mut self.lanes[lane].group.request;
        let begins = self.compressor.is_none() && *request + bytes > LIMITS.bytes;
        if begins {
            *request = 0;
        }
        *request += bytes;
        begins
    }

    /// Makes a Firehose record of what has been joined.
    fn close(&mut self, lane: usize) {
        let group = &mut self.lanes[lane].group;
        if group.text.is_empty() {
            return;
        }
        let mut group = std::mem::take(group);
        let data = compressed(&mut self.compressor, &group.text, &mut self.compressed);
        self.joined.add(&group.ordinals);
        let full = self.lanes[lane].put(data, group.time, self.packed.records);
        self.full.extend(full.map(|batch| (lane, batch)));
        self.packed.records += 1;
        group.text.clear();
        group.ordinals.clear();
        self.lanes[lane].group = group;
    }

    /// Makes a Firehose record of a text, or does with it what is done with one too large.
    #[inline]
    fn record(&mut self, lane: usize, text: &[u8], time: i64) {
        if !self.put(lane, text, time) {
            self.oversize(lane, text, time);
        }
    }

    /// What is done with a text that is too large for a record.
    #[must_use]
    pub fn for_oversize(&self) -> Oversize {
        self.oversize
    }

    /// A text longer than this is too large, or is not tried.
    #[must_use]
    pub fn most_text(&self) -> usize {
        match self.compressor {
            Some(_) => MOST_COMPRESSED,
            None => RECORD_BYTES,
        }
    }

    /// Bytes of text that a part may have, beside its mark and its newline.
    #[must_use]
    pub fn part_room(&self) -> usize {
        self.room() - 1 - oversize::MARK_ROOM
    }

    /// Counts a text that is sent in parts.
    pub fn count_split(&mut self) {
        self.packed.split += 1;
    }

    fn oversize(&mut self, lane: usize, text: &[u8], time: i64) {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        match self.oversize {
            Oversize::Truncate => self.truncated(lane, text, time),
            Oversize::Split => {
                self.count_split();
                let count = oversize::plain_parts(text, self.part_room()).count();
                for (index, part) in oversize::plain_parts(text, self.part_room()).enumerate() {
                    self.part(lane, part, &oversize::part_mark(index + 1, count), time);
                }
            }
        }
    }

    /// Packs the beginning of a text that is too large.
    pub fn truncated(&mut self, lane: usize, text: &[u8], time: i64) {
        self.packed.truncated += 1;
        let kept = oversize::plain_fitting(text, self.room() - 1 - oversize::TRUNCATED.len());
        self.part(lane, &text[..kept], oversize::TRUNCATED, time);
    }

    /// Packs a part of a text with its mark.
    ///
    /// # Panics
    ///
    /// For a part of more than [`Packer::part_room`] bytes.
    pub fn part(&mut self, lane: usize, text: &[u8], mark: &str, time: i64) {
        let fits = self.put(lane, &[text, mark.as_bytes(), b"\n"].concat(), time);
        assert!(fits, "a part is within the limit");
    }

    /// Puts a Firehose record into the request, if it is within the limit as it is sent.
    #[inline]
    fn put(&mut self, lane: usize, text: &[u8], time: i64) -> bool {
        if self.aggregate {
            return self.put_alone(lane, text, time);
        }
        let data = compressed(&mut self.compressor, text, &mut self.compressed);
        if data.len() > RECORD_BYTES {
            return false;
        }
        let full = self.lanes[lane].put(data, time, self.packed.records);
        self.full.extend(full.map(|batch| (lane, batch)));
        self.packed.records += 1;
        true
    }

    /// As [`Packer::put`], of a text that is not joined with others where some are.
    #[cold]
    fn put_alone(&mut self, lane: usize, text: &[u8], time: i64) -> bool {
        let data = compressed(&mut self.compressor, text, &mut self.compressed);
        if data.len() > RECORD_BYTES {
            return false;
        }
        let ordinal = self.next;
        self.next += 1;
        let left = self.left.as_ref();
        if left.is_none_or(|left| left.contains(ordinal)) {
            self.joined.add(&[ordinal]);
            let full = self.lanes[lane].put(data, time, self.packed.records);
            self.full.extend(full.map(|batch| (lane, batch)));
            self.packed.records += 1;
        }
        true
    }

    /// Text that is surely within the limit once it is a Firehose record.
    fn room(&self) -> usize {
        match self.compressor {
            Some(_) => surely_within(RECORD_BYTES),
            None => RECORD_BYTES,
        }
    }
}

impl Lane {
    #[inline]
    fn put(&mut self, data: &[u8], time: i64, ordinal: u32) -> Option<Batch> {
        let body = self.open.body();
        let start = body.len();
        body.extend_from_slice(b"{\"Data\":\"");
        STANDARD.encode_append(data, body);
        body.extend_from_slice(b"\"}");
        self.open.add(start, time, data.len(), ordinal)
    }
}

/// A text as it is sent.
#[inline]
fn compressed<'t>(
    compressor: &mut Option<Compressor>,
    text: &'t [u8],
    room: &'t mut Vec<u8>,
) -> &'t [u8] {
    match compressor {
        Some(compressor) => {
            compressor.compress(text, room);
            room
        }
        None => text,
    }
}

/// The request up to its first record; the name needs no escape.
fn head(delivery_stream: &str) -> Vec<u8> {
    format!("{{\"DeliveryStreamName\":\"{delivery_stream}\",\"Records\":[").into_bytes()
}

/// One record, before base64 and with its newline: "1,000 KB" in the service's words is 1,000 KiB.
const RECORD_BYTES: usize = 1_024_000;

/// A longer text is not compressed as a whole, so that it is not in memory as a whole: it is too
/// large, be it as it is or in compressed form.
const MOST_COMPRESSED: usize = 8 * 1024 * 1024;

/// PutRecordBatch: <https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>.
/// The records of a request stay in their order, so their times do not part them.
const LIMITS: Limits = Limits {
    items: 500,
    bytes: 4 * 1024 * 1024,
    span_ms: None,
};

#[cfg(test)]
mod tests;
