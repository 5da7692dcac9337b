//! A record whose selected value is text.

use std::borrow::Cow;

use crate::record::chunk_reader::{Field, Record};
use crate::record::log_key::{Part, Select};
use crate::record::msgpack::{Cursor, Token};
use crate::record::timestamp::Time;

/// A record with its selected text.
#[derive(Clone, Debug)]
pub(super) struct Line<'c> {
    pub(super) time: Time,
    pub(super) fields: Vec<Field<'c>>,
    /// The index of the field with the text.
    at: usize,
    pub(super) text: Cow<'c, [u8]>,
}

impl<'c> Line<'c> {
    /// `None` for a record without the key, or with a value that is not text.
    pub(super) fn of(record: &Record<'c, '_>, select: &Select) -> Option<Self> {
        let Part::Value(raw) = select.part(record)? else {
            return None;
        };
        let text = text(raw)?;
        let is_it = |field: &Field<'_>| std::ptr::eq(field.value, raw);
        Some(Self {
            time: record.time,
            at: record.fields.iter().rposition(is_it)?,
            fields: record.fields.to_vec(),
            text: text.into(),
        })
    }

    /// The text under a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<&'c [u8]> {
        let field = self.fields.iter().rfind(|field| field.is(key))?;
        text(field.value)
    }

    /// Appends more text.
    pub(super) fn append(&mut self, parts: &[&[u8]]) {
        let text = self.text.to_mut();
        parts.iter().for_each(|part| text.extend_from_slice(part));
    }

    /// Removes the fields that `is_out` matches. The field with the text always stays.
    pub(super) fn leave_out(&mut self, is_out: impl Fn(&Field<'_>) -> bool) {
        let mut index = 0;
        let (mut before, at) = (0, self.at);
        self.fields.retain(|field| {
            let stays = index == at || !is_out(field);
            before += usize::from(index < at && !stays);
            index += 1;
            stays
        });
        self.at -= before;
    }

    /// Appends the record in the format of Fluent Bit.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        head(self.time, self.fields.len(), out);
        for (index, field) in self.fields.iter().enumerate() {
            out.extend_from_slice(field.raw_key);
            if index == self.at {
                string(&self.text, out);
            } else {
                out.extend_from_slice(field.value);
            }
        }
    }
}

/// Appends a record of these fields.
pub(super) fn write(time: Time, fields: &[Field<'_>], out: &mut Vec<u8>) {
    head(time, fields.len(), out);
    for field in fields {
        out.extend_from_slice(field.raw_key);
        out.extend_from_slice(field.value);
    }
}

fn text(raw: &[u8]) -> Option<&[u8]> {
    match Cursor::new(raw).token() {
        Ok(Token::Str(text) | Token::Bin(text)) => Some(text),
        _ => None,
    }
}

/// Appends `[EventTime, {` and the number of fields. A time outside the range of EventTime is written as
/// whole seconds.
fn head(time: Time, fields: usize, out: &mut Vec<u8>) {
    out.push(ARRAY_OF_TWO);
    match u32::try_from(time.seconds) {
        Ok(seconds) if !is_marker(seconds) => {
            out.extend_from_slice(&EVENT_TIME);
            out.extend_from_slice(&seconds.to_be_bytes());
            out.extend_from_slice(&time.nanos.to_be_bytes());
        }
        _ => {
            out.push(INT_64);
            out.extend_from_slice(&time.seconds.to_be_bytes());
        }
    }
    out.push(MAP_32);
    out.extend_from_slice(&length(fields));
}

/// Whether the seconds are one of the two values that mark groups of records.
fn is_marker(seconds: u32) -> bool {
    seconds >= u32::MAX - 1
}

fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(STR_32);
    out.extend_from_slice(&length(text.len()));
    out.extend_from_slice(text);
}

/// A length in four bytes. A chunk is shorter than 4 GiB, so all lengths in it fit.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

const ARRAY_OF_TWO: u8 = 0x92;
/// An extension of eight bytes with type 0.
const EVENT_TIME: [u8; 2] = [0xd7, 0];
const INT_64: u8 = 0xd3;
const MAP_32: u8 = 0xdf;
const STR_32: u8 = 0xdb;
