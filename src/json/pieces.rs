//! Writes a value's JSON in pieces, for values that are larger than a request.
//!
//! The text is the same that [`Json`] writes. [`Json`] also writes all small values here. For a large
//! value only the position in the chunk is kept, so the text of a record of any size takes little
//! memory.

use std::borrow::Cow;
use std::vec;

use base64_simd::STANDARD;

use super::{Json, MAX_NESTING, is_named, number};
use crate::batch::oversize;
use crate::json::escape::{self, Depth};
use crate::json::key_dots::Dots;
use crate::record::chunk_reader::Field;
use crate::record::msgpack::{Cursor, Token};

/// Whether a member of a map is left out.
pub type LeaveOut = fn(&Field<'_>) -> bool;

/// Writes one value in pieces.
#[derive(Debug)]
pub struct Pieces<'a> {
    json: Json<'a>,
    /// The values still to be written, the next one last.
    levels: Vec<Level<'a>>,
}

#[derive(Debug)]
enum Level<'a> {
    Array {
        rest: Cursor<'a>,
        count: u32,
        is_first: bool,
        nesting: usize,
    },
    Map(Members<'a>),
    Value {
        raw: &'a [u8],
        nesting: usize,
        leave_out: Option<LeaveOut>,
    },
    /// Text to be escaped.
    Text(Rest<'a>),
    /// Text that is written without escaping.
    Plain(Rest<'a>),
    Base64(&'a [u8]),
}

/// The unwritten end of a text.
#[derive(Debug)]
struct Rest<'a> {
    text: Cow<'a, [u8]>,
    at: usize,
}

#[derive(Debug)]
struct Members<'a> {
    fields: vec::IntoIter<Field<'a>>,
    nesting: usize,
    is_first: bool,
    /// Members that are written before the others, each followed by a comma.
    before: Vec<u8>,
    /// A member that is written after the others, without a comma.
    after: Vec<u8>,
    /// The key of a member whose value is a map, and which members of that map are left out.
    filtered: Option<(&'static [u8], LeaveOut)>,
}

impl<'a> Pieces<'a> {
    /// Writes a text without escaping.
    #[must_use]
    pub fn plain(text: impl Into<Cow<'a, [u8]>>) -> Self {
        let rest = Rest::new(text.into());
        Self::of(Json::new(Depth::Once), Level::Plain(rest))
    }

    /// Writes a text as the content of a JSON string.
    #[must_use]
    pub fn text(text: &'a [u8]) -> Self {
        let rest = Rest::new(text.into());
        Self::of(Json::new(Depth::Once), Level::Text(rest))
    }

    /// Writes the same text as [`Json::value`].
    #[must_use]
    pub fn value(depth: Depth, dots: Option<&'a Dots>, raw: &'a [u8]) -> Self {
        let value = Level::Value {
            raw,
            nesting: 0,
            leave_out: None,
        };
        Self::of(Json::new(depth).with_dots(dots), value)
    }

    /// Writes the same text as [`Json::record_with`].
    #[must_use]
    pub fn record(
        depth: Depth,
        dots: Option<&'a Dots>,
        fields: &[Field<'a>],
        keeps: impl Fn(&Field<'a>) -> bool,
        more: Option<(&[u8], &[u8])>,
    ) -> Self {
        let mut json = Json::new(depth).with_dots(dots);
        let replaced = json.replaced(fields, &keeps);
        let is_written = |(index, field): &(usize, &Field<'a>)| {
            let is_replaced_by_more = more.is_some_and(|(key, _)| is_named(field, dots, key));
            keeps(field) && !replaced.contains(*index) && !is_replaced_by_more
        };
        let fields: Vec<_> = fields.iter().enumerate().filter(is_written).collect();
        let fields: Vec<_> = fields.into_iter().map(|(_, field)| *field).collect();
        let mut members = Members::new(fields, 0);
        if let Some((key, text)) = more {
            json.quoted(key, &mut members.after);
            members.after.push(b':');
            json.quoted(text, &mut members.after);
        }
        Self::of(json, Level::Map(members))
    }

    /// Adds members before those of a record, each followed by a comma.
    #[must_use]
    pub fn with_members(mut self, before: Vec<u8>) -> Self {
        if let Some(Level::Map(members)) = self.levels.last_mut() {
            members.before = before;
        }
        self
    }

    /// Leaves members out of the map under this key of a record.
    #[must_use]
    pub fn leaving_out(mut self, key: &'static [u8], leave_out: LeaveOut) -> Self {
        if let Some(Level::Map(members)) = self.levels.last_mut() {
            members.filtered = Some((key, leave_out));
        }
        self
    }

    fn of(json: Json<'a>, level: Level<'a>) -> Self {
        let levels = vec![level];
        Self { json, levels }
    }

    /// Appends the next piece of about [`PIECE`] bytes. Returns `false` at the end. A piece ends
    /// between two characters, and never inside an escape sequence.
    pub fn write(&mut self, out: &mut Vec<u8>) -> bool {
        let enough = out.len() + PIECE;
        while out.len() < enough {
            let Some(level) = self.levels.pop() else {
                return out.len() + PIECE > enough;
            };
            self.write_level(level, out);
        }
        true
    }

    /// The number of values skipped because they are nested too deeply.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.json.too_deep()
    }

    fn write_level(&mut self, level: Level<'a>, out: &mut Vec<u8>) {
        match level {
            Level::Array {
                mut rest,
                count,
                is_first,
                nesting,
            } => match rest.value() {
                Ok(raw) if count > 0 => {
                    if !is_first {
                        out.push(b',');
                    }
                    self.levels.push(Level::Array {
                        rest,
                        count: count - 1,
                        is_first: false,
                        nesting,
                    });
                    self.write_value(raw, nesting, None, out);
                }
                _ => out.push(b']'),
            },
            Level::Map(members) => self.write_member(members, out),
            Level::Value {
                raw,
                nesting,
                leave_out,
            } => self.write_value(raw, nesting, leave_out, out),
            Level::Text(mut rest) => {
                escape::append(rest.next(), self.json.depth, out);
                self.put_back(rest, Level::Text);
            }
            Level::Plain(mut rest) => {
                out.extend_from_slice(rest.next());
                self.put_back(rest, Level::Plain);
            }
            Level::Base64(bytes) => {
                // Base64 encodes 3 bytes as 4 letters, so pieces of a multiple of 3 bytes concatenate.
                let (piece, rest) = bytes.split_at(bytes.len().min(TEXT_PIECE / 3 * 3));
                STANDARD.encode_append(piece, out);
                if !rest.is_empty() {
                    self.levels.push(Level::Base64(rest));
                }
            }
        }
    }

    fn put_back(&mut self, rest: Rest<'a>, level: fn(Rest<'a>) -> Level<'a>) {
        if !rest.is_at_end() {
            self.levels.push(level(rest));
        }
    }

    fn write_member(&mut self, mut members: Members<'a>, out: &mut Vec<u8>) {
        if members.is_first {
            out.push(b'{');
            out.append(&mut members.before);
        }
        let Some(field) = members.fields.next() else {
            if !members.is_first && !members.after.is_empty() {
                out.push(b',');
            }
            out.append(&mut members.after);
            return out.push(b'}');
        };
        if !members.is_first {
            out.push(b',');
        }
        members.is_first = false;
        let nesting = members.nesting;
        let filtered = members.filtered.filter(|(key, _)| field.is(key));
        self.levels.push(Level::Map(members));
        if filtered.is_none() && field.raw_key.len() + field.value.len() <= SMALL {
            return self.json.keyed(&field, nesting, out);
        }
        self.levels.push(Level::Value {
            raw: field.value,
            nesting,
            leave_out: filtered.map(|(_, leave_out)| leave_out),
        });
        self.push_plain(b":");
        let key = match (field.key, self.json.dots) {
            (Token::Str(key) | Token::Bin(key), None) => key.into(),
            _ => self.json.name(&field),
        };
        self.quoted(key);
    }

    fn write_value(
        &mut self,
        raw: &'a [u8],
        nesting: usize,
        leave_out: Option<LeaveOut>,
        out: &mut Vec<u8>,
    ) {
        let mut cursor = Cursor::new(raw);
        let token = cursor.token();
        let is_small = raw.len() <= SMALL && leave_out.is_none();
        match token {
            Ok(Token::Array(count)) if !is_small && nesting < MAX_NESTING => {
                out.push(b'[');
                self.levels.push(Level::Array {
                    rest: cursor,
                    count,
                    is_first: true,
                    nesting: nesting + 1,
                });
            }
            Ok(Token::Map(count)) if !is_small && nesting < MAX_NESTING => {
                let fields = (0..count).map_while(|_| Field::read(&mut cursor).ok());
                let fields =
                    fields.filter(|field| leave_out.is_none_or(|leave_out| !leave_out(field)));
                let fields: Vec<_> = fields.collect();
                let replaced = self.json.replaced(&fields, |_| true);
                let all = fields.into_iter().enumerate();
                let stay = all.filter(|(index, _)| !replaced.contains(*index));
                let stay = stay.map(|(_, field)| field).collect();
                self.levels
                    .push(Level::Map(Members::new(stay, nesting + 1)));
            }
            Ok(Token::Str(text) | Token::Bin(text)) if !is_small => self.quoted(text.into()),
            Ok(Token::Ext(kind, bytes)) if !is_small => self.ext(kind, bytes, out),
            _ => self.json.any(&mut Cursor::new(raw), nesting, out),
        }
    }

    /// Pushes a text in quotes.
    fn quoted(&mut self, text: Cow<'a, [u8]>) {
        self.push_plain(self.json.depth.quote());
        self.levels.push(Level::Text(Rest::new(text)));
        self.push_plain(self.json.depth.quote());
    }

    fn push_plain(&mut self, text: &'static [u8]) {
        self.levels.push(Level::Plain(Rest::new(text.into())));
    }

    fn ext(&mut self, kind: i8, bytes: &'a [u8], out: &mut Vec<u8>) {
        out.push(b'{');
        self.json.quoted(b"ext", out);
        out.push(b':');
        number(Token::Int(kind.into()), out);
        out.push(b',');
        self.json.quoted(b"data", out);
        out.push(b':');
        out.extend_from_slice(self.json.depth.quote());
        self.push_plain(b"}");
        self.push_plain(self.json.depth.quote());
        self.levels.push(Level::Base64(bytes));
    }
}

impl<'a> Members<'a> {
    fn new(fields: Vec<Field<'a>>, nesting: usize) -> Self {
        Self {
            fields: fields.into_iter(),
            nesting,
            is_first: true,
            before: Vec::new(),
            after: Vec::new(),
            filtered: None,
        }
    }
}

impl<'a> Rest<'a> {
    fn new(text: Cow<'a, [u8]>) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the next piece, which ends between two characters.
    fn next(&mut self) -> &[u8] {
        let rest = &self.text[self.at..];
        let piece = &rest[..oversize::plain_fitting(rest, TEXT_PIECE)];
        self.at += piece.len();
        piece
    }

    fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }
}

/// Approximate size of a piece in bytes.
pub const PIECE: usize = 64 * 1024;
/// Bytes of a text that are escaped at once. Escaping writes at most eight times as many.
const TEXT_PIECE: usize = 8 * 1024;
/// Values of up to this many bytes are written at once.
const SMALL: usize = 1024;

#[cfg(test)]
mod tests;
