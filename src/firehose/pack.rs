//! Texts -> Firehose records -> requests.
//!
//! Texts are joined as the Go plugin does with `simple_aggregation`, then compressed, then base64-encoded
//! into the body of their request. An ordinal is the number of a text, or of a part of a large text. It
//! depends on the chunk only, so it is the same on each retry, for any delivery streams and any joining.

use std::sync::Arc;

use base64_simd::STANDARD;

use crate::batch::compress::{Compression, Compressor, max_incompressible_len};
use crate::batch::joined::Joined;
use crate::batch::oversize::{self, Oversize};
use crate::batch::{Batch, BatchBuilder, Limits, Packed, Rest};
use crate::delivery::ledger::PendingItems;

/// How texts become Firehose records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packing {
    /// Joins texts.
    pub aggregate: bool,
    /// Compresses Firehose records.
    pub compression: Option<Compression>,
    /// How a text is sent that is too large for a Firehose record.
    pub oversize: Oversize,
}

/// Packs the texts of one chunk.
#[derive(Debug)]
pub struct Packer {
    aggregate: bool,
    oversize: Oversize,
    compressor: Option<Compressor>,
    compressed: Vec<u8>,
    targets: Vec<Target>,
    full: Vec<(usize, Batch)>,
    pending: Option<Arc<PendingItems>>,
    /// The ordinal of the next text if texts are joined. Otherwise `packed.records` is the next ordinal.
    next: u32,
    joined: Joined,
    packed: Packed,
}

/// The open request of one delivery stream.
#[derive(Debug)]
struct Target {
    open: BatchBuilder,
    group: Group,
}

/// Texts that are joined into one Firehose record.
#[derive(Debug, Default)]
struct Group {
    text: Vec<u8>,
    /// The ordinals of the texts.
    ordinals: Vec<u32>,
    /// The time of the first text.
    time: i64,
    /// The number of bytes joined for the open request.
    request: usize,
}

