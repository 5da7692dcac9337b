//! Records -> requests for a delivery stream.
//!
//! A record's text is written once and base64-encoded once, into the body of the request it will
//! travel in.

use std::sync::Arc;

use base64_simd::STANDARD;

use crate::batch::{Batch, Limits, Open};
use crate::cut;
use crate::decode::{Record, Records};
use crate::escape::Depth;
use crate::firehose::options::{Config, TimeKey};
use crate::json::Json;
use crate::ledger::Left;
use crate::msgpack::{Cursor, Token};
use crate::select::Part;

/// What happened to records on the way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Firehose records written.
    pub records: u32,
    /// Records without any of `log_key`'s keys.
    pub skipped: usize,
    /// Records cut to the limit.
    pub truncated: usize,
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
    time: Option<TimeKey>,
    open: Open,
    full: Vec<Batch>,
    json: Json<'c>,
    text: Vec<u8>,
    time_text: Vec<u8>,
    counts: Counts,
}

impl<'c> Encoder<'c> {
    /// Begins a chunk, of which only what is `left` is written if it has been tried before.
    #[must_use]
    pub fn new(config: &'c Config, left: Option<Arc<Left>>) -> Self {
        Self {
            config,
            time: config.time.clone(),
            open: Open::new(LIMITS, &head(&config.delivery_stream), left),
            full: Vec::new(),
            json: Json::new(Depth::Once),
            text: Vec::new(),
            time_text: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Encodes every record of the chunk.
    #[must_use]
    pub fn chunk(mut self, chunk: &'c [u8]) -> (Vec<Batch>, Counts) {
        let mut records = Records::new(chunk);
        while let Some(record) = records.next() {
            self.record(&record);
        }
        self.counts.torn = records.torn();
        self.counts.undecodable = records.undecodable();
        self.counts.too_deep = self.json.too_deep();
        self.full.extend(self.open.finish());
        (self.full, self.counts)
    }

    fn record(&mut self, record: &Record<'c, '_>) {
        self.text.clear();
        if !self.write(record) {
            self.counts.skipped += 1;
            return;
        }
        if self.text.len() >= RECORD_BYTES {
            self.counts.truncated += 1;
            cut::truncate(&mut self.text, RECORD_BYTES - 1);
        }
        self.text.push(b'\n');
        self.add(record.time.millis());
    }

    /// Writes the record's text; `false` when it has no key of `log_key`.
    fn write(&mut self, record: &Record<'c, '_>) -> bool {
        let Some(time) = &mut self.time else {
            return match self.config.select.part(record) {
                Some(part) => write_part(part, record, &mut self.json, &mut self.text),
                None => false,
            };
        };
        // `log_key` may name the time key.
        let key = time.key.as_bytes();
        self.time_text.clear();
        time.renderer
            .render(record.time.seconds, record.time.nanos, &mut self.time_text);
        match self.config.select.part_beside(record, key) {
            Some(Part::Record) => {
                self.json
                    .record_and(record.fields, (key, &self.time_text), &mut self.text);
            }
            Some(part) => return write_part(part, record, &mut self.json, &mut self.text),
            None if self.config.select.names(key) => self.text.extend_from_slice(&self.time_text),
            None => return false,
        }
        true
    }

    fn add(&mut self, time: i64) {
        let body = self.open.body();
        let start = body.len();
        body.extend_from_slice(b"{\"Data\":\"");
        STANDARD.encode_append(&self.text, body);
        body.extend_from_slice(b"\"}");
        self.full.extend(
            self.open
                .add(start, time, self.text.len(), self.counts.records),
        );
        self.counts.records += 1;
    }
}

fn write_part<'c>(
    part: Part<'c>,
    record: &Record<'c, '_>,
    json: &mut Json<'c>,
    text: &mut Vec<u8>,
) -> bool {
    match part {
        Part::Record => {
            json.record(record.fields, text);
        }
        Part::Value(raw) => match Cursor::new(raw).token() {
            Ok(Token::Str(value) | Token::Bin(value)) => text.extend_from_slice(value),
            _ => {
                json.value(raw, text);
            }
        },
    }
    true
}

/// The request up to its first record; the name needs no escape.
fn head(delivery_stream: &str) -> Vec<u8> {
    format!("{{\"DeliveryStreamName\":\"{delivery_stream}\",\"Records\":[").into_bytes()
}

/// One record, before base64 and with its newline: "1,000 KB" in the service's words is 1,000 KiB.
const RECORD_BYTES: usize = 1_024_000;

/// PutRecordBatch: <https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>.
/// The records of a request need no order, so their times do not part them.
const LIMITS: Limits = Limits {
    items: 500,
    bytes: 4 * 1024 * 1024,
    span_ms: None,
};
