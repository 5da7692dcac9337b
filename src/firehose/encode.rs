//! Records -> requests for their delivery streams.
//!
//! A record's text is written once and encoded once, into the body of the request it will travel in.

use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::Batch;
use crate::decode::{Record, Records};
use crate::firehose::options::Config;
use crate::firehose::pack::{Packed, Packer};
use crate::firehose::route::Streams;
use crate::firehose::shape::Writer;
use crate::ledger::Left;
use crate::pipeline::{Encode, TimeLimit};

/// What happened to records on the way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Firehose records made, and what was cut for them.
    pub packed: Packed,
    /// Records without any of `log_key`'s keys.
    pub skipped: usize,
    /// Values nested too deeply to be written.
    pub too_deep: usize,
    /// Values in the chunk that were no records.
    pub undecodable: usize,
    /// Bytes at the chunk's end that were no record.
    pub torn: usize,
}

/// Encodes one chunk.
#[derive(Debug)]
pub struct Encoder<'c> {
    streams: Streams<'c>,
    writer: Writer<'c>,
    packer: Packer,
    text: Vec<u8>,
    counts: Counts,
    time: TimeLimit,
    is_done: bool,
}

impl<'c> Encode<'c> for Encoder<'c> {
    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)> {
        Self::round(self, records, requests)
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

impl<'c> Encoder<'c> {
    /// Begins a chunk, of which only what is `left` is written if it has been tried before.
    #[must_use]
    pub fn new(config: &'c Config, streams: Streams<'c>, left: Option<Arc<Left>>) -> Self {
        Self {
            streams,
            writer: Writer::new(&config.shape),
            packer: Packer::new(config.packing, left),
            text: Vec::new(),
            counts: Counts::default(),
            time: TimeLimit::default(),
            is_done: false,
        }
    }

    /// Encodes no further records from this moment on.
    pub fn stop_at(&mut self, deadline: Instant) {
        self.time.stop_at(deadline);
    }

    /// Encodes records until so many requests are full, or the chunk ends; batches with their delivery
    /// streams' numbers.
    ///
    /// What is not yet to be sent is not yet encoded either, so that a chunk in delivery takes the
    /// memory of the requests that are under way. Nothing is returned when nothing is left.
    pub fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)> {
        while self.packer.full() < requests && !self.time.is_up(records) {
            let Some(record) = records.next() else {
                self.is_done = true;
                return self.packer.finish();
            };
            self.record(&record);
        }
        self.packer.take_full()
    }

    /// A delivery stream's name by its number.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.streams.name(number)
    }

    /// What happened to the records; how many went to the default delivery stream, and an item that
    /// had no value for one.
    #[must_use]
    pub fn finish(mut self, records: &Records<'c>) -> (Counts, (usize, Option<String>)) {
        if self.is_done {
            self.counts.torn = records.torn();
        }
        self.counts.undecodable = records.undecodable();
        self.counts.too_deep = self.writer.too_deep();
        self.counts.packed = self.packer.packed();
        let (fallbacks, missing) = self.streams.fallbacks();
        (self.counts, (fallbacks, missing.map(str::to_owned)))
    }

    fn record(&mut self, record: &Record<'c, '_>) {
        self.text.clear();
        if !self.writer.write(record, &mut self.text) {
            self.counts.skipped += 1;
            return;
        }
        self.text.push(b'\n');
        let number = self.streams.number(record);
        if number == self.packer.lanes() {
            self.packer.add_lane(self.streams.name(number));
        }
        self.packer.text(number, &self.text, record.time.millis());
    }
}
