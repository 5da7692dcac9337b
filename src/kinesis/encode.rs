//! Records -> PutRecords requests for a Kinesis data stream.
//!
//! A record's text is written once and encoded once, into the body of its request. A text beyond the
//! limit is written up to the limit. It is then truncated, or written again in parts.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::Batch;
use crate::batch::Packed;
use crate::batch::oversize::Oversize;
use crate::delivery::ledger::PendingItems;
use crate::destination::ChunkEncoder;
use crate::json::parts::{NumberedParts, Parts};
use crate::json::record_text::Writer;
use crate::kinesis::options::Config;
use crate::kinesis::pack::Packer;
use crate::pipeline::TimeLimit;
use crate::record::chunk_reader::{Record, Records};
use crate::telemetry::encode_stats::{EncodeStats, Note};
use crate::telemetry::metrics::descriptors::{Id, SkipReason};

/// How the records of a chunk were encoded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Kinesis records made, and texts truncated or split for them.
    pub packed: Packed,
    /// Records without any of `log_key`'s keys.
    pub skipped: usize,
    /// Records with a random partition key, because they have no text under `partition_key`.
    pub keyless: usize,
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
    config: &'c Config,
    writer: Writer<'c>,
    packer: Packer,
    text: Vec<u8>,
    /// A text that is sent in parts, until its last part is packed.
    pending_parts: Option<PendingParts<'c>>,
    counts: Counts,
    time: TimeLimit,
    is_done: bool,
}

/// A text that is sent in parts. A round packs only as many parts as it has requests for, so a text of
/// any size takes the memory of a few requests.
#[derive(Debug)]
struct PendingParts<'c> {
    key: Option<Cow<'c, str>>,
    time: i64,
    parts: NumberedParts<'c>,
}

impl<'c> ChunkEncoder<'c> for Encoder<'c> {
    type Target = str;

    fn stop_at(&mut self, deadline: Instant) {
        self.time.stop_at(deadline);
    }

    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)> {
        let batches = self.batches(records, requests).into_iter();
        batches.map(|batch| (0, batch)).collect()
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn target(&self, _number: usize) -> &str {
        &self.config.stream
    }

    fn first_target(&self) -> usize {
        0
    }

    fn finish(self, records: &Records<'c>) -> EncodeStats {
        let key = self.config.partition_key.text();
        let missing = format!("they have no text under `partition_key`, which is `{key}`");
        stats(&self.into_counts(records), missing)
    }

    fn events(&self, item: u32) -> Option<Vec<u32>> {
        self.packer.joins().then(|| self.packer.texts(item))
    }
}

impl<'c> Encoder<'c> {
    /// Starts a chunk. On a retry only the items in `pending` are packed.
    #[must_use]
    pub fn new(config: &'c Config, pending: Option<Arc<PendingItems>>) -> Self {
        let packer = Packer::new(config.packing, &config.stream, pending);
        Self {
            config,
            // A newline may be appended to each text.
            writer: Writer::new(&config.shape, packer.max_text() - 1),
            packer,
            text: Vec::new(),
            pending_parts: None,
            counts: Counts::default(),
            time: TimeLimit::default(),
            is_done: false,
        }
    }

    /// How the records were encoded.
    fn into_counts(mut self, records: &Records<'c>) -> Counts {
        if self.is_done {
            self.counts.torn = records.torn();
        }
        self.counts.undecodable = records.undecodable();
        self.counts.too_deep = self.writer.too_deep();
        self.counts.packed = self.packer.packed();
        self.counts
    }

    /// Encodes records until `requests` requests are full, the chunk ends, or the time is up.
    ///
    /// Only the batches of the current requests are encoded, so the memory of a chunk in delivery is that
    /// of the requests in flight. Returns no batches at the end.
    fn batches(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<Batch> {
        loop {
            if self.packer.has_full(requests) {
                return self.packer.take_full();
            }
            if self.pending_parts.is_some() && self.pack_next_part() {
                continue;
            }
            if self.time.is_up(records) {
                return self.packer.take_full();
            }
            let Some(record) = records.next() else {
                self.is_done = true;
                return self.packer.finish();
            };
            self.record(&record);
        }
    }

    fn record(&mut self, record: &Record<'c, '_>) {
        self.text.clear();
        if !self.writer.write(record, &mut self.text) {
            self.counts.skipped += 1;
            return;
        }
        let partition_key = &self.config.partition_key;
        let key = partition_key.find(record);
        if key.is_none() && !partition_key.is_random() {
            self.counts.keyless += 1;
        }
        let time = record.time.millis();
        if self.text.len() >= self.packer.max_text() {
            return self.oversize(*record, key, time);
        }
        if self.config.packing.newline {
            self.text.push(b'\n');
        }
        self.packer.text(key.as_deref(), &self.text, time);
    }

    /// Truncates or splits a text whose beginning has been written.
    #[cold]
    fn oversize(&mut self, record: Record<'c, '_>, key: Option<Cow<'c, str>>, time: i64) {
        self.packer.begin_alone(key.as_deref());
        if self.packer.for_oversize() == Oversize::Truncate {
            self.packer.truncated(key.as_deref(), &self.text, time);
            return self.text.shrink_to(MAX_KEPT_BYTES);
        }
        self.text = Vec::new();
        self.packer.count_split();
        let room = self.packer.part_room();
        let parts = || Parts::plain(self.writer.pieces(&record), room);
        self.pending_parts = Some(PendingParts {
            key,
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
        let key = pending.key.as_deref();
        self.packer.part(key, part, &mark, pending.time);
        true
    }
}

/// The counts and log lines of a chunk.
fn stats(counts: &Counts, missing: String) -> EncodeStats {
    let Counts {
        packed,
        skipped,
        keyless,
        too_deep,
        undecodable,
        torn,
    } = *counts;
    let Packed {
        truncated, split, ..
    } = packed;
    let notes = vec![
        Note::fallback(keyless, 0, "shards chosen at random", missing),
        Note::warning(
            skipped,
            SkipReason::NoLogKey,
            "records skipped: they have no key of `log_key`",
        ),
        Note::warning(
            truncated,
            Id::Truncated,
            "records cut to `max_record_bytes`",
        ),
        Note::warning(
            split,
            Id::Split,
            "records sent in parts: they are larger than `max_record_bytes`",
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
