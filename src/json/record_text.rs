//! Record -> the text that is sent, in the order of the Go plugin's steps: add the time, select keys,
//! replace dots, and write the whole record or the value of `log_key`.
//!
//! Therefore `data_keys` must list the time key to keep it, and `log_key` uses the names of keys after
//! their dots are replaced. No step makes a copy of the record.

use crate::json::escape::Depth;
use crate::json::key_dots::Dots;
use crate::json::pieces::Pieces;
use crate::json::{self, Json};
use crate::naming::strftime::{Format, Renderer, Zone};
use crate::options::Reader;
use crate::record::chunk_reader::{Field, Record};
use crate::record::log_key::Select;
use crate::record::msgpack::{Cursor, Token};

/// How each record is changed before it is sent.
#[derive(Debug, Default)]
pub struct Shape {
    time: Option<TimeKey>,
    kept: Option<Box<[Box<str>]>>,
    dots: Option<Dots>,
    select: Select,
}

/// A member with the record's time.
#[derive(Clone, Debug)]
struct TimeKey {
    /// The key as it is written.
    name: Box<str>,
    /// Formats the time.
    renderer: Renderer,
}

impl Shape {
    /// Reads the options of the record's text.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Self {
        let kept = kept(reader);
        let dots = reader.text("replace_dots").map(|text| Dots::new(&text));
        Self {
            time: TimeKey::read(reader, kept.as_deref(), dots.as_ref()),
            kept,
            dots,
            select: Select::new(reader.text("log_key").as_deref()),
        }
    }

    /// Whether a member is kept. Members whose key is not a string are always kept, as in the Go plugin.
    fn keeps(&self, field: &Field<'_>) -> bool {
        match (&self.kept, field.key) {
            (Some(kept), Token::Str(key) | Token::Bin(key)) => {
                kept.iter().any(|name| name.as_bytes() == key)
            }
            _ => true,
        }
    }
}

/// The items of `data_keys`.
fn kept(reader: &Reader<'_>) -> Option<Box<[Box<str>]>> {
    let text = reader.text("data_keys")?;
    let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
    let keys: Box<[_]> = keys.map(Into::into).collect();
    if keys.is_empty() {
        reader.problem(format_args!("`data_keys` is `{text}`: it names no key"));
    }
    Some(keys)
}

impl TimeKey {
    fn read(reader: &Reader<'_>, kept: Option<&[Box<str>]>, dots: Option<&Dots>) -> Option<Self> {
        let zone = reader.choice("time_key_zone", &[("local", true), ("utc", false)]);
        let text = reader.text("time_key_format").unwrap_or_default();
        let key = reader.text("time_key")?;
        let format = Format::parse(&text)
            .inspect_err(|problem| {
                reader.problem(format_args!("`time_key_format` is `{text}`: {problem}"))
            })
            .ok()?;
        let zone = match zone {
            Some(true) => Zone::local()
                .inspect_err(|why| {
                    reader.problem(format_args!("`time_key_zone` is `local`: {why}"))
                })
                .ok()?,
            _ => Zone::Utc,
        };
        let name = match dots {
            Some(dots) => String::from_utf8_lossy(&dots.replaced(key.as_bytes().into())).into(),
            None => key.as_str().into(),
        };
        let stays = kept.is_none_or(|kept| kept.iter().any(|kept| **kept == *key));
        stays.then(|| Self {
            name,
            renderer: Renderer::new(format, zone),
        })
    }
}

/// Writes the texts of the records of one chunk.
#[derive(Debug)]
pub struct Writer<'c> {
    shape: &'c Shape,
    time: Option<TimeKey>,
    json: Json<'c>,
    time_text: Vec<u8>,
    /// Maximum length in bytes; a longer text is not written to its end.
    max: usize,
    /// The number of values that were skipped before the current record.
    too_deep: usize,
    /// The value that `log_key` selected in the record.
    found: Option<Found<'c>>,
}

