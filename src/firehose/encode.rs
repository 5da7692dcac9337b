//! Records -> PutRecordBatch requests for their delivery streams.
//!
//! A record's text is written once and encoded once, into the body of its request. A text beyond the
//! limit is written up to the limit. It is then truncated, or written again in parts.

use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::Packed;
use crate::batch::oversize::Oversize;
use crate::batch::{Batch, MAX_OPEN, Rest};
use crate::delivery::ledger::PendingItems;
use crate::destination::ChunkEncoder;
use crate::firehose::options::Config;
use crate::firehose::pack::Packer;
use crate::firehose::route::Streams;
use crate::json::parts::{NumberedParts, Parts};
use crate::json::record_text::Writer;
use crate::pipeline::TimeLimit;
use crate::record::chunk_reader::{Record, Records};
use crate::telemetry::encode_stats::{EncodeStats, Note};
use crate::telemetry::metrics::descriptors::{Id, SkipReason};

/// How the records of a chunk were encoded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Firehose records made, and texts truncated or split for them.
    pub packed: Packed,
    /// Records without any of `log_key`'s keys.
    pub skipped: usize,
    /// Values skipped because they are nested too deeply.
    pub too_deep: usize,
    /// Values in the chunk that are not records.
    pub undecodable: usize,
    /// Bytes of an incomplete record at the end of the chunk.
    pub torn: usize,
}

/// Encodes one chunk.
#[derive(Debug)]
pub struct Encoder<'c> {
    streams: Streams<'c>,
    writer: Writer<'c>,
    packer: Packer,
    text: Vec<u8>,
    /// A text that is sent in parts, until its last part is packed.
    pending_parts: Option<PendingParts<'c>>,
    counts: Counts,
    time: TimeLimit,
    is_done: bool,
}

impl<'c> ChunkEncoder<'c> for Encoder<'c> {
    type Target = str;

    fn stop_at(&mut self, deadline: Instant) {
        self.time.stop_at(deadline);
    }

    /// Only the batches of the current requests are encoded, so the memory of a chunk in delivery is that
    /// of the requests in flight. A chunk with very many delivery streams is encoded in sections: when
    /// there are too many open batches, all of them are returned, and later records start new batches.
    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)> {
        loop {
            let (batches, ended) = self.section(records, requests);
            // On a retry a section may have no pending items. Encoding then continues with the next section.
            self.is_done = ended;
            if ended || !batches.is_empty() || self.time.was_up() {
                return batches;
            }
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn target(&self, number: usize) -> &str {
        self.streams.name(number)
    }

    fn first_target(&self) -> usize {
        self.streams.first()
    }

    fn finish(self, records: &Records<'c>) -> EncodeStats {
        let (counts, (fallbacks, missing)) = self.into_counts(records);
        stats(&counts, fallbacks, missing)
    }

    fn events(&self, item: u32) -> Option<Vec<u32>> {
        self.packer.joins().then(|| self.packer.texts(vec![item]))
    }
}

/// A text that is sent in parts. A round packs only as many parts as it has requests for, so a text of
/// any size takes the memory of a few requests.
#[derive(Debug)]
struct PendingParts<'c> {
    target: usize,
    time: i64,
    parts: NumberedParts<'c>,
}

impl<'c> Encoder<'c> {
    /// Starts a chunk. On a retry only the items in `pending` are packed.
    #[must_use]
    pub fn new(
        config: &'c Config,
        streams: Streams<'c>,
        pending: Option<Arc<PendingItems>>,
    ) -> Self {
        let packer = Packer::new(config.packing, pending);
        Self {
            streams,
            // A newline is appended to each text.
            writer: Writer::new(&config.shape, packer.max_text() - 1),
            packer,
            text: Vec::new(),
            pending_parts: None,
            counts: Counts::default(),
            time: TimeLimit::default(),
            is_done: false,
        }
    }

