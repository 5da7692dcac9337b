//! Record -> the text that travels, in the Go plugin's order of steps: the time is added, keys are
//! kept or not, dots are replaced, and then the whole or the value of `log_key` is written.
//!
//! So `data_keys` must list the time key for it to stay, and `log_key` names keys as they are after
//! their dots are replaced. The order is kept without making a new record at each step.

use crate::json::escape::Depth;
use crate::json::key_dots::Dots;
use crate::json::pieces::Pieces;
use crate::json::{self, Json};
use crate::naming::strftime::{Format, Renderer, Zone};
use crate::options::Reader;
use crate::record::chunk_reader::{Field, Record};
use crate::record::log_key::Select;
use crate::record::msgpack::{Cursor, Token};

/// What is done to each record.
#[derive(Debug, Default)]
pub struct Shape {
    time: Option<TimeKey>,
    kept: Option<Box<[Box<str>]>>,
    dots: Option<Dots>,
    select: Select,
}

/// A member that tells a record's time.
#[derive(Clone, Debug)]
struct TimeKey {
    /// Its key as it is written.
    name: Box<str>,
    /// Its text, from a time.
    renderer: Renderer,
}

impl Shape {
    /// Reads the options that say what travels.
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

    /// Whether a member stays; those whose key is no text always do, as in the Go plugin.
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

/// Writes the texts of one chunk's records.
#[derive(Debug)]
pub struct Writer<'c> {
    shape: &'c Shape,
    time: Option<TimeKey>,
    json: Json<'c>,
    time_text: Vec<u8>,
    /// A longer text is not written to its end.
    most: usize,
    /// Values that had been left out before the record.
    too_deep: usize,
    /// What `log_key` has found in the record.
    found: Option<Found<'c>>,
}

/// What `log_key` has found.
#[derive(Clone, Copy, Debug)]
enum Found<'c> {
    Time,
    Value(&'c [u8]),
}

impl<'c> Writer<'c> {
    /// Begins a chunk. Of a text that is longer than `most` only a beginning that is longer too, and
    /// something behind it, is written.
    #[must_use]
    pub fn new(shape: &'c Shape, most: usize) -> Self {
        let json = Json::new(Depth::Once).with_dots(shape.dots.as_ref());
        Self {
            shape,
            time: shape.time.clone(),
            json: json.with_most(most),
            time_text: Vec::new(),
            most,
            too_deep: 0,
            found: None,
        }
    }

    /// The text of the record that was written last, a piece at a time. Values that were left out of
    /// it are not counted; [`Writer::count_too_deep`] does that when all pieces are written.
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

    /// Counts values that were left out of the pieces of a record, and no longer those that were left
    /// out when a beginning of it was written.
    pub fn count_too_deep(&mut self, too_deep: usize) {
        self.json.set_too_deep(self.too_deep + too_deep);
    }

    fn time_member(&self) -> Option<(&[u8], &[u8])> {
        let time = self.time.as_ref();
        time.map(|time| (time.name.as_bytes(), self.time_text.as_slice()))
    }

    /// Values left out because they were nested too deeply.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.json.too_deep()
    }

    /// Appends a record's text; `false` when it has no key of `log_key`.
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

    /// Appends the value of `log_key`: text as it is, anything else as JSON.
    fn selected(&mut self, fields: &[Field<'c>], out: &mut Vec<u8>) -> bool {
        self.found = self.find(fields);
        match self.found {
            None => return false,
            Some(Found::Time) => out.extend_from_slice(&self.time_text),
            Some(Found::Value(raw)) => match Cursor::new(raw).token() {
                Ok(Token::Str(text) | Token::Bin(text)) => {
                    // A cut needs to see a character more.
                    let beginning = self.most.saturating_add(CHARACTER).min(text.len());
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
            // The time replaces what the record has under its key.
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

/// The longest character, in bytes.
const CHARACTER: usize = 4;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::firehose::options::OPTIONS;
    use crate::record::chunk_reader::Records;

    /// The record's text under these options, at 1.5 s.
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
    fn the_steps_follow_each_other_as_in_the_go_plugin() {
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
    fn of_names_that_meet_the_last_counts_and_the_time_is_the_last() {
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
