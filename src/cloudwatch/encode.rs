//! Records -> requests for their places.
//!
//! An event is written once, into the body of the request it will travel in.

use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::{Batch, Limits, Open};
use crate::cloudwatch::entity::without_entity;
use crate::cloudwatch::options::{Config, Oversize};
use crate::cloudwatch::route::{Fallbacks, Place, Places};
use crate::cut;
use crate::decode::{Record, Records};
use crate::escape::{self, Depth};
use crate::json::Json;
use crate::ledger::Left;
use crate::msgpack::{Cursor, Token};
use crate::pipeline::{Encode, TimeLimit};
use crate::select::Part;

/// What happened to records on the way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Events written.
    pub events: u32,
    /// Records without any of `log_key`'s keys.
    pub skipped: usize,
    /// Records whose text is empty, which the service does not take.
    pub empty: usize,
    /// Events cut to the limit.
    pub truncated: usize,
    /// Records sent in several events.
    pub split: usize,
    /// Values nested too deeply to be written.
    pub too_deep: usize,
    /// Values in the chunk that were no records.
    pub undecodable: usize,
    /// Bytes at the chunk's end that were no record.
    pub torn: usize,
}

/// Encodes one chunk.
pub struct Encoder<'c> {
    config: &'c Config,
    places: Places<'c>,
    left: Option<Arc<Left>>,
    open: Vec<Open>,
    full: Vec<(usize, Batch)>,
    json: Json<'c>,
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
    pub fn new(config: &'c Config, places: Places<'c>, left: Option<Arc<Left>>) -> Self {
        Self {
            config,
            places,
            left,
            open: Vec::new(),
            full: Vec::new(),
            json: Json::new(Depth::Twice),
            counts: Counts::default(),
            time: TimeLimit::default(),
            is_done: false,
        }
    }

    /// Encodes no further records from this moment on.
    pub fn stop_at(&mut self, deadline: Instant) {
        self.time.stop_at(deadline);
    }

    /// Encodes records until so many requests are full, or the chunk ends; batches with their places'
    /// numbers, by number.
    ///
    /// What is not yet to be sent is not yet encoded either, so that a chunk in delivery takes the
    /// memory of the requests that are under way. Nothing is returned when nothing is left.
    pub fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)> {
        while self.full.len() < requests && !self.time.is_up(records) {
            let Some(record) = records.next() else {
                self.is_done = true;
                let open = self.open.drain(..).enumerate();
                let last = open.filter_map(|(number, open)| Some((number, open.finish()?)));
                self.full.extend(last);
                break;
            };
            self.record(&record);
        }
        self.full.sort_by_key(|(number, _)| *number);
        std::mem::take(&mut self.full)
    }

    /// The places met so far, by number.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.places()
    }

    /// What happened to the records, and what names they fell back to.
    #[must_use]
    pub fn finish(mut self, records: &Records<'c>) -> (Counts, Fallbacks) {
        if self.is_done {
            self.counts.torn = records.torn();
        }
        self.counts.undecodable = records.undecodable();
        self.counts.too_deep += self.json.too_deep();
        (self.counts, self.places.fallbacks())
    }

    fn record(&mut self, record: &Record<'c, '_>) {
        let Some(part) = self.config.select.part(record) else {
            self.counts.skipped += 1;
            return;
        };
        let number = self.places.number(record);
        if number == self.open.len() {
            let place = self.places.place(number);
            let head = head(place, self.places.entity(number));
            self.open.push(Open::new(LIMITS, &head, self.left.clone()));
        }
        let open = &mut self.open[number];
        let body = open.body();
        let start = body.len();
        // The service takes no negative time; such an event is too old either way, and it says so.
        let time = record.time.millis().max(0);
        before_message(time, body);
        let message = body.len();
        let overhead = match part {
            Part::Record if self.config.enriches() => {
                let (overhead, too_deep) = enriched(self.config, record, body);
                self.counts.too_deep += too_deep;
                overhead
            }
            part => write(part, record, &mut self.json, body),
        };
        let text = body.len() - message - overhead;
        if text == 0 {
            self.counts.empty += 1;
            body.truncate(start);
            return;
        }
        if text + EVENT_OVERHEAD <= self.config.max_event_bytes {
            body.extend_from_slice(AFTER_MESSAGE);
            let full = open.add(start, time, text + EVENT_OVERHEAD, self.counts.events);
            self.full.extend(full.map(|batch| (number, batch)));
            self.counts.events += 1;
            return;
        }
        let escaped = body.split_off(message);
        body.truncate(start);
        self.oversize(number, &escaped, time);
    }

    /// An event beyond the limit: cut, or sent in parts.
    fn oversize(&mut self, number: usize, escaped: &[u8], time: i64) {
        let room = self.config.max_event_bytes - EVENT_OVERHEAD;
        match self.config.oversize {
            Oversize::Truncate => {
                self.counts.truncated += 1;
                let kept = cut::fitting(escaped, room - cut::TRUNCATED.len());
                self.event(number, time, &escaped[..kept], cut::TRUNCATED);
            }
            Oversize::Split => {
                self.counts.split += 1;
                let parts: Vec<&[u8]> = cut::parts(escaped, room - cut::MARK_ROOM).collect();
                for (index, part) in parts.iter().enumerate() {
                    self.event(number, time, part, &cut::part_mark(index + 1, parts.len()));
                }
            }
        }
    }

    fn event(&mut self, number: usize, time: i64, escaped: &[u8], mark: &str) {
        let open = &mut self.open[number];
        let body = open.body();
        let start = body.len();
        before_message(time, body);
        body.extend_from_slice(escaped);
        body.extend_from_slice(mark.as_bytes());
        body.extend_from_slice(AFTER_MESSAGE);
        let bytes = cut::text_len(escaped) + mark.len() + EVENT_OVERHEAD;
        let full = open.add(start, time, bytes, self.counts.events);
        self.full.extend(full.map(|batch| (number, batch)));
        self.counts.events += 1;
    }
}