/// A value that `log_key` selected.
#[derive(Clone, Copy, Debug)]
enum Found<'c> {
    Time,
    Value(&'c [u8]),
}

impl<'c> Writer<'c> {
    /// Starts a chunk. A text longer than `max` is written only up to a point beyond `max`; some bytes
    /// may follow that close it.
    #[must_use]
    pub fn new(shape: &'c Shape, max: usize) -> Self {
        let json = Json::new(Depth::Once).with_dots(shape.dots.as_ref());
        Self {
            shape,
            time: shape.time.clone(),
            json: json.with_most(max),
            time_text: Vec::new(),
            max,
            too_deep: 0,
            found: None,
        }
    }

    /// The text of the record that was written last, in pieces. Values that are skipped in it are not
    /// counted. Call [`Writer::count_too_deep`] when all pieces are written.
    #[cold]
    pub fn pieces(&self, record: &Record<'c, '_>) -> Pieces<'c> {
        let (shape, dots) = (self.shape, self.shape.dots.as_ref());
        if shape.select.is_whole() {
            let keeps = |field: &Field<'c>| shape.keeps(field);
            return Pieces::record(Depth::Once, dots, record.fields, keeps, self.time_member());
        }
        match self.found {
            Some(Found::Value(raw)) => match Cursor::new(raw).token() {
                Ok(Token::Str(text) | Token::Bin(text)) => Pieces::plain(text),
                _ => Pieces::value(Depth::Once, dots, raw),
            },
            Some(Found::Time) | None => Pieces::plain(self.time_text.clone()),
        }
    }

    /// Counts the values skipped in the pieces of a record. Replaces the count of values skipped when
    /// the beginning of the record was written.
    pub fn count_too_deep(&mut self, too_deep: usize) {
        self.json.set_too_deep(self.too_deep + too_deep);
    }

    fn time_member(&self) -> Option<(&[u8], &[u8])> {
        let time = self.time.as_ref();
        time.map(|time| (time.name.as_bytes(), self.time_text.as_slice()))
    }

    /// The number of values skipped because they are nested too deeply.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.json.too_deep()
    }

    /// Appends a record's text. Returns `false` if the record has no key of `log_key`.
    pub fn write(&mut self, record: &Record<'c, '_>, out: &mut Vec<u8>) -> bool {
        self.too_deep = self.json.too_deep();
        self.render_time(record);
        if !self.shape.select.is_whole() {
            return self.selected(record.fields, out);
        }
        let time = self.time.as_ref();
        let time = time.map(|time| (time.name.as_bytes(), self.time_text.as_slice()));
        let shape = self.shape;
        self.json
            .record_with(record, |field| shape.keeps(field), time, out);
        true
    }

    fn render_time(&mut self, record: &Record<'c, '_>) {
        if let Some(TimeKey { renderer, .. }) = &mut self.time {
            self.time_text.clear();
            let time = record.time;
            renderer.render(time.seconds, time.nanos, &mut self.time_text);
        }
    }

    /// Appends the value of `log_key`: a string without escaping, any other value as JSON.
    fn selected(&mut self, fields: &[Field<'c>], out: &mut Vec<u8>) -> bool {
        self.found = self.find(fields);
        match self.found {
            None => return false,
            Some(Found::Time) => out.extend_from_slice(&self.time_text),
            Some(Found::Value(raw)) => match Cursor::new(raw).token() {
                Ok(Token::Str(text) | Token::Bin(text)) => {
                    // Truncation needs one more character to detect that the text is too long.
                    let beginning = self.max.saturating_add(MAX_CHARACTER_BYTES).min(text.len());
                    out.extend_from_slice(&text[..beginning]);
                }
                _ => {
                    self.json.value(raw, out);
                }
            },
        }
        true
    }

    #[inline(always)]
    fn find(&self, fields: &[Field<'c>]) -> Option<Found<'c>> {
        let dots = self.shape.dots.as_ref();
        self.shape.select.find(|key| {
            // The time replaces a member of the record with the same name.
            if self
                .time
                .as_ref()
                .is_some_and(|time| time.name.as_bytes() == key)
            {
                return Some(Found::Time);
            }
            let mut from_last = fields.iter().rev().filter(|field| self.shape.keeps(field));
            let field = from_last.find(|field| json::is_named(field, dots, key))?;
            Some(Found::Value(field.value))
        })
    }
}

/// Maximum length of a UTF-8 character, in bytes.
const MAX_CHARACTER_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::firehose::options::OPTIONS;
    use crate::record::chunk_reader::Records;

    /// The record's text with these options and a time of 1.5 s.
    fn text(options: &[(&str, &str)], record: &Value) -> Option<String> {
        let reader = Reader::new(OPTIONS, |key| {
            let found = options.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        });
        let shape = Shape::read(&reader);
        assert_eq!(reader.problems(), Vec::<String>::new());
        let chunk = rmp_serde::to_vec(&json!([1.5, record])).unwrap();
        let mut out = Vec::new();
        let mut records = Records::new(&chunk);
        let written = Writer::new(&shape, usize::MAX).write(&records.next()?, &mut out);
        written.then(|| String::from_utf8(out).unwrap())
    }

    const TIME: [(&str, &str); 3] = [
        ("time_key", "t.s"),
        ("time_key_format", "%S.%L"),
        ("time_key_zone", "utc"),
    ];

    fn with<'o>(more: &[(&'o str, &'o str)]) -> Vec<(&'o str, &'o str)> {
        [&TIME, more].concat()
    }

    #[test]
    fn the_steps_run_in_the_order_of_the_go_plugin() {
        let record = json!({"t.s": "old", "log.a": "x", "b": {"c.d": [{"e.f": 1}]}});
        for (more, expected) in [
            (
                &[][..],
                r#"{"b":{"c.d":[{"e.f":1}]},"log.a":"x","t.s":"01.500"}"#,
            ),
            (
                &[("data_keys", "t.s , log.a")],
                r#"{"log.a":"x","t.s":"01.500"}"#,
            ),
            (&[("data_keys", "log.a")], r#"{"log.a":"x"}"#),
            (&[("data_keys", "none")], "{}"),
            (
                &[("replace_dots", "-")],
                r#"{"b":{"c-d":[{"e-f":1}]},"log-a":"x","t-s":"01.500"}"#,
            ),
            (&[("replace_dots", "-"), ("log_key", "log-a")], "x"),
            (
                &[("replace_dots", "-"), ("log_key", "b")],
                r#"{"c-d":[{"e-f":1}]}"#,
            ),
            (&[("replace_dots", "-"), ("log_key", "t-s")], "01.500"),
            (&[("log_key", "none,t.s")], "01.500"),
            (&[("log_key", "log.a")], "x"),
        ] {
            assert_eq!(
                text(&with(more), &record).as_deref(),
                Some(expected),
                "{more:?}"
            );
        }
    }

    #[test]
    fn a_record_without_the_selected_key_has_no_text() {
        let record = json!({"a.b": 1, "c": 2});
        for options in [
            &[("log_key", "a.b"), ("replace_dots", "_")][..],
            &[("log_key", "c"), ("data_keys", "a.b")],
            &[("log_key", "d")],
        ] {
            assert_eq!(text(options, &record), None, "{options:?}");
        }
    }

    #[test]
    fn of_equal_names_the_last_is_written_and_the_time_is_last() {
        let map = json!({"a.b": 1, "a_b": 2, "t_s": "own"});
        let options = with(&[("replace_dots", "_")]);
        assert_eq!(
            text(&options, &map).as_deref(),
            Some(r#"{"a_b":2,"t_s":"01.500"}"#)
        );
        let selected = [("replace_dots", "_"), ("log_key", "a_b")];
        assert_eq!(text(&selected, &map).as_deref(), Some("2"));
    }
}
