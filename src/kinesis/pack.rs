//! Texts -> Kinesis records -> requests.
//!
//! A Kinesis record holds one text, or several texts of one partition key: joined by newlines
//! (`simple_aggregation`) or in the KPL's format (`aggregation`). Texts without a partition key share
//! records too, and each of these records has a new random key.
//!
//! An ordinal stands for a text, or for a part of one that is too large. It depends on the chunk alone,
//! so that it means the same in each attempt at the chunk.

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
use crate::batch::compress::{Compression, Compressor, surely_within};
use crate::batch::joined::Joined;
use crate::batch::oversize::Oversize;
use crate::delivery::ledger::PendingItems;

/// How texts become Kinesis records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packing {
    /// Which texts share a Kinesis record.
    pub join: Join,
    /// How data is compressed.
    pub compression: Option<Compression>,
    /// What is done with a text that is too large for a Kinesis record.
    pub oversize: Oversize,
    /// The most bytes of a Kinesis record's data and partition key together.
    pub record_bytes: usize,
    /// Each text ends in a newline.
    pub newline: bool,
}

/// Which texts share a Kinesis record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Join {
    /// Each text has a record of its own.
    Never,
    /// Texts of one partition key are joined by newlines, and compressed together.
    Lines,
    /// Texts of one partition key, each compressed alone, are user records of the KPL's format.
    Kpl,
}

/// Packs the texts of one chunk.
#[derive(Debug)]
pub struct Packer {
    packing: Packing,
    compressor: Option<Compressor>,
    /// Room for a record's data while it is made.
    data: Vec<u8>,
    groups: Groups,
    request: Request,
    left: Option<Arc<PendingItems>>,
    /// The ordinal of the next text, where texts are joined. Elsewhere it is the number of the next
    /// record.
    next: u32,
    joined: Joined,
    packed: Packed,
}

impl Packer {
    /// Begins a chunk, of which only what is `left` is packed if it has been tried before.
    #[must_use]
    pub fn new(packing: Packing, stream: &str, left: Option<Arc<PendingItems>>) -> Self {
        let joins = packing.join != Join::Never;
        // What is joined is chosen before.
        let only = left.clone().filter(|_| !joins);
        Self {
            packing,
            compressor: packing.compression.map(Compressor::new),
            data: Vec::new(),
            groups: Groups::default(),
            request: Request::new(stream, joins, only),
            left,
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

    /// Whether so many requests are full, or as many as are held in memory together.
    #[must_use]
    pub fn has_full(&self, requests: usize) -> bool {
        let full = self.request.full();
        full >= requests || full > 1 && self.request.full_bytes() >= ROUND_BYTES
    }

    /// The full requests.
    pub fn take_full(&mut self) -> Vec<Batch> {
        self.request.take_full()
    }

    /// What is left at the chunk's end, after which nothing is packed.
    pub fn finish(&mut self) -> Vec<Batch> {
        self.close_groups();
        self.request.close();
        self.take_full()
    }

    /// What was packed so far.
    #[must_use]
    pub fn packed(&self) -> Packed {
        self.packed
    }

    /// The ordinals of the texts that lie in an item of a batch, where texts are joined.
    ///
    /// # Panics
    ///
    /// For an item that was not handed out.
    #[must_use]
    pub fn texts(&self, item: u32) -> Vec<u32> {
        self.joined.texts(item).to_vec()
    }

    /// Packs a text, its newline included, under its partition key.
    #[inline]
    pub fn text(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        match self.packing.join {
            Join::Never => self.record(key, text, time),
            Join::Lines => self.join_line(key, text, time),
            Join::Kpl => self.join_user_record(key, text, time),
        }
    }

    /// The ordinal of the next text; `None` for one that was delivered when the chunk was tried before.
    fn take_ordinal(&mut self) -> Option<u32> {
        let ordinal = self.next;
        self.next += 1;
        let left = self.left.as_ref();
        let is_left = left.is_none_or(|left| left.contains(ordinal));
        is_left.then_some(ordinal)
    }

    /// Makes a Kinesis record of a text, or does with it what is done with one too large.
    #[inline]
    fn record(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        if !self.put(key, text, time) {
            self.oversize(key, text, time);
        }
    }

    /// Puts a text into the request as a record of its own, if it is within the limit as it is sent.
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

    /// Data that a record of this key may have.
    fn room(&self, key: Option<&str>) -> usize {
        self.packing.record_bytes - key.map_or(RANDOM_BYTES, str::len)
    }

    /// Text that is surely within the limit once it is a record of this key.
    fn sure_room(&self, key: Option<&str>) -> usize {
        match self.compressor {
            Some(_) => surely_within(self.room(key)),
            None => self.room(key),
        }
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

/// Full requests are sent when they have so many bytes together, base64 not counted, so that large
/// records take no more memory than with the smaller requests of Data Firehose.
const ROUND_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
