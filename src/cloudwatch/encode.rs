//! Records -> PutLogEvents requests for their log streams.
//!
//! An event is written once, into the body of its request. An event beyond the limit is written up to
//! the limit. It is then truncated in place, or written again in parts.

mod oversize;

use std::sync::Arc;

use tokio::time::Instant;

use self::oversize::PendingParts;
use crate::batch::{Batch, Limits, MAX_OPEN, Rest, Windows};
use crate::cloudwatch::entity::without_entity;
use crate::cloudwatch::options::Config;
use crate::cloudwatch::route::{Fallback, Fallbacks, LogStreamId, LogStreams};
use crate::delivery::ledger::PendingItems;
use crate::destination::ChunkEncoder;
use crate::json::Json;
use crate::json::escape::{self, Depth};
use crate::pipeline::TimeLimit;
use crate::record::chunk_reader::{Record, Records};
use crate::record::log_key::Part;
use crate::record::msgpack::{Cursor, Token};
use crate::telemetry::encode_stats::{EncodeStats, Note, Text};
use crate::telemetry::metrics::descriptors::{Id, SkipReason};

/// How the records of a chunk were encoded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Events written.
    pub events: u32,
    /// Records without any of `log_key`'s keys.
    pub skipped: usize,
    /// Records whose text is empty; the service does not accept empty events.
    pub empty: usize,
    /// Events truncated to the limit.
    pub truncated: usize,
    /// Records sent in several events.
    pub split: usize,
    /// Values skipped because they are nested too deeply.
    pub too_deep: usize,
    /// Values in the chunk that are not records.
    pub undecodable: usize,
    /// Bytes of an incomplete record at the end of the chunk.
    pub torn: usize,
}

/// Encodes one chunk.
pub struct Encoder<'c> {
    config: &'c Config,
    targets: LogStreams<'c>,
    pending_items: Option<Arc<PendingItems>>,
    /// The open batches of each target, by target number.
    open: Vec<Windows>,
    /// The number of all open batches.
    batches: usize,
    full: Vec<(usize, Batch)>,
    json: Json<'c>,
    /// An event that is sent in parts, until its last part is written.
    pending_parts: Option<PendingParts<'c>>,
    counts: Counts,
    time: TimeLimit,
    is_done: bool,
}

impl<'c> ChunkEncoder<'c> for Encoder<'c> {
    type Target = LogStreamId;

    fn stop_at(&mut self, deadline: Instant) {
        self.time.stop_at(deadline);
    }

    /// Only the batches of the current requests are encoded, so the memory of a chunk in delivery is that
    /// of the requests in flight. A chunk with very many targets is encoded in sections: when there are
    /// too many open batches, all of them are returned, and later records start new batches.
    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)> {
        // On a retry a section may have no pending items. Encoding then continues with the next section.
        while !self.section(records, requests) && self.full.is_empty() && !self.time.was_up() {}
        self.full
            .sort_by_key(|(number, batch)| (*number, batch.window()));
        std::mem::take(&mut self.full)
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn target(&self, number: usize) -> &LogStreamId {
        self.targets.target(number)
    }

    fn first_target(&self) -> usize {
        self.targets.first()
    }

    fn finish(self, records: &Records<'c>) -> EncodeStats {
        let (counts, fallbacks) = self.into_counts(records);
        stats(&counts, fallbacks)
    }
}

impl<'c> Encoder<'c> {
    /// Starts a chunk. On a retry only the items in `pending_items` are written.
    #[must_use]
    pub fn new(
        config: &'c Config,
        targets: LogStreams<'c>,
        pending_items: Option<Arc<PendingItems>>,
    ) -> Self {
        Self {
            config,
            targets,
            pending_items,
            open: Vec::new(),
            batches: 0,
            full: Vec::new(),
            json: Json::new(Depth::Twice).with_most(max_text(config)),
            pending_parts: None,
            counts: Counts::default(),
            time: TimeLimit::default(),
            is_done: false,
        }
    }

    /// Encodes records until `requests` requests are full, there are too many open batches, or the time
    /// is up. Returns `true` at the end of the chunk.
    fn section(&mut self, records: &mut Records<'c>, requests: usize) -> bool {
        if self.open.is_empty() {
            self.targets.forget();
        }
        while self.full.len() < requests {
            if self.pending_parts.is_some() && self.write_next_part() {
                continue;
            }
            if self.is_section_full() {
                self.close();
                return false;
            }
            if self.time.is_up(records) {
                return false;
            }
            let Some(record) = records.next() else {
                self.close();
                self.is_done = true;
                return true;
            };
            self.record(&record);
        }
        false
    }

