//! Records -> requests for their delivery streams.
//!
//! A record's text is written once and encoded once, into the body of the request it will travel in.
//! One that is too large is written up to the limit, and then cut there or written anew, a part at a
//! time.

use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::Packed;
use crate::batch::oversize::Oversize;
use crate::batch::{Batch, MOST_OPEN, Rest};
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
    /// A text of which not all parts are packed.
    pending: Option<Pending<'c>>,
    counts: Counts,
    time: TimeLimit,
    is_done: bool,
}

impl<'c> ChunkEncoder<'c> for Encoder<'c> {
    type Target = str;

    fn stop_at(&mut self, deadline: Instant) {
        self.time.stop_at(deadline);
    }

    /// What is not yet to be sent is not yet encoded either, so that a chunk in delivery takes the
    /// memory of the requests that are under way. A chunk of very many delivery streams is encoded in
    /// sections: where there are too many open requests, all of them are handed out, and later records
    /// get new ones.
    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)> {
        loop {
            let (batches, ended) = self.section(records, requests);
            // A section of which nothing is left to send is no reason to stop.
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

/// A text that is being sent in parts. A round packs as many of them as it has requests for, so that
/// a text takes the memory of some requests, however large it is.
#[derive(Debug)]
struct Pending<'c> {
    lane: usize,
    time: i64,
    parts: NumberedParts<'c>,
}

impl<'c> Encoder<'c> {
    /// Begins a chunk, of which only what is `left` is written if it has been tried before.
    #[must_use]
    pub fn new(config: &'c Config, streams: Streams<'c>, left: Option<Arc<PendingItems>>) -> Self {
        let packer = Packer::new(config.packing, left);
        Self {
            streams,
            // The newline comes behind it.
            writer: Writer::new(&config.shape, packer.most_text() - 1),
            packer,
            text: Vec::new(),
            pending: None,
            counts: Counts::default(),
            time: TimeLimit::default(),
            is_done: false,
        }
    }

    /// Encodes records until so many requests are full or there are too many open ones; whether the
    /// chunk has ended.
    fn section(
        &mut self,
        records: &mut Records<'c>,
        requests: usize,
    ) -> (Vec<(usize, Batch)>, bool) {
        if self.packer.lanes() == 0 {
            self.streams.forget();
        }
        let first = self.streams.first();
        let mut ended = false;
        let batches = loop {
            if self.packer.full() >= requests {
                break self.packer.take_full();
            }
            if self.pending.is_some() && self.part() {
                continue;
            }
            if self.packer.lanes() >= MOST_OPEN {
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
        let batches = batches.map(|(lane, batch)| (first + lane, batch));
        (batches.collect(), ended)
    }

    /// What has not been handed out by [`Encoder::round`], where no more rounds are made.
    #[must_use]
    pub fn rest(&self) -> Rest {
        self.packer.rest()
    }

    /// The ordinals that items of batches stand for: an item may hold several texts. What is left of
    /// a chunk is remembered by these, and so are those of [`Encoder::rest`].
    #[must_use]
    pub fn texts(&self, items: Vec<u32>) -> Vec<u32> {
        self.packer.texts(items)
    }

    /// What happened to the records; how many went to the default delivery stream, and an item that
    /// had no value for one.
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
        let lane = number - self.streams.first();
        if lane == self.packer.lanes() {
            self.packer.add_lane(self.streams.name(number));
        }
        let time = record.time.millis();
        if self.text.len() >= self.packer.most_text() {
            return self.oversize(*record, lane, time);
        }
        self.text.push(b'\n');
        self.packer.text(lane, &self.text, time);
    }

    /// Decides about a text of which the beginning is written.
    #[cold]
    fn oversize(&mut self, record: Record<'c, '_>, lane: usize, time: i64) {
        self.packer.begin_alone(lane);
        if self.packer.for_oversize() == Oversize::Truncate {
            self.packer.truncated(lane, &self.text, time);
            return self.text.shrink_to(MOST_KEPT);
        }
        self.text = Vec::new();
        self.packer.count_split();
        let room = self.packer.part_room();
        let parts = || Parts::plain(self.writer.pieces(&record), room);
        self.pending = Some(Pending {
            lane,
            time,
            parts: NumberedParts::new(parts),
        });
    }

    /// Packs the next part of a text; `false` when there is none.
    fn part(&mut self) -> bool {
        let Some(pending) = &mut self.pending else {
            return false;
        };
        let Some((part, mark)) = pending.parts.next() else {
            self.writer.count_too_deep(pending.parts.too_deep());
            self.pending = None;
            return false;
        };
        self.packer.part(pending.lane, part, &mark, pending.time);
        true
    }
}

/// What is counted and logged of a chunk.
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

/// Bytes of room for a text that are kept for the next one.
const MOST_KEPT: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
