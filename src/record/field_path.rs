//! A path into a record -> the scalar it leads to, as text.

use crate::json::Json;
use crate::json::escape::Depth;
use crate::naming::template::Step;
use crate::record::chunk_reader::{Field, Record};
use crate::record::msgpack::{Cursor, Token};

/// Appends the scalar that a path leads to, or answers `false` and appends nothing.
///
/// Text is appended as it is, other scalars as JSON writes them; null, containers and extensions are
/// no value. A scalar before the path's end is the value: both peers take it so.
pub fn scalar(record: &Record<'_, '_>, path: &[Step], out: &mut Vec<u8>) -> bool {
    let Some((Step::Key(key), rest)) = path.split_first() else {
        return false;
    };
    let Some(raw) = record.value(key.as_bytes()) else {
        return false;
    };
    descend(raw, rest).is_some_and(|raw| append(raw, out))
}

fn descend<'a>(mut raw: &'a [u8], path: &[Step]) -> Option<&'a [u8]> {
    for step in path {
        let mut cursor = Cursor::new(raw);
        raw = match (cursor.token().ok()?, step) {
            (Token::Map(count), Step::Key(key)) => member(&mut cursor, count, key.as_bytes())?,
            (Token::Array(count), Step::Index(index)) => element(&mut cursor, count, *index)?,
            (Token::Map(_) | Token::Array(_), _) => return None,
            _ => return Some(raw),
        };
    }
    Some(raw)
}

/// The last member of that key.
fn member<'a>(cursor: &mut Cursor<'a>, count: u32, key: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    for _ in 0..count {
        let field = Field::read(cursor).ok()?;
        if field.is(key) {
            found = Some(field.value);
        }
    }
    found
}

fn element<'a>(cursor: &mut Cursor<'a>, count: u32, index: usize) -> Option<&'a [u8]> {
    if index >= count as usize {
        return None;
    }
    for _ in 0..index {
        cursor.value().ok()?;
    }
    cursor.value().ok()
}

fn append(raw: &[u8], out: &mut Vec<u8>) -> bool {
    match Cursor::new(raw).token() {
        Ok(Token::Str(text) | Token::Bin(text)) => out.extend_from_slice(text),
        Ok(Token::Nil | Token::Array(_) | Token::Map(_) | Token::Ext(..)) | Err(_) => return false,
        Ok(_) => {
            Json::new(Depth::Once).value(raw, out);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::timestamp::Time;

    fn found(path: &[Step]) -> Option<String> {
        let map = json!({
            "text": "t", "n": 1.5, "yes": true, "none": null,
            "a": {"b": [10, {"c": "deep"}], "t": "x"},
        });
        let raw = rmp_serde::to_vec(&map).unwrap();
        let mut cursor = Cursor::new(&raw);
        let Ok(Token::Map(count)) = cursor.token() else {
            panic!("a map")
        };
        let fields: Vec<Field<'_>> = (0..count)
            .map(|_| Field::read(&mut cursor).unwrap())
            .collect();
        let record = Record::alone(Time::default(), &fields);
        let mut out = b"before".to_vec();
        let found = scalar(&record, path, &mut out);
        let text = String::from_utf8(out)
            .unwrap()
            .strip_prefix("before")
            .unwrap()
            .to_owned();
        assert!(found || text.is_empty());
        found.then_some(text)
    }

    fn key(key: &str) -> Step {
        Step::Key(key.into())
    }

    #[test]
    fn scalars_are_found_at_any_depth() {
        assert_eq!(found(&[key("text")]).as_deref(), Some("t"));
        assert_eq!(found(&[key("n")]).as_deref(), Some("1.5"));
        assert_eq!(found(&[key("yes")]).as_deref(), Some("true"));
        assert_eq!(
            found(&[key("a"), key("b"), Step::Index(0)]).as_deref(),
            Some("10")
        );
        assert_eq!(
            found(&[key("a"), key("b"), Step::Index(1), key("c")]).as_deref(),
            Some("deep")
        );
        assert_eq!(found(&[key("text"), key("more")]).as_deref(), Some("t"));
    }

    #[test]
    fn what_is_no_scalar_or_not_there_is_missing() {
        for path in [
            &[key("none")][..],
            &[key("a")],
            &[key("a"), key("b")],
            &[key("a"), key("x")],
            &[key("x")],
            &[key("a"), key("b"), Step::Index(2)],
            &[key("a"), Step::Index(0)],
            &[],
        ] {
            assert_eq!(found(path), None, "{path:?}");
        }
    }
}
