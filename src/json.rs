//! MessagePack -> JSON text, straight into the request body.
//!
//! The result is valid JSON for every input: of members with one key the last is written, keys that
//! are not text are written as text, NaN and the infinities are null, text that is not UTF-8 gets
//! U+FFFD, and an extension is `{"ext":TYPE,"data":"BASE64"}`, an EventTime its RFC 3339 text.
//! Integers and floats keep their full precision.

use std::borrow::Cow;

use base64_simd::STANDARD;
use jiff::Timestamp;

use crate::decode::{Field, Record};
use crate::dots::Dots;
use crate::duplicates::{self, Replaced};
use crate::escape::{self, Depth};
use crate::head;
use crate::known::Known;
use crate::msgpack::{Cursor, Token};

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
            too_deep: 0,
            in_key: false,
        }
    }

    /// Writes keys with their dots replaced, at every depth.
    #[must_use]
    pub fn with_dots(self, dots: Option<&'a Dots>) -> Self {
        Self { dots, ..self }
    }

    /// Values left out because they were nested more than [`MAX_NESTING`] deep.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.too_deep
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
        self.overhead = 0;
        self.members.clear();
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
        self.overhead = 0;
        self.members.clear();
        self.any(&mut Cursor::new(raw), 0, out);
        self.overhead
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
    fn new_member(
        &mut self,
        place: usize,
        since: Option<u32>,
        field: &Field<'a>,
        out: &mut Vec<u8>,
    ) {
        let (start, overhead, too_deep) = (out.len(), self.overhead, self.too_deep);
        self.member(field, 0, out);
        // What is left out has to be counted each time.
        if let Some(since) = since
            && self.too_deep == too_deep
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
                duplicates::replaced_as(members, keeps, |member| self.name(member))
            }
            None if self.in_key => {
                duplicates::replaced_as(members, keeps, |member| self.name(member))
            }
            _ => duplicates::replaced(members),
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
        self.overhead += escape::append(text, self.depth, out) + 2 * (quote.len() - 1);
        out.extend_from_slice(quote);
    }

    fn ext(&mut self, kind: i8, bytes: &[u8], out: &mut Vec<u8>) {
        if let (0, Ok(time)) = (kind, bytes.try_into()) {
            let time = head::event_time(time);
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
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::decode::Records;
    use crate::head::Time;

    fn text(raw: &[u8]) -> String {
        let mut out = Vec::new();
        assert_eq!(
            Json::new(Depth::Once).value(raw, &mut out) > 0,
            out.contains(&b'\\')
        );
        String::from_utf8(out).unwrap()
    }

    fn packed(value: &Value) -> Vec<u8> {
        rmp_serde::to_vec(value).unwrap()
    }

    #[test]
    fn what_json_can_say_comes_back_as_it_was() {
        let value = json!({
            "text": "a \"quoted\"\\\n\u{1} é 😀", "": [], "deep": {"a": [1, [2, {"b": null}]]},
            "numbers": [0, -1, u64::MAX, i64::MIN, 0.1, 1e300, -0.5, true, false],
        });
        assert_eq!(
            serde_json::from_str::<Value>(&text(&packed(&value))).unwrap(),
            value
        );
    }

    #[test]
    fn twice_is_once_inside_a_string_and_the_overhead_is_their_difference() {
        let raw = packed(&json!({"k\"ey": ["line\nbreak", {"x": "\\"}], "n": 1.5}));
        let mut twice = b"\"".to_vec();
        let overhead = Json::new(Depth::Twice).value(&raw, &mut twice);
        twice.push(b'"');
        let inner: String = serde_json::from_slice(&twice).unwrap();
        assert_eq!(inner, text(&raw));
        assert_eq!(twice.len() - 2 - overhead, inner.len());
    }

    #[test]
    fn members_keep_their_order_and_of_equal_keys_the_last_is_written() {
        let raw = [
            0x84, 0xa1, b'b', 1, 0xa1, b'a', 2, 0xa1, b'b', 3, 0xa1, b'c', 0x82, 0xa1, b'x', 1,
            0xa1, b'x', 2,
        ];
        assert_eq!(text(&raw), r#"{"a":2,"b":3,"c":{"x":2}}"#);
    }

    #[test]
    fn keys_that_are_not_text_become_text() {
        let raw = [
            0x85, 7, 1, 0xc3, 2, 0xc0, 3, 0x91, 0xa1, b'q', 4, 0xa1, b'7', 5,
        ];
        assert_eq!(text(&raw), r#"{"true":2,"null":3,"[\"q\"]":4,"7":5}"#);
    }

    #[test]
    fn what_json_cannot_say_has_a_defined_form() {
        let nan = [&[0xcb][..], &f64::NAN.to_be_bytes()].concat();
        assert_eq!(text(&nan), "null");
        assert_eq!(
            text(&[&[0xca][..], &f32::NEG_INFINITY.to_be_bytes()].concat()),
            "null"
        );
        assert_eq!(text(&[&[0xca][..], &0.1f32.to_be_bytes()].concat()), "0.1");
        assert_eq!(text(&[0xc4, 3, b'a', 0xff, b'b']), "\"a\u{fffd}b\"");
        assert_eq!(text(&[0xd5, 5, 1, 2]), r#"{"ext":5,"data":"AQI="}"#);
        assert_eq!(
            text(&[0xd7, 0, 0x65, 0x53, 0xf1, 0, 0, 0, 0, 1]),
            "\"2023-11-14T22:13:20.000000001Z\""
        );
    }

    #[test]
    fn a_member_can_be_added_and_replaces_one_of_its_key() {
        let raw = packed(&json!("v"));
        let field = |raw_key: &'static [u8]| Field {
            key: Cursor::new(raw_key).token().unwrap(),
            raw_key,
            value: &raw,
        };
        let added = |fields: &[Field<'_>]| {
            let mut out = Vec::new();
            let record = Record::alone(Time::default(), fields);
            let more = Some((&b"t"[..], &b"now"[..]));
            Json::new(Depth::Once).record_with(&record, |_| true, more, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(added(&[]), r#"{"t":"now"}"#);
        assert_eq!(
            added(&[field(b"\xa1t"), field(b"\xa1a")]),
            r#"{"a":"v","t":"now"}"#
        );
    }

    #[test]
    fn records_that_share_members_are_written_as_each_would_be_alone() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let values = [
            json!("same"),
            json!("\"q\"\n"),
            json!({"m": [1, "é"]}),
            json!(7),
        ];
        let nested = (0..=MAX_NESTING).fold(json!(1), |inner, _| json!([inner]));
        let mut chunk = Vec::new();
        for _ in 0..500 {
            let mut map = vec![0x80];
            for key in ["log", "a.b", "a_b", "c", "c", "deep"] {
                if random.u8(..20) == 0 {
                    continue;
                }
                map[0] += 1;
                map.extend(packed(&json!(key)));
                map.extend(match (key, random.u8(..10)) {
                    ("log", _) | (_, 0) => packed(&values[random.usize(..values.len())]),
                    ("deep", 1..=5) => packed(&nested),
                    _ => packed(&values[key.len() % values.len()]),
                });
            }
            chunk.extend(b"\x92\xd7\x00\x00\x00\x00\x09\x00\x00\x00\x00");
            chunk.extend(map);
        }
        let dots = Dots::new("_");
        for (depth, dots) in [(Depth::Twice, None), (Depth::Once, Some(&dots))] {
            let mut records = Records::new(&chunk);
            let mut together = Json::new(depth).with_dots(dots);
            let mut too_deep = 0;
            while let Some(record) = records.next() {
                let (mut out, mut expected) = (Vec::new(), Vec::new());
                let mut alone = Json::new(depth).with_dots(dots);
                let overhead =
                    alone.record(&Record::alone(record.time, record.fields), &mut expected);
                assert_eq!(together.record(&record, &mut out), overhead);
                too_deep += alone.too_deep();
                assert_eq!(together.too_deep(), too_deep);
                assert_eq!(String::from_utf8(out), String::from_utf8(expected));
            }
            assert!(too_deep > 0);
        }
    }

    #[test]
    fn dots_are_replaced_in_the_keys_of_every_depth_and_of_equal_names_the_last_is_written() {
        let value = json!({"a.b": 1, "l": [{"c.d.e": "x.y", "plain": {".": 2}}]});
        let mut raw = packed(&value);
        // Two more members of the map: `a_b`, and the float 1.5 as a key.
        raw[0] += 2;
        raw.extend_from_slice(b"\xa3a_b\x03\xca\x3f\xc0\x00\x00\x04");
        let dots = Dots::new("_");
        let mut out = Vec::new();
        Json::new(Depth::Once)
            .with_dots(Some(&dots))
            .value(&raw, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"l":[{"c_d_e":"x.y","plain":{"_":2}}],"a_b":3,"1_5":4}"#
        );
    }

    #[test]
    fn what_is_nested_too_deeply_is_replaced_and_counted() {
        let mut raw = vec![0x91; MAX_NESTING + 50];
        raw.push(1);
        let mut json = Json::new(Depth::Once);
        let mut out = Vec::new();
        json.value(&raw, &mut out);
        assert_eq!(json.too_deep(), 1);
        let expected = [
            "[".repeat(MAX_NESTING),
            "\"[nested too deeply]\"".into(),
            "]".repeat(MAX_NESTING),
        ];
        assert_eq!(String::from_utf8(out).unwrap(), expected.concat());
    }

    #[test]
    fn containers_that_are_keys_of_keys_cost_no_more_than_they_hold() {
        let mut raw = vec![0x81; 10_000];
        raw.extend([0; 10_001]);
        let mut out = Vec::new();
        Json::new(Depth::Once).value(&raw, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"{"{\"[nested too deeply]\":0}":0}"#);
    }
}
