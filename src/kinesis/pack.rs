//! Texts -> Kinesis records -> requests.
//!
//! A Kinesis record holds one text, or several texts of one partition key. Texts are joined by newlines
//! (`simple_aggregation`) or in the KPL's format (`aggregation`). Texts without a partition key are joined
//! too, and each of their records has a new random key.
//!
//! An ordinal is the number of a text, or of a part of a large text. It depends on the chunk only, so it
//! is the same on each retry.

mod groups;
mod join;
mod large;
mod request;

use std::sync::Arc;

use self::groups::Groups;
use self::request::Request;
use super::partition_key::RANDOM_BYTES;
use crate::batch::Batch;
use crate::batch::Packed;
use crate::batch::compress::{Compression, Compressor, max_incompressible_len};
use crate::batch::joined::Joined;
use crate::batch::oversize::Oversize;
use crate::delivery::ledger::PendingItems;

/// How texts become Kinesis records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packing {
    /// Which texts are joined into a Kinesis record.
    pub join: Join,
    /// The compression of the data.
    pub compression: Option<Compression>,
    /// How a text is sent that is too large for a Kinesis record.
    pub oversize: Oversize,
    /// Maximum size in bytes of a Kinesis record: its data and its partition key.
    pub record_bytes: usize,
    /// Appends a newline to each text.
    pub newline: bool,
}

/// Which texts are joined into a Kinesis record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Join {
    /// Each text is a record.
    Never,
    /// Texts of one partition key are joined by newlines and compressed together.
    Lines,
    /// Texts of one partition key are user records in the KPL's format, each compressed separately.
    Kpl,
}

/// Packs the texts of one chunk.
#[derive(Debug)]
pub struct Packer {
    packing: Packing,
    compressor: Option<Compressor>,
    /// A buffer for the data of a record.
    data: Vec<u8>,
    groups: Groups,
    request: Request,
    pending: Option<Arc<PendingItems>>,
    /// The ordinal of the next text if texts are joined. Otherwise `packed.records` is the next ordinal.
    next: u32,
    joined: Joined,
    packed: Packed,
}

impl Packer {
    /// Starts a chunk. On a retry only the items in `pending` are packed.
    #[must_use]
    pub fn new(packing: Packing, stream: &str, pending: Option<Arc<PendingItems>>) -> Self {
        let joins = packing.join != Join::Never;
        // If texts are joined, pending texts are selected before they are joined.
        let only = pending.clone().filter(|_| !joins);
        Self {
            packing,
            compressor: packing.compression.map(Compressor::new),
            data: Vec::new(),
            groups: Groups::default(),
            request: Request::new(stream, joins, only),
            pending,
            next: 0,
            joined: Joined::default(),
            packed: Packed::default(),
        }
    }

    /// Whether an item may hold several texts.
    #[must_use]
    pub fn joins(&self) -> bool {
        self.packing.join != Join::Never
    }

    /// Whether this many requests are full, or the full requests reach `ROUND_BYTES`.
    #[must_use]
    pub fn has_full(&self, requests: usize) -> bool {
        let full = self.request.full();
        full >= requests || full > 1 && self.request.full_bytes() >= ROUND_BYTES
    }

    /// Returns the full requests.
    pub fn take_full(&mut self) -> Vec<Batch> {
        self.request.take_full()
    }

    /// Returns all remaining requests at the end of the chunk. Nothing may be packed afterwards.
    pub fn finish(&mut self) -> Vec<Batch> {
        self.close_groups();
        self.request.close();
        self.take_full()
    }

    /// The counts so far.
    #[must_use]
    pub fn packed(&self) -> Packed {
        self.packed
    }

    /// The ordinals of the texts in an item of a batch, if texts are joined.
    ///
    /// # Panics
    ///
    /// If no batch with this item was returned.
    #[must_use]
    pub fn texts(&self, item: u32) -> Vec<u32> {
        self.joined.texts(item).to_vec()
    }

    /// Packs a text, which includes its newline, under its partition key.
    #[inline]
    pub fn text(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        match self.packing.join {
            Join::Never => self.record(key, text, time),
            Join::Lines => self.join_line(key, text, time),
            Join::Kpl => self.join_user_record(key, text, time),
        }
    }

    /// Returns the ordinal of the next text; `None` if an earlier attempt completed it.
    fn take_ordinal(&mut self) -> Option<u32> {
        let ordinal = self.next;
        self.next += 1;
        let pending = self.pending.as_ref();
        let is_pending = pending.is_none_or(|pending| pending.contains(ordinal));
        is_pending.then_some(ordinal)
    }

    /// Makes a Kinesis record of a text, or truncates or splits it if it is too large.
    #[inline]
    fn record(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        if !self.put(key, text, time) {
            self.oversize(key, text, time);
        }
    }

    /// Adds a text to the request as one record. Returns `false` if its data is beyond the limit.
    #[inline]
    fn put(&mut self, key: Option<&str>, text: &[u8], time: i64) -> bool {
        let mut buffer = std::mem::take(&mut self.data);
        let data = compressed(&mut self.compressor, text, &mut buffer);
        let fits = data.len() <= self.room(key);
        if fits && !self.joins() {
            self.request.add(key, data, time, self.packed.records);
            self.packed.records += 1;
        } else if fits && let Some(ordinal) = self.take_ordinal() {
            self.put_joined(key, data, time, &[ordinal]);
        }
        self.data = buffer;
        fits
    }

    fn put_joined(&mut self, key: Option<&str>, data: &[u8], time: i64, ordinals: &[u32]) {
        self.request.add(key, data, time, self.packed.records);
        self.joined.add(ordinals);
        self.packed.records += 1;
    }

    /// Maximum length of the data of a record with this key.
    fn room(&self, key: Option<&str>) -> usize {
        self.packing.record_bytes - key.map_or(RANDOM_BYTES, str::len)
    }

    /// Maximum length of a text that fits into a record with this key for any content.
    fn room_for_any_text(&self, key: Option<&str>) -> usize {
        match self.compressor {
            Some(_) => max_incompressible_len(self.room(key)),
            None => self.room(key),
        }
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

/// Full requests are sent when they have this many bytes together, before base64. This limits the memory
/// to that of Data Firehose, whose requests are smaller.
const ROUND_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
