//! Record -> partition key, which selects the shard.

use std::borrow::Cow;

use crate::options::Reader;
use crate::record::chunk_reader::{Field, Record};
use crate::record::msgpack::{Cursor, Token};

/// The path of the partition key in a record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PartitionKey {
    /// The keys of nested maps, the outermost first; empty for random partition keys.
    path: Box<[Box<str>]>,
}

impl PartitionKey {
    /// Reads `partition_key`.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Self {
        let Some(text) = reader.text("partition_key") else {
            return Self::default();
        };
        let path: Box<[Box<str>]> = text.split(NESTED).map(|key| key.trim().into()).collect();
        if path.iter().any(|key| key.is_empty()) {
            reader.problem(format_args!(
                "`partition_key` is `{text}`: each side of `{NESTED}` must be a key"
            ));
        }
        if *text == *LOG {
            reader.problem(format_args!(
                "`partition_key` is `{LOG}`: the text of a log line cannot be the partition key; use a key whose value names what the lines belong to, such as `container_id`"
            ));
        }
        if reader.text("time_key").as_deref() == Some(&*text) {
            reader.problem(format_args!(
                "`partition_key` is `{text}`, the key that `time_key` adds: a time cannot be the partition key; use a key of the record"
            ));
        }
        Self { path }
    }

    /// Whether each record has a random partition key.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.path.is_empty()
    }

    /// The option's text, for a log line.
    #[must_use]
    pub fn text(&self) -> String {
        self.path.join(NESTED)
    }

    /// The record's partition key: the first [`MAX_BYTES`] bytes of the text under the path. `None` if the
    /// value is missing, empty or not text.
    #[must_use]
    pub fn find<'a>(&self, record: &Record<'a, '_>) -> Option<Cow<'a, str>> {
        let (first, rest) = self.path.split_first()?;
        let mut raw = record.value(first.as_bytes())?;
        for key in rest {
            raw = member(raw, key.as_bytes())?;
        }
        match Cursor::new(raw).token() {
            Ok(Token::Str(text) | Token::Bin(text)) if !text.is_empty() => Some(truncated(text)),
            _ => None,
        }
    }
}

/// The value of a map's last member with this key.
fn member<'a>(map: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(map);
    let Ok(Token::Map(count)) = cursor.token() else {
        return None;
    };
    let mut found = None;
    for _ in 0..count {
        let field = Field::read(&mut cursor).ok()?;
        if field.is(key) {
            found = Some(field.value);
        }
    }
    found
}

/// The first bytes of a text, cut between characters. Bytes that are not UTF-8 become U+FFFD.
fn truncated(text: &[u8]) -> Cow<'_, str> {
    let text = &text[..text.len().min(MAX_BYTES)];
    match std::str::from_utf8(text) {
        Ok(text) => text.into(),
        // The text was cut inside a character.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            String::from_utf8_lossy(&text[..error.valid_up_to()])
        }
        Err(_) => String::from_utf8_lossy(text),
    }
}

/// A partition key of random ASCII letters and digits.
#[must_use]
pub fn random() -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(RANDOM_BYTES)
        .collect()
}

/// The length of a random partition key in bytes, as in the Go plugin. It reaches all shards.
pub const RANDOM_BYTES: usize = 8;
/// Maximum length of a partition key in bytes, as in the Go plugin. The service's limit is 256 characters:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html>.
pub const MAX_BYTES: usize = 256;
/// The separator of the keys of nested maps.
const NESTED: &str = "->";
/// The Go plugin refuses this key.
const LOG: &str = "log";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kinesis::options::OPTIONS;
    use crate::record::chunk_reader::Records;

    fn read(options: &[(&str, &str)]) -> (PartitionKey, Vec<String>) {
        let reader = Reader::new(OPTIONS, |key| {
            let found = options.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        });
        (PartitionKey::read(&reader), reader.problems())
    }

    fn key(path: &str, record: &Value) -> Option<String> {
        let (key, problems) = read(&[("partition_key", path)]);
        assert_eq!(problems, [""; 0]);
        let chunk = rmp_serde::to_vec(&json!([1, record])).unwrap();
        let mut records = Records::new(&chunk);
        let record = records.next().unwrap();
        key.find(&record).map(Cow::into_owned)
    }

    #[test]
    fn the_text_under_the_path_is_the_key() {
        let record = json!({"id": "a b", "k": {"pod": {"name": "web-1"}, "n": 7}, "a->b": "x"});
        for (path, expected) in [
            ("id", Some("a b")),
            ("k->pod->name", Some("web-1")),
            (" k -> pod->name ", Some("web-1")),
            ("k->pod", None),
            ("k->n", None),
            ("k->none", None),
            ("id->more", None),
            ("none", None),
            ("a->b", None),
        ] {
            assert_eq!(key(path, &record).as_deref(), expected, "{path}");
        }
        assert_eq!(key("id", &json!({"id": ""})), None);
    }

    #[test]
    fn a_long_key_is_cut_to_256_bytes_between_characters() {
        for (value, bytes) in [
            ("x".repeat(256), 256),
            ("x".repeat(257), 256),
            ("é".repeat(200), 256),
            (format!("x{}", "é".repeat(200)), 255),
            (format!("{}€", "x".repeat(254)), 254),
        ] {
            let found = key("k", &json!({"k": value})).unwrap();
            assert_eq!(found.len(), bytes);
            assert!(value.starts_with(&found));
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_become_replacement_characters() {
        for (bytes, expected) in [
            (&b"a\xffb"[..], "a\u{fffd}b"),
            (b"a\xc3", "a"),
            (b"\xc3", "\u{fffd}"),
            (b"\xff\xc3", "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(truncated(bytes), expected, "{bytes:x?}");
        }
        let longest = truncated(&[0xff; 300]).into_owned();
        assert_eq!(longest.chars().count(), MAX_BYTES);
    }

    #[test]
    fn invalid_paths_are_an_error() {
        for (options, problem) in [
            (
                &[("partition_key", "log")][..],
                "cannot be the partition key",
            ),
            (
                &[("partition_key", "a->")],
                "each side of `->` must be a key",
            ),
            (
                &[("partition_key", "->a")],
                "each side of `->` must be a key",
            ),
            (
                &[("partition_key", "t"), ("time_key", "t")],
                "the key that `time_key` adds",
            ),
        ] {
            let (_, problems) = read(options);
            assert!(
                problems.len() == 1 && problems[0].contains(problem),
                "{problems:?}"
            );
        }
        let (key, problems) = read(&[]);
        assert!(key.is_random() && problems.is_empty());
    }

    #[test]
    fn random_keys_differ() {
        let keys: std::collections::HashSet<String> = (0..1000).map(|_| random()).collect();
        assert_eq!(keys.len(), 1000);
        assert!(keys.iter().all(|key| key.len() == RANDOM_BYTES));
    }
}