    /// Encodes records until `requests` requests are full, there are too many open batches, or the time
    /// is up. Returns the full batches and whether the chunk has ended.
    fn section(
        &mut self,
        records: &mut Records<'c>,
        requests: usize,
    ) -> (Vec<(usize, Batch)>, bool) {
        if self.packer.targets() == 0 {
            self.streams.forget();
        }
        let first = self.streams.first();
        let mut ended = false;
        let batches = loop {
            if self.packer.full() >= requests {
                break self.packer.take_full();
            }
            if self.pending_parts.is_some() && self.pack_next_part() {
                continue;
            }
            if self.packer.targets() >= MAX_OPEN {
                break self.packer.finish();
            }
            if self.time.is_up(records) {
                break self.packer.take_full();
            }
            let Some(record) = records.next() else {
                ended = true;
                break self.packer.finish();
            };
            self.record(&record);
        };
        let batches = batches.into_iter();
        let batches = batches.map(|(target, batch)| (first + target, batch));
        (batches.collect(), ended)
    }

    /// The items that [`Encoder::round`] has not returned, when no more rounds are made.
    #[must_use]
    pub fn rest(&self) -> Rest {
        self.packer.rest()
    }

    /// The ordinals of the texts in these items of batches. An item may hold several texts. The pending
    /// items of a chunk and [`Encoder::rest`] use the ordinals of texts.
    #[must_use]
    pub fn texts(&self, items: Vec<u32>) -> Vec<u32> {
        self.packer.texts(items)
    }

    /// How the records were encoded, how many went to the default delivery stream, and a variable that
    /// had no value for the name of a delivery stream.
    fn into_counts(mut self, records: &Records<'c>) -> (Counts, (usize, Option<String>)) {
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
        let number = self.streams.number(record);
        let target = number - self.streams.first();
        if target == self.packer.targets() {
            self.packer.add_target(self.streams.name(number));
        }
        let time = record.time.millis();
        if self.text.len() >= self.packer.max_text() {
            return self.oversize(*record, target, time);
        }
        self.text.push(b'\n');
        self.packer.text(target, &self.text, time);
    }

    /// Truncates or splits a text whose beginning has been written.
    #[cold]
    fn oversize(&mut self, record: Record<'c, '_>, target: usize, time: i64) {
        self.packer.begin_alone(target);
        if self.packer.for_oversize() == Oversize::Truncate {
            self.packer.truncated(target, &self.text, time);
            return self.text.shrink_to(MAX_KEPT_BYTES);
        }
        self.text = Vec::new();
        self.packer.count_split();
        let room = self.packer.part_room();
        let parts = || Parts::plain(self.writer.pieces(&record), room);
        self.pending_parts = Some(PendingParts {
            target,
            time,
            parts: NumberedParts::new(parts),
        });
    }

    /// Packs the next part of a text; `false` if there is none.
    fn pack_next_part(&mut self) -> bool {
        let Some(pending) = &mut self.pending_parts else {
            return false;
        };
        let Some((part, mark)) = pending.parts.next() else {
            self.writer.count_too_deep(pending.parts.too_deep());
            self.pending_parts = None;
            return false;
        };
        self.packer.part(pending.target, part, &mark, pending.time);
        true
    }
}

/// The counts and log lines of a chunk.
fn stats(counts: &Counts, fallbacks: usize, missing: Option<String>) -> EncodeStats {
    let Counts {
        packed,
        skipped,
        too_deep,
        undecodable,
        torn,
    } = *counts;
    let Packed {
        truncated, split, ..
    } = packed;
    let to = "the default delivery stream, as a variable of the name had no value";
    let notes = vec![
        Note::fallback(fallbacks, 0, to, missing.unwrap_or_default()),
        Note::warning(
            skipped,
            SkipReason::NoLogKey,
            "records skipped: they have no key of `log_key`",
        ),
        Note::warning(
            truncated,
            Id::Truncated,
            "records cut to the service's 1,000 KiB",
        ),
        Note::warning(
            split,
            Id::Split,
            "records sent in parts: they are larger than the service's 1,000 KiB",
        ),
        Note::warning(
            too_deep,
            Id::TooDeep,
            "values left out: they are nested too deeply",
        ),
    ];
    EncodeStats {
        notes,
        undecodable,
        torn,
    }
}

/// Maximum capacity in bytes of the text buffer that is kept for the next text.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
