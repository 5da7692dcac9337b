//! MessagePack -> JSON text, straight into the request body.
//!
//! The result is valid JSON for every input: of members with one key the last is written, keys that
//! are not text are written as text, NaN and the infinities are null, text that is not UTF-8 gets
//! U+FFFD, and an extension is `{"ext":TYPE,"data":"BASE64"}`, an EventTime its RFC 3339 text.
//! Integers and floats keep their full precision.

pub mod duplicate_keys;
pub mod escape;
pub mod key_dots;
pub mod member_cache;
pub mod parts;
pub mod pieces;
pub mod record_text;

use std::borrow::Cow;

use base64_simd::STANDARD;
use jiff::Timestamp;

use crate::batch::oversize;
use crate::json::duplicate_keys::Replaced;
use crate::json::escape::Depth;
use crate::json::key_dots::Dots;
use crate::json::member_cache::Known;
use crate::record::chunk_reader::{Field, Record};
use crate::record::msgpack::{Cursor, Token};
use crate::record::timestamp;

/// Writes the JSON of one chunk's values; one for all of them, for its memory.
#[derive(Debug)]
pub struct Json<'a> {
    depth: Depth,
    dots: Option<&'a Dots>,
    known: Known,
    /// Of a record's members, for records with the same keys as that one.
    replaced: Option<(u32, Replaced)>,
    members: Vec<Field<'a>>,
    overhead: usize,
    /// A text that is longer is not written to its end.
    most: usize,
    /// Where that is the case: a length of the output, less the overhead.
    stop: usize,
    too_deep: usize,
    /// What is written is itself a key.
    in_key: bool,
}

impl<'a> Json<'a> {
    /// Writes text that lies this deep in JSON strings of the request.
    #[must_use]
    pub fn new(depth: Depth) -> Self {
        Self {
            depth,
            dots: None,
            known: Known::default(),
            replaced: None,
            members: Vec::new(),
            overhead: 0,
            most: usize::MAX,
            stop: usize::MAX,
            too_deep: 0,
            in_key: false,
        }
    }

    /// Writes keys with their dots replaced, at every depth.
    #[must_use]
    pub fn with_dots(self, dots: Option<&'a Dots>) -> Self {
        Self { dots, ..self }
    }