/// Appends the message's text as it stands in a JSON string; returns the overhead.
#[inline]
fn write<'c>(
    part: Part<'c>,
    record: &Record<'c, '_>,
    json: &mut Json<'c>,
    body: &mut Vec<u8>,
) -> usize {
    match part {
        Part::Record => json.record(record, body),
        Part::Value(raw) => match Cursor::new(raw).token() {
            Ok(Token::Str(text) | Token::Bin(text)) => escape::append(text, Depth::Once, body),
            _ => json.value(raw, body),
        },
    }
}

/// As [`write`], for a whole record that gains metrics or loses what was meant for its entity; also
/// how many values were nested too deeply.
fn enriched(config: &Config, record: &Record<'_, '_>, body: &mut Vec<u8>) -> (usize, usize) {
    let start = body.len();
    let mut json = Json::new(Depth::Twice);
    let mut room = Vec::new();
    let kept = config
        .entities
        .as_ref()
        .map(|_| without_entity(record.fields, &mut room));
    let anew = Record::alone(record.time, kept.as_deref().unwrap_or(record.fields));
    let mut overhead = json.record(&anew, body);
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

/// The request up to its first event.
pub(super) fn head(place: &Place, entity: &[u8]) -> Vec<u8> {
    let mut head = b"{\"logGroupName\":\"".to_vec();
    escape::append(place.group.as_bytes(), Depth::Once, &mut head);
    head.extend_from_slice(b"\",\"logStreamName\":\"");
    escape::append(place.stream.as_bytes(), Depth::Once, &mut head);
    head.push(b'"');
    if !entity.is_empty() {
        head.extend_from_slice(b",\"entity\":");
        head.extend_from_slice(entity);
    }
    head.extend_from_slice(b",\"logEvents\":[");
    head
}

const AFTER_MESSAGE: &[u8] = b"\"}";

/// The service adds so many bytes to each event's text.
pub(super) const EVENT_OVERHEAD: usize = 26;

/// PutLogEvents: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>.
pub(super) const LIMITS: Limits = Limits {
    items: 10_000,
    bytes: 1_048_576,
    span_ms: Some(24 * 3600 * 1000),
};