impl Packer {
    /// Starts a chunk. On a retry only the items in `pending` are packed.
    #[must_use]
    pub fn new(packing: Packing, pending: Option<Arc<PendingItems>>) -> Self {
        Self {
            pending,
            aggregate: packing.aggregate,
            oversize: packing.oversize,
            compressor: packing.compression.map(Compressor::new),
            compressed: Vec::new(),
            targets: Vec::new(),
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

    /// The number of delivery streams. It is also the index of the next one.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// Adds a delivery stream.
    pub fn add_target(&mut self, delivery_stream: &str) {
        // If texts are joined, pending texts are selected before they are joined.
        let only = self.pending.clone().filter(|_| !self.aggregate);
        let open = BatchBuilder::new(LIMITS, &head(delivery_stream), only);
        self.targets.push(Target {
            open,
            group: Group::default(),
        });
    }

    /// Packs a text, which includes its newline, for a delivery stream.
    #[inline]
    pub fn text(&mut self, target: usize, text: &[u8], time: i64) {
        if !self.aggregate {
            return self.record(target, text, time);
        }
        if text.len() > self.room() {
            self.begin_alone(target);
            return self.record(target, text, time);
        }
        let ordinal = self.next;
        self.next += 1;
        if self.is_pending(ordinal) {
            self.join(target, text, time, ordinal);
        }
    }

    /// Closes the joined record before a text that is too large, or that is sent in parts.
    pub fn begin_alone(&mut self, target: usize) {
        if !self.aggregate {
            return;
        }
        self.begin_request(target, self.room());
        self.close(target);
    }

    fn is_pending(&self, ordinal: u32) -> bool {
        let pending = self.pending.as_ref();
        pending.is_none_or(|pending| pending.contains(ordinal))
    }

    /// The number of full requests.
    #[must_use]
    pub fn full(&self) -> usize {
        self.full.len()
    }

    /// Returns the full requests with the indexes of their delivery streams.
    pub fn take_full(&mut self) -> Vec<(usize, Batch)> {
        std::mem::take(&mut self.full)
    }

    /// Returns all remaining requests at the end of the chunk. Nothing may be packed afterwards.
    pub fn finish(&mut self) -> Vec<(usize, Batch)> {
        for target in 0..self.targets.len() {
            self.close(target);
        }
        let mut full = self.take_full();
        for (number, target) in self.targets.drain(..).enumerate() {
            full.extend(target.open.finish().map(|batch| (number, batch)));
        }
        full
    }

    /// The texts that have not been returned in a batch.
    #[must_use]
    pub fn rest(&self) -> Rest {
        let mut rest = Rest {
            next: match self.aggregate {
                true => self.next,
                false => self.packed.records,
            },
            ..Rest::default()
        };
        for target in &self.targets {
            rest.add(target.open.items());
        }
        rest.open = self.texts(rest.open);
        for Target { group, .. } in &self.targets {
            rest.open.extend_from_slice(&group.ordinals);
            let time = (!group.ordinals.is_empty()).then_some(group.time);
            rest.oldest = [rest.oldest, time].into_iter().flatten().min();
        }
        rest
    }

    /// The ordinals of the texts in these items of batches. Without joining these are the items' ordinals.
    #[must_use]
    pub fn texts(&self, items: Vec<u32>) -> Vec<u32> {
        if !self.aggregate {
            return items;
        }
        let texts = items.iter().map(|item| self.joined.texts(*item));
        texts.flatten().copied().collect()
    }

    /// The counts so far.
    #[must_use]
    pub fn packed(&self) -> Packed {
        self.packed
    }

    fn join(&mut self, target: usize, text: &[u8], time: i64, ordinal: u32) {
        let begins = self.begin_request(target, text.len());
        if begins || self.targets[target].group.text.len() + text.len() > self.room() {
            self.close(target);
        }
        let group = &mut self.targets[target].group;
        if group.text.is_empty() {
            group.time = time;
        }
        group.text.extend_from_slice(text);
        group.ordinals.push(ordinal);
    }

    /// Whether this many bytes start a new request. The Go plugin then also starts a new record, which fills
    /// requests to the limit.
    fn begin_request(&mut self, target: usize, bytes: usize) -> bool {
        let request = &mut self.targets[target].group.request;
        let begins = self.compressor.is_none() && *request + bytes > LIMITS.bytes;
        if begins {
            *request = 0;
        }
        *request += bytes;
        begins
    }

    /// Makes a Firehose record of the joined texts.
    fn close(&mut self, target: usize) {
        let group = &mut self.targets[target].group;
        if group.text.is_empty() {
            return;
        }
        let mut group = std::mem::take(group);
        let data = compressed(&mut self.compressor, &group.text, &mut self.compressed);
        self.joined.add(&group.ordinals);
        let full = self.targets[target].put(data, group.time, self.packed.records);
        self.full.extend(full.map(|batch| (target, batch)));
        self.packed.records += 1;
        group.text.clear();
        group.ordinals.clear();
        self.targets[target].group = group;
    }

    /// Makes a Firehose record of a text, or truncates or splits it if it is too large.
    #[inline]
    fn record(&mut self, target: usize, text: &[u8], time: i64) {
        if !self.put(target, text, time) {
            self.oversize(target, text, time);
        }
    }

    /// How a text is sent that is too large for a record.
    #[must_use]
    pub fn for_oversize(&self) -> Oversize {
        self.oversize
    }

    /// Maximum length of a text. A longer text is too large, or is not compressed to find out.
    #[must_use]
    pub fn max_text(&self) -> usize {
        match self.compressor {
            Some(_) => MAX_COMPRESSED_TEXT,
            None => RECORD_BYTES,
        }
    }

    /// Maximum length of a part, without its mark and its newline.
    #[must_use]
    pub fn part_room(&self) -> usize {
        self.room() - 1 - oversize::MARK_ROOM
    }

    /// Counts a text that is sent in parts.
    pub fn count_split(&mut self) {
        self.packed.split += 1;
    }

    fn oversize(&mut self, target: usize, text: &[u8], time: i64) {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        match self.oversize {
            Oversize::Truncate => self.truncated(target, text, time),
            Oversize::Split => {
                self.count_split();
                let count = oversize::plain_parts(text, self.part_room()).count();
                for (index, part) in oversize::plain_parts(text, self.part_room()).enumerate() {
                    self.part(target, part, &oversize::part_mark(index + 1, count), time);
                }
            }
        }
    }

    /// Packs the beginning of a text that is too large, with a mark.
    pub fn truncated(&mut self, target: usize, text: &[u8], time: i64) {
        self.packed.truncated += 1;
        let kept = oversize::plain_fitting(text, self.room() - 1 - oversize::TRUNCATED.len());
        self.part(target, &text[..kept], oversize::TRUNCATED, time);
    }

    /// Packs a part of a text with its mark.
    ///
    /// # Panics
    ///
    /// If the part is longer than [`Packer::part_room`].
    pub fn part(&mut self, target: usize, text: &[u8], mark: &str, time: i64) {
        let fits = self.put(target, &[text, mark.as_bytes(), b"\n"].concat(), time);
        assert!(fits, "a part is within the limit");
    }

    /// Adds a Firehose record to the request. Returns `false` if its data is beyond the limit.
    #[inline]
    fn put(&mut self, target: usize, text: &[u8], time: i64) -> bool {
        if self.aggregate {
            return self.put_alone(target, text, time);
        }
        let data = compressed(&mut self.compressor, text, &mut self.compressed);
        if data.len() > RECORD_BYTES {
            return false;
        }
        let full = self.targets[target].put(data, time, self.packed.records);
        self.full.extend(full.map(|batch| (target, batch)));
        self.packed.records += 1;
        true
    }

    /// Like [`Packer::put`], for a text that is not joined while other texts are.
    #[cold]
    fn put_alone(&mut self, target: usize, text: &[u8], time: i64) -> bool {
        let data = compressed(&mut self.compressor, text, &mut self.compressed);
        if data.len() > RECORD_BYTES {
            return false;
        }
        let ordinal = self.next;
        self.next += 1;
        let pending = self.pending.as_ref();
        if pending.is_none_or(|pending| pending.contains(ordinal)) {
            self.joined.add(&[ordinal]);
            let full = self.targets[target].put(data, time, self.packed.records);
            self.full.extend(full.map(|batch| (target, batch)));
            self.packed.records += 1;
        }
        true
    }

    /// Maximum length of a text that fits into a Firehose record for any content.
    fn room(&self) -> usize {
        match self.compressor {
            Some(_) => max_incompressible_len(RECORD_BYTES),
            None => RECORD_BYTES,
        }
    }
}

impl Target {
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

/// Returns the text, compressed if there is a compressor.
#[inline]
fn compressed<'t>(
    compressor: &mut Option<Compressor>,
    text: &'t [u8],
    buffer: &'t mut Vec<u8>,
) -> &'t [u8] {
    match compressor {
        Some(compressor) => {
            compressor.compress(text, buffer);
            buffer
        }
        None => text,
    }
}

/// The request body up to its first record. A valid name contains no characters to escape.
fn head(delivery_stream: &str) -> Vec<u8> {
    format!("{{\"DeliveryStreamName\":\"{delivery_stream}\",\"Records\":[").into_bytes()
}

/// Maximum size of a record before base64, with its newline. The service's "1,000 KB" are 1,000 KiB.
const RECORD_BYTES: usize = 1_024_000;

/// Maximum length of a text that is compressed as a whole. A longer text is treated as too large, so that
/// it is never in memory as a whole.
const MAX_COMPRESSED_TEXT: usize = 8 * 1024 * 1024;

/// Limits of PutRecordBatch: <https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>.
/// The service has no limit on the time span of a request.
const LIMITS: Limits = Limits {
    items: 500,
    bytes: 4 * 1024 * 1024,
    span_ms: None,
};

#[cfg(test)]
mod tests;