    /// The items that [`Encoder::round`] has not returned, when no more rounds are made.
    #[must_use]
    pub fn rest(&self) -> Rest {
        let mut rest = Rest {
            next: self.counts.events,
            ..Rest::default()
        };
        let open = self.open.iter().flat_map(Windows::items);
        open.for_each(|items| rest.add(items));
        rest
    }

    /// How the records were encoded, and which fallback names were used.
    #[must_use]
    pub fn into_counts(mut self, records: &Records<'c>) -> (Counts, Fallbacks) {
        if self.is_done {
            self.counts.torn = records.torn();
        }
        self.counts.undecodable = records.undecodable();
        self.counts.too_deep += self.json.too_deep();
        (self.counts, self.targets.fallbacks())
    }

    fn is_section_full(&self) -> bool {
        self.batches >= MAX_OPEN || self.targets.bytes() >= MAX_NAME_BYTES
    }

    /// Closes all open batches.
    fn close(&mut self) {
        let first = self.targets.first();
        for (index, windows) in self.open.drain(..).enumerate() {
            let last = windows.finish().map(|batch| (first + index, batch));
            self.full.extend(last);
        }
        self.batches = 0;
    }

    /// Selects the batch for an event of this target and time. Returns the index of its target in `open`.
    #[inline(always)]
    fn choose(&mut self, number: usize, time: i64) -> usize {
        let index = number - self.targets.first();
        if index == self.open.len() {
            let target = self.targets.target(number);
            let head = head(target, self.targets.entity(number));
            let windows = Windows::new(LIMITS, &head, self.pending_items.clone());
            self.open.push(windows);
            self.batches += 1;
        }
        let windows = &mut self.open[index];
        if !windows.chosen().takes(time) {
            let before = windows.open();
            let closed = windows.choose(time);
            self.full.extend(closed.map(|batch| (number, batch)));
            self.batches += windows.open() - before;
        }
        index
    }

    fn record(&mut self, record: &Record<'c, '_>) {
        let Some(part) = self.config.select.part(record) else {
            self.counts.skipped += 1;
            return;
        };
        let number = self.targets.number(record);
        // The service rejects negative times. With time 0 it reports the event as too old.
        let time = record.time.millis().max(0);
        let index = self.choose(number, time);
        let open = self.open[index].chosen();
        let body = open.body();
        let start = body.len();
        before_message(time, body);
        let message = body.len();
        let too_deep = self.json.too_deep();
        let (overhead, more_too_deep) = match part {
            Part::Record if self.config.enriches() => enriched(self.config, record, body),
            part => (write(part, record, self.config, &mut self.json, body), 0),
        };
        let text = body.len() - message - overhead;
        if text == 0 {
            self.counts.empty += 1;
            body.truncate(start);
            return;
        }
        if text > max_text(self.config) {
            let event = UnfinishedEvent {
                start,
                message,
                too_deep,
                more_too_deep,
            };
            return self.oversize(part, *record, number, time, event);
        }
        self.counts.too_deep += more_too_deep;
        body.extend_from_slice(AFTER_MESSAGE);
        self.add(number, start, time, text);
    }

    /// Adds an event whose text has `text` bytes.
    #[inline(always)]
    fn add(&mut self, number: usize, start: usize, time: i64, text: usize) {
        let open = self.open[number - self.targets.first()].chosen();
        let full = open.add(start, time, text + EVENT_OVERHEAD, self.counts.events);
        self.full.extend(full.map(|batch| (number, batch)));
        self.counts.events += 1;
    }
}

