//! Records that belong together -> one record: the pieces of a line that Docker cut, and the lines
//! of a multi-line event.
//!
//! A chunk goes in and a chunk comes out, so that the rest of the road knows nothing of it, and the
//! same chunk always gives the same events, which a retry relies on. Nothing is kept from one chunk
//! to the next: what is acknowledged has been delivered. The price is that what spans two chunks
//! becomes two events; the host's own multiline filter joins such lines before they get here.

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

/// What is joined.
#[derive(Debug)]
pub struct Join {
    select: Select,
    multiline: Option<Multiline>,
}

/// Which lines are one event.
#[derive(Debug)]
struct Multiline {
    begins: Regex,
    most_bytes: usize,
}

impl Join {
    /// Reads the options; `None` when every record is an event of its own.
    #[must_use]
    pub fn read(reader: &Reader<'_>, select: &Select) -> Option<Self> {
        let multiline = Multiline::read(reader);
        (multiline.is_some() || awslogs::is_driver(reader)).then(|| Self {
            select: select.clone(),
            multiline,
        })
    }

    /// The chunk with joined records. What is no line of text stays as it is.
    #[must_use]
    pub fn chunk(&self, chunk: &[u8]) -> Vec<u8> {
        let mut records = Records::new(chunk);
        let mut joiner = Joiner {
            multiline: self.multiline.as_ref(),
            pieces: PartialLines::default(),
            blocks: Blocks::default(),
            out: Vec::with_capacity(chunk.len()),
        };
        while let Some(record) = records.next() {
            match Line::of(&record, &self.select) {
                Some(line) => joiner.piece(line),
                None => line::write(record.time, record.fields, &mut joiner.out),
            }
        }
        let mut out = joiner.finish();
        // What could not be read goes along, to be counted where the chunk is encoded.
        out.extend(std::iter::repeat_n(NO_RECORD, records.undecodable()));
        out.extend_from_slice(&chunk[chunk.len() - records.torn()..]);
        out
    }
}

/// The steps of one chunk.
struct Joiner<'j, 'c> {
    multiline: Option<&'j Multiline>,
    pieces: PartialLines<'c>,
    blocks: Blocks<'c>,
    out: Vec<u8>,
}

impl<'c> Joiner<'_, 'c> {
    fn piece(&mut self, line: Line<'c>) {
        for line in self.pieces.add(line) {
            self.line(line);
        }
    }

    fn line(&mut self, line: Line<'c>) {
        let Some(multiline) = self.multiline else {
            line.write(&mut self.out);
            return;
        };
        let begins = multiline
            .begins
            .is_match(&String::from_utf8_lossy(&line.text));
        if let Some(block) = self.blocks.add(line, begins, multiline.most_bytes) {
            block.write(&mut self.out);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        for line in std::mem::take(&mut self.pieces).finish() {
            self.line(line);
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
            most_bytes: most_bytes(reader),
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

/// What `max_event_bytes` leaves for the text when it is set, else the driver's own limit.
fn most_bytes(reader: &Reader<'_>) -> usize {
    let set = reader.is_set("max_event_bytes");
    let set = set.then(|| reader.text("max_event_bytes")?.parse::<usize>().ok());
    set.flatten()
        .map_or(MOST_BYTES, |bytes| bytes.saturating_sub(EVENT_OVERHEAD))
}

/// A value that is no record: nil.
const NO_RECORD: u8 = 0xc0;
/// The driver's largest event: 256 KiB, less what the service adds.
const MOST_BYTES: usize = 262_144 - EVENT_OVERHEAD;
/// The service adds so many bytes to each event's text.
const EVENT_OVERHEAD: usize = 26;

#[cfg(test)]
mod tests;
