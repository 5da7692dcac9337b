//! Records -> requests for their delivery streams.
//!
//! A record's text is written once and encoded once, into the body of the request it will travel in.

use std::sync::Arc;

use crate::batch::Batch;
use crate::decode::{Record, Records};
use crate::firehose::options::Config;
use crate::firehose::pack::{Packed, Packer};
use crate::firehose::route::Streams;
use crate::firehose::shape::Writer;
use crate::ledger::Left;

/// What a chunk became.
#[derive(Debug, Default)]
pub struct Encoded {
    /// The batches of each delivery stream, in their order.
    pub streams: Vec<(String, Vec<Batch>)>,
    /// What happened on the way.
    pub counts: Counts,
    /// Records that went to the default delivery stream, and an item that had no value for one.
    pub fallbacks: (usize, Option<String>),
}

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
    expected: usize,
    counts: Counts,
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
            expected: 0,
            counts: Counts::default(),
        }
    }

    /// Encodes every record of the chunk.
    #[must_use]
    pub fn chunk(mut self, chunk: &'c [u8]) -> Encoded {
        self.expected = chunk.len();
        let mut records = Records::new(chunk);
        while let Some(record) = records.next() {
            self.record(&record);
        }
        self.counts.torn = records.torn();
        self.counts.undecodable = records.undecodable();
        self.counts.too_deep = self.writer.too_deep();
        let (fallbacks, missing) = self.streams.fallbacks();
        let fallbacks = (fallbacks, missing.map(str::to_owned));
        let (batches, packed) = self.packer.finish();
        self.counts.packed = packed;
        Encoded {
            streams: self.streams.into_names().into_iter().zip(batches).collect(),
            counts: self.counts,
            fallbacks,
        }
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
            // The first is most often the only one; the others grow as they must.
            let expected = if number == 0 { self.expected } else { 0 };
            self.packer.add_lane(self.streams.name(number), expected);
        }
        self.packer.text(number, &self.text, record.time.millis());
    }
}
