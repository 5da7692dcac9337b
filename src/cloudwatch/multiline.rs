//! Joins records into one: the partial lines that Docker splits, and the lines of a multi-line event.
//!
//! The input and the output are chunks, so the rest of the pipeline does not change. The same chunk
//! always gives the same events, which a retry requires. No state is kept between chunks, because an
//! acknowledged chunk must have been delivered. Therefore an event that spans two chunks becomes two
//! events. Fluent Bit's multiline filter joins such lines before they reach the output.

mod blocks;
mod line;
mod partial_lines;

use regex_lite::Regex;

use self::blocks::Blocks;
use self::line::Line;
use crate::cloudwatch::multiline::partial_lines::PartialLines;
use crate::cloudwatch::options::awslogs;
use crate::cloudwatch::{datetime, go_regex};
use crate::options::Reader;
use crate::record::chunk_reader::Records;
use crate::record::log_key::Select;

/// Which records are joined.
#[derive(Debug)]
pub struct Join {
    select: Select,
    multiline: Option<Multiline>,
}

/// Which lines form one event.
#[derive(Debug)]
struct Multiline {
    begins: Regex,
    max_bytes: usize,
}

impl Join {
    /// Reads the options; `None` if every record is an event.
    #[must_use]
    pub fn read(reader: &Reader<'_>, select: &Select) -> Option<Self> {
        let multiline = Multiline::read(reader);
        (multiline.is_some() || awslogs::is_driver(reader)).then(|| Self {
            select: select.clone(),
            multiline,
        })
    }

    /// Returns the chunk with joined records. Records without a line of text are copied unchanged.
    #[must_use]
    pub fn chunk(&self, chunk: &[u8]) -> Vec<u8> {
        let mut records = Records::new(chunk);
        let mut joiner = Joiner {
            multiline: self.multiline.as_ref(),
            partial_lines: PartialLines::default(),
            blocks: Blocks::default(),
            out: Vec::with_capacity(chunk.len()),
        };
        while let Some(record) = records.next() {
            match Line::of(&record, &self.select) {
                Some(line) => joiner.add_record(line),
                None => line::write(record.time, record.fields, &mut joiner.out),
            }
        }
        let mut out = joiner.finish();
        // Undecodable values and incomplete bytes are copied. They are counted when the chunk is encoded.
        out.extend(std::iter::repeat_n(NIL, records.undecodable()));
        out.extend_from_slice(&chunk[chunk.len() - records.torn()..]);
        out
    }
}

/// The state of joining one chunk.
struct Joiner<'j, 'c> {
    multiline: Option<&'j Multiline>,
    partial_lines: PartialLines<'c>,
    blocks: Blocks<'c>,
    out: Vec<u8>,
}

impl<'c> Joiner<'_, 'c> {
    fn add_record(&mut self, line: Line<'c>) {
        for line in self.partial_lines.add(line) {
            self.add_line(line);
        }
    }

    fn add_line(&mut self, line: Line<'c>) {
        let Some(multiline) = self.multiline else {
            line.write(&mut self.out);
            return;
        };
        let begins = multiline
            .begins
            .is_match(&String::from_utf8_lossy(&line.text));
        if let Some(block) = self.blocks.add(line, begins, multiline.max_bytes) {
            block.write(&mut self.out);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        for line in std::mem::take(&mut self.partial_lines).finish() {
            self.add_line(line);
        }
        for block in self.blocks.finish() {
            block.write(&mut self.out);
        }
        self.out
    }
}

impl Multiline {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let set = awslogs::JOINING.map(|key| reader.text(key).map(|text| (key, text)));
        let (key, text) = match set {
            [Some(_), Some(_)] => {
                let [pattern, format] = awslogs::JOINING;
                reader.problem(format_args!("`{pattern}` and `{format}` are both set"));
                return None;
            }
            [one, other] => one.or(other)?,
        };
        if reader.is_set("awslogs-format") {
            reader.problem(format_args!(
                "`{key}` and `awslogs-format` are both set: joined lines are no metrics"
            ));
        }
        let begins = begins(key, &text)
            .inspect_err(|why| reader.problem(format_args!("`{key}` is `{text}`: {why}")))
            .ok()?;
        Some(Self {
            begins,
            max_bytes: max_bytes(reader),
        })
    }
}

fn begins(key: &str, text: &str) -> Result<Regex, String> {
    let [_, format] = awslogs::JOINING;
    if key == format {
        go_regex::compile(&datetime::pattern(text)?)
    } else {
        go_regex::compile(text)
    }
}

/// Maximum size of an event's text in bytes: from `max_event_bytes` if it is set, otherwise the driver's.
fn max_bytes(reader: &Reader<'_>) -> usize {
    let set = reader.is_set("max_event_bytes");
    let set = set.then(|| reader.text("max_event_bytes")?.parse::<usize>().ok());
    set.flatten().map_or(DRIVER_MAX_BYTES, |bytes| {
        bytes.saturating_sub(EVENT_OVERHEAD)
    })
}

/// A MessagePack value that is not a record: nil.
const NIL: u8 = 0xc0;
/// The driver's maximum size of an event's text: 256 KiB, less the overhead.
const DRIVER_MAX_BYTES: usize = 262_144 - EVENT_OVERHEAD;
/// Bytes that the service adds to the size of each event.
const EVENT_OVERHEAD: usize = 26;

#[cfg(test)]
mod tests;