    /// Stops soon after a text is longer than this. What was written is then a beginning of the text
    /// that is longer than this too, and something behind it.
    #[must_use]
    pub fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Values left out because they were nested more than [`MAX_NESTING`] deep.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.too_deep
    }

    /// Sets what [`Json::too_deep`] says: what is written again is not counted twice.
    pub fn set_too_deep(&mut self, too_deep: usize) {
        self.too_deep = too_deep;
    }

    /// Appends a record as an object; returns the overhead as [`escape::append`] does.
    pub fn record(&mut self, record: &Record<'a, '_>, out: &mut Vec<u8>) -> usize {
        self.record_with(record, |_| true, None, out)
    }

    /// As [`Json::record`], of the members that are kept, and with a text as one more member, which
    /// replaces one of the same key.
    pub fn record_with(
        &mut self,
        record: &Record<'a, '_>,
        keeps: impl Fn(&Field<'a>) -> bool,
        more: Option<(&[u8], &[u8])>,
        out: &mut Vec<u8>,
    ) -> usize {
        self.begin(out);
        let start = out.len();
        self.top(record, keeps, more.map(|(key, _)| key), out);
        if let Some((key, text)) = more {
            out.push(b',');
            self.quoted(key, out);
            out.push(b':');
            self.quoted(text, out);
        }
        close(start, out);
        self.overhead
    }

    /// Appends a value as it stands in the chunk; returns the overhead as [`escape::append`] does.
    pub fn value(&mut self, raw: &'a [u8], out: &mut Vec<u8>) -> usize {
        self.begin(out);
        self.any(&mut Cursor::new(raw), 0, out);
        self.overhead
    }

    fn begin(&mut self, out: &[u8]) {
        self.overhead = 0;
        self.stop = out.len().saturating_add(self.most);
        self.members.clear();
    }

    /// Whether the text is longer than it may be already. Text in two strings is counted as it is in
    /// the inner one, and text in one string as it is written.
    #[inline]
    fn is_over(&self, out: &[u8]) -> bool {
        out.len() > self.stop
            && (self.depth == Depth::Once || out.len() > self.stop.saturating_add(self.overhead))
    }

    /// Writes a record's members, each behind a comma; those that are known are copied, and what lies
    /// side by side at once.
    fn top(
        &mut self,
        record: &Record<'a, '_>,
        keeps: impl Fn(&Field<'a>) -> bool,
        but: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) {
        let replaced = self.replaced_in(record, &keeps);
        let mut copied = 0..0;
        for (place, field) in record.fields.iter().enumerate() {
            let is_left_out = replaced.contains(place)
                || !keeps(field)
                || but.is_some_and(|but| is_named(field, self.dots, but));
            if is_left_out {
                continue;
            }
            let since = record.repeats.since(place);
            let found = since.and_then(|since| self.known.find(place, since));
            if let Some((text, overhead)) = found {
                self.overhead += overhead;
                if copied.end != text.start {
                    out.extend_from_slice(self.known.text(copied));
                    copied = text.start..text.start;
                }
                copied.end = text.end;
                continue;
            }
            out.extend_from_slice(self.known.text(std::mem::take(&mut copied)));
            self.new_member(place, since, field, out);
        }
        out.extend_from_slice(self.known.text(copied));
        self.replaced = record.repeats.keys_since().map(|keys| (keys, replaced));
    }

    /// Writes a member behind a comma, and keeps the text of one that comes again.
    #[inline(always)]
    fn new_member(
        &mut self,
        place: usize,
        since: Option<u32>,
        field: &Field<'a>,
        out: &mut Vec<u8>,
    ) {
        if self.is_over(out) {
            return;
        }
        let (start, overhead, too_deep) = (out.len(), self.overhead, self.too_deep);
        self.member(field, 0, out);
        // What is left out has to be counted each time, and what may not be whole is not kept.
        if let Some(since) = since
            && self.too_deep == too_deep
            && !self.is_over(out)
        {
            let overhead = self.overhead - overhead;
            self.known.keep(place, since, &out[start..], overhead);
        }
    }

    /// As the records before had it, if their keys were the same.
    fn replaced_in(
        &mut self,
        record: &Record<'a, '_>,
        keeps: impl Fn(&Field<'a>) -> bool,
    ) -> Replaced {
        match (self.replaced.take(), record.repeats.keys_since()) {
            (Some((of, replaced)), Some(keys)) if of == keys => replaced,
            _ => self.replaced(record.fields, keeps),
        }
    }

    fn any(&mut self, cursor: &mut Cursor<'a>, nesting: usize, out: &mut Vec<u8>) {
        // Decoding has walked over every value, so none is cut here.
        let Ok(token) = cursor.token() else {
            return out.extend_from_slice(NULL);
        };
        match token {
            Token::Array(_) | Token::Map(_) if nesting >= MAX_NESTING => {
                self.too_deep += 1;
                self.quoted(TOO_DEEP, out);
            }
            Token::Array(count) => self.array(cursor, count, nesting + 1, out),
            Token::Map(count) => self.map(cursor, count, nesting + 1, out),
            Token::Str(text) | Token::Bin(text) => self.quoted(text, out),
            Token::Ext(kind, bytes) => self.ext(kind, bytes, out),
            scalar => number(scalar, out),
        }
    }

    fn array(&mut self, cursor: &mut Cursor<'a>, count: u32, nesting: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        for index in 0..count {
            if index > 0 {
                out.push(b',');
            }
            if self.is_over(out) {
                break;
            }
            // The element's own bytes, as a container that is too deep leaves its content unread.
            let Ok(raw) = cursor.value() else { break };
            self.any(&mut Cursor::new(raw), nesting, out);
        }
        out.push(b']');
    }

    fn map(&mut self, cursor: &mut Cursor<'a>, count: u32, nesting: usize, out: &mut Vec<u8>) {
        let first = self.members.len();
        for _ in 0..count {
            let Ok(field) = Field::read(cursor) else {
                break;
            };
            self.members.push(field);
        }
        self.object(first, nesting, out);
        self.members.truncate(first);
    }

    /// Writes the members from `first` on, those that a later one of the same key replaces left out.
    fn object(&mut self, first: usize, nesting: usize, out: &mut Vec<u8>) {
        let replaced = self.replaced(&self.members[first..], |_| true);
        let start = out.len();
        for index in first..self.members.len() {
            if self.is_over(out) {
                break;
            }
            if !replaced.contains(index - first) {
                let member = self.members[index];
                self.member(&member, nesting, out);
            }
        }
        close(start, out);
    }

    /// Writes a member behind a comma.
    fn member(&mut self, member: &Field<'a>, nesting: usize, out: &mut Vec<u8>) {
        out.push(b',');
        self.keyed(member, nesting, out);
    }

    /// Writes a member.
    fn keyed(&mut self, member: &Field<'a>, nesting: usize, out: &mut Vec<u8>) {
        match (member.key, self.dots) {
            (Token::Str(key) | Token::Bin(key), None) => self.quoted(key, out),
            _ => self.quoted(&self.name(member), out),
        }
        out.push(b':');
        self.any(&mut Cursor::new(member.value), nesting, out);
    }

    /// Members that are not kept replace none.
    fn replaced(&self, members: &[Field<'a>], keeps: impl Fn(&Field<'a>) -> bool) -> Replaced {
        match self.dots {
            Some(_) if members.iter().any(Dots::are_in) => {
                duplicate_keys::replaced_as(members, keeps, |member| self.name(member))
            }
            None if self.in_key => {
                duplicate_keys::replaced_as(members, keeps, |member| self.name(member))
            }
            _ => duplicate_keys::replaced(members),
        }
    }

    /// A member's key as it is written; a container that is a key within a key is too deep, as each
    /// level would double the text.
    fn name(&self, member: &Field<'a>) -> Cow<'a, [u8]> {
        match member.key {
            Token::Array(_) | Token::Map(_) if self.in_key => TOO_DEEP.into(),
            _ => name(member, self.dots),
        }
    }

    fn quoted(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let quote = self.depth.quote();
        out.extend_from_slice(quote);
        if text.len() <= escape::LONG {
            self.overhead += escape::append(text, self.depth, out) + 2 * (quote.len() - 1);
        } else {
            self.long(text, out);
        }
        out.extend_from_slice(quote);
    }

    /// The inside of a long text, up to where it is known to be too long.
    #[cold]
    fn long(&mut self, text: &[u8], out: &mut Vec<u8>) {
        // Of the quotation marks.
        self.overhead += 2 * (self.depth.quote().len() - 1);
        for part in oversize::plain_parts(text, escape::LONG) {
            if self.is_over(out) {
                break;
            }
            self.overhead += escape::append(part, self.depth, out);
        }
    }

    fn ext(&mut self, kind: i8, bytes: &[u8], out: &mut Vec<u8>) {
        if let (0, Ok(time)) = (kind, bytes.try_into()) {
            let time = timestamp::event_time(time);
            // In range: an EventTime's seconds are four bytes and its nanoseconds are checked.
            let nanos = i32::try_from(time.nanos).unwrap_or_default();
            let time = Timestamp::new(time.seconds, nanos).unwrap_or_default();
            return self.quoted(time.to_string().as_bytes(), out);
        }
        out.push(b'{');
        self.quoted(b"ext", out);
        out.push(b':');
        number(Token::Int(kind.into()), out);
        out.push(b',');
        self.quoted(b"data", out);
        out.push(b':');
        // So many bytes are more text than there may be.
        let bytes = &bytes[..bytes.len().min(self.most.saturating_add(1))];
        self.quoted(STANDARD.encode_to_string(bytes).as_bytes(), out);
        out.push(b'}');
    }
}

/// Makes an object of the members that stand from `start` on: its brace is in the first comma's place.
fn close(start: usize, out: &mut Vec<u8>) {
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// Whether a member's key is written as this text.
#[must_use]
pub fn is_named(field: &Field<'_>, dots: Option<&Dots>, text: &[u8]) -> bool {
    match (field.key, dots) {
        (Token::Str(key) | Token::Bin(key), None) => key == text,
        _ => *name(field, dots) == *text,
    }
}

/// A member's key as it is written.
fn name<'a>(field: &Field<'a>, dots: Option<&Dots>) -> Cow<'a, [u8]> {
    let name = key_text(field.raw_key);
    match dots {
        Some(dots) => dots.replaced(name),
        None => name,
    }
}

/// The text that a key of any type becomes: itself, or its JSON.
#[must_use]
pub fn key_text(raw_key: &[u8]) -> Cow<'_, [u8]> {
    match Cursor::new(raw_key).token() {
        Ok(Token::Str(text) | Token::Bin(text)) => text.into(),
        _ => {
            let mut text = Vec::new();
            let mut json = Json::new(Depth::Once);
            json.in_key = true;
            json.value(raw_key, &mut text);
            text.into()
        }
    }
}

/// Writes a value that is neither text nor a container.
fn number(token: Token<'_>, out: &mut Vec<u8>) {
    match token {
        Token::Bool(true) => out.extend_from_slice(b"true"),
        Token::Bool(false) => out.extend_from_slice(b"false"),
        Token::F32(value) if value.is_finite() => {
            out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
        }
        Token::F64(value) if value.is_finite() => {
            out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
        }
        Token::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Token::Uint(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        _ => out.extend_from_slice(NULL),
    }
}

/// Containers in containers that are written; what lies deeper is replaced by a text that says so.
///
/// Real records nest a handful deep, and each level is walked once more: the limit bounds the cost.
pub const MAX_NESTING: usize = 100;

const TOO_DEEP: &[u8] = b"[nested too deeply]";
const NULL: &[u8] = b"null";

#[cfg(test)]
mod tests;