/// The counts and log lines of a chunk.
fn stats(counts: &Counts, fallbacks: Fallbacks) -> EncodeStats {
    let Counts {
        skipped,
        empty,
        truncated,
        split,
        too_deep,
        undecodable,
        torn,
        events: _,
    } = *counts;
    let Fallbacks { group, stream } = fallbacks;
    let notes = vec![
        fallback(
            0,
            group,
            "another log group than the one asked for, as its name could not be made",
        ),
        fallback(
            1,
            stream,
            "another log stream than the one asked for, as its name could not be made",
        ),
        Note::warning(
            skipped,
            SkipReason::NoLogKey,
            "records skipped: they have no key of `log_key`",
        ),
        Note::warning(truncated, Id::Truncated, "events cut to `max_event_bytes`"),
        Note::warning(
            split,
            Id::Split,
            "records sent in parts: they are larger than `max_event_bytes`",
        ),
        Note::warning(
            too_deep,
            Id::TooDeep,
            "values left out: they are nested too deeply",
        ),
        Note {
            count: empty,
            series: SkipReason::Empty.into(),
            text: Text::Debug("empty events skipped, as the service takes none"),
        },
    ];
    EncodeStats {
        notes,
        undecodable,
        torn,
    }
}

fn fallback(target: usize, fallback: Fallback, to: &'static str) -> Note {
    let Fallback { count, missing } = fallback;
    Note::fallback(count, target, to, missing)
}

/// The position of an event in the body that is beyond the limit.
struct UnfinishedEvent {
    start: usize,
    message: usize,
    /// The number of values skipped in the chunk before this event.
    too_deep: usize,
    /// The number of values skipped in this event, if a separate writer counted them.
    more_too_deep: usize,
}

/// Maximum size of an event's text in bytes.
fn max_text(config: &Config) -> usize {
    config.max_event_bytes - EVENT_OVERHEAD
}

/// Appends the message's text as the content of a JSON string; returns the overhead.
#[inline]
fn write<'c>(
    part: Part<'c>,
    record: &Record<'c, '_>,
    config: &Config,
    json: &mut Json<'c>,
    body: &mut Vec<u8>,
) -> usize {
    match part {
        Part::Record => json.record(record, body),
        Part::Value(raw) => match Cursor::new(raw).token() {
            Ok(Token::Str(text) | Token::Bin(text)) => {
                escape::append_within(text, Depth::Once, max_text(config), body)
            }
            _ => json.value(raw, body),
        },
    }
}

/// Like [`write`], for a whole record to which metrics are added or from which the members of its
/// entity are removed. Also returns the number of values skipped because they are nested too deeply.
fn enriched(config: &Config, record: &Record<'_, '_>, body: &mut Vec<u8>) -> (usize, usize) {
    let start = body.len();
    let mut json = Json::new(Depth::Twice).with_most(max_text(config));
    let mut buffer = Vec::new();
    let kept = config
        .entities
        .as_ref()
        .map(|_| without_entity(record.fields, &mut buffer));
    let reduced = Record::alone(record.time, kept.as_deref().unwrap_or(record.fields));
    let mut overhead = json.record(&reduced, body);
    if let Some(metrics) = &config.metrics {
        overhead += metrics.insert(record, start, body);
    }
    (overhead, json.too_deep())
}

#[inline]
fn before_message(time: i64, body: &mut Vec<u8>) {
    body.extend_from_slice(b"{\"timestamp\":");
    body.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
    body.extend_from_slice(b",\"message\":\"");
}

/// The request body up to its first event.
pub(super) fn head(target: &LogStreamId, entity: &[u8]) -> Vec<u8> {
    let mut head = b"{\"logGroupName\":\"".to_vec();
    escape::append(target.group.as_bytes(), Depth::Once, &mut head);
    head.extend_from_slice(b"\",\"logStreamName\":\"");
    escape::append(target.stream.as_bytes(), Depth::Once, &mut head);
    head.push(b'"');
    if !entity.is_empty() {
        head.extend_from_slice(b",\"entity\":");
        head.extend_from_slice(entity);
    }
    head.extend_from_slice(b",\"logEvents\":[");
    head
}

const AFTER_MESSAGE: &[u8] = b"\"}";

/// Bytes that the service adds to the size of each event (see [`LIMITS`]).
pub(super) const EVENT_OVERHEAD: usize = 26;

/// Limits of PutLogEvents: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>.
pub(super) const LIMITS: Limits = Limits {
    items: 10_000,
    bytes: 1_048_576,
    span_ms: Some(24 * 3600 * 1000),
};

/// Maximum total size in bytes of the names and entities of targets with open batches. The last target
/// may exceed it. A target takes about four times the size of its name and 1 kB in addition.
const MAX_NAME_BYTES: usize = 2 * 1024 * 1024;

#[cfg(test)]
mod tests;
