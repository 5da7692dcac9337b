//! Texts -> Firehose records -> requests.
//!
//! Texts are first joined, as the Go plugin does with `simple_aggregation`, then compressed, then
//! encoded once into the body of the request they travel in. Which texts a Firehose record holds
//! depends on the chunk alone, so that its ordinal means the same each time the chunk comes.

use std::sync::Arc;

use base64_simd::STANDARD;

use crate::batch::{Batch, Limits, Open};
use crate::compress::{Compression, Compressor, surely_within};
use crate::cut;
use crate::ledger::Left;

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

/// What is done with a text that is too large for a Firehose record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Oversize {
    /// It is sent in numbered parts.
    Split,
    /// It is cut and marked.
    Truncate,
}

/// What was packed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Packed {
    /// Firehose records made.
    pub records: u32,
    /// Texts cut to the limit.
    pub truncated: usize,
    /// Texts sent in parts.
    pub split: usize,
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
    left: Option<Arc<Left>>,
    packed: Packed,
}

/// What goes to one delivery stream.
#[derive(Debug)]
struct Lane {
    open: Open,
    group: Group,
}

/// Texts that are to be one Firehose record.
#[derive(Debug, Default)]
struct Group {
    text: Vec<u8>,
    /// Of the first text.
    time: i64,
    /// What has been joined for the request that is being filled.
    request: usize,
}

impl Packer {
    /// Begins a chunk, of which only what is `left` is packed if it has been tried before.
    #[must_use]
    pub fn new(packing: Packing, left: Option<Arc<Left>>) -> Self {
        Self {
            left,
            aggregate: packing.aggregate,
            oversize: packing.oversize,
            compressor: packing.compression.map(Compressor::new),
            compressed: Vec::new(),
            lanes: Vec::new(),
            full: Vec::new(),
            packed: Packed::default(),
        }
    }

    /// How many delivery streams there are; the next free number.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Adds a delivery stream.
    pub fn add_lane(&mut self, delivery_stream: &str) {
        let open = Open::new(LIMITS, &head(delivery_stream), self.left.clone());
        self.lanes.push(Lane {
            open,
            group: Group::default(),
        });
    }

    /// Packs a text, newline included, for a delivery stream.
    #[inline]
    pub fn text(&mut self, lane: usize, text: &[u8], time: i64) {
        if self.aggregate {
            self.join(lane, text, time);
        } else {
            self.record(lane, text, time);
        }
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

    /// What was packed so far.
    #[must_use]
    pub fn packed(&self) -> Packed {
        self.packed
    }

    fn join(&mut self, lane: usize, text: &[u8], time: i64) {
        let room = self.room();
        let group = &self.lanes[lane].group;
        // The Go plugin also begins a new record where it begins a new request, which it fills up.
        let sent = text.len().min(room);
        let overflows = self.compressor.is_none() && group.request + sent > LIMITS.bytes;
        if overflows || group.text.len() + text.len() > room {
            self.close(lane);
        }
        let group = &mut self.lanes[lane].group;
        if overflows {
            group.request = 0;
        }
        group.request += sent;
        if group.text.is_empty() {
            group.time = time;
        }
        group.text.extend_from_slice(text);
    }

    /// Makes a Firehose record of what has been joined.
    fn close(&mut self, lane: usize) {
        let mut text = std::mem::take(&mut self.lanes[lane].group.text);
        if !text.is_empty() {
            self.record(lane, &text, self.lanes[lane].group.time);
        }
        text.clear();
        self.lanes[lane].group.text = text;
    }

    /// Makes a Firehose record of a text, or does with it what is done with one too large.
    #[inline]
    fn record(&mut self, lane: usize, text: &[u8], time: i64) {
        if !self.put(lane, text, time) {
            self.oversize(lane, text, time);
        }
    }

    fn oversize(&mut self, lane: usize, text: &[u8], time: i64) {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let room = self.room() - 1;
        match self.oversize {
            Oversize::Truncate => {
                self.packed.truncated += 1;
                let kept = cut::plain_fitting(text, room - cut::TRUNCATED.len());
                self.part(lane, &text[..kept], cut::TRUNCATED, time);
            }
            Oversize::Split => {
                self.packed.split += 1;
                let parts: Vec<&[u8]> = cut::plain_parts(text, room - cut::MARK_ROOM).collect();
                for (index, part) in parts.iter().enumerate() {
                    let mark = cut::part_mark(index + 1, parts.len());
                    self.part(lane, part, &mark, time);
                }
            }
        }
    }

    fn part(&mut self, lane: usize, text: &[u8], mark: &str, time: i64) {
        let fits = self.put(lane, &[text, mark.as_bytes(), b"\n"].concat(), time);
        assert!(fits, "a part is within the limit");
    }

    /// Puts a Firehose record into the request, if it is within the limit as it is sent.
    #[inline]
    fn put(&mut self, lane: usize, text: &[u8], time: i64) -> bool {
        let data = match &mut self.compressor {
            Some(compressor) => {
                compressor.compress(text, &mut self.compressed);
                &self.compressed
            }
            None => text,
        };
        if data.len() > RECORD_BYTES {
            return false;
        }
        let full = self.lanes[lane].put(data, time, self.packed.records);
        self.full.extend(full.map(|batch| (lane, batch)));
        self.packed.records += 1;
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

/// The request up to its first record; the name needs no escape.
fn head(delivery_stream: &str) -> Vec<u8> {
    format!("{{\"DeliveryStreamName\":\"{delivery_stream}\",\"Records\":[").into_bytes()
}

/// One record, before base64 and with its newline: "1,000 KB" in the service's words is 1,000 KiB.
const RECORD_BYTES: usize = 1_024_000;

/// PutRecordBatch: <https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>.
/// The records of a request stay in their order, so their times do not part them.
const LIMITS: Limits = Limits {
    items: 500,
    bytes: 4 * 1024 * 1024,
    span_ms: None,
};

#[cfg(test)]
mod tests;
