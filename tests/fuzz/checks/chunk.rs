//! Chunks of any bytes: the decoder, and the JSON of what it finds.

use router::json::escape::Depth;
use router::json::{Json, MAX_NESTING, key_text};
use router::record::chunk_reader::{Field, Records};
use router::record::msgpack::{Cursor, Token};
use serde_json::{Map, Value};

/// Every value found is one whole value, and what is left over is the end that could not be read.
pub fn decoder(chunk: &[u8]) {
    let (count, undecodable, torn) = walk(chunk);
    assert!(torn <= chunk.len());
    let whole = &chunk[..chunk.len() - torn];
    assert_eq!(walk(whole), (count, undecodable, 0), "without the tear");
    let twice = [whole, whole].concat();
    assert_eq!(walk(&twice), (2 * count, 2 * undecodable, 0), "twice");
}

/// Records, values that are none, and bytes of the tear.
fn walk(chunk: &[u8]) -> (usize, usize, usize) {
    let mut records = Records::new(chunk);
    let mut count = 0;
    while let Some(record) = records.next() {
        count += 1;
        assert!(record.time.nanos < 1_000_000_000);
        for field in record.fields {
            for raw in [field.raw_key, field.value] {
                let mut cursor = Cursor::new(raw);
                assert_eq!(cursor.value(), Ok(raw));
                assert!(cursor.rest().is_empty());
            }
        }
    }
    (count, records.undecodable(), records.torn())
}

/// The JSON of a record says what the record holds, and within a JSON string it is the same text.
pub fn json(chunk: &[u8]) {
    let mut records = Records::new(chunk);
    let (mut plain, mut quoted) = (Json::new(Depth::Once), Json::new(Depth::Twice));
    while let Some(record) = records.next() {
        let mut text = Vec::new();
        plain.record(&record, &mut text);
        let found: Value = serde_json::from_slice(&text).expect("JSON");
        let mut members = Map::new();
        for field in record.fields {
            members.insert(key(field), value(&mut Cursor::new(field.value), 1));
        }
        assert!(
            same(&found, &Value::Object(members)),
            "{}",
            String::from_utf8_lossy(&text)
        );
        let mut string = b"\"".to_vec();
        let overhead = quoted.record(&record, &mut string);
        assert_eq!(string.len() - 1 - overhead, text.len());
        string.push(b'"');
        let string: String = serde_json::from_slice(&string).expect("a JSON string");
        assert_eq!(string.as_bytes(), text);
    }
    assert_eq!(plain.too_deep(), quoted.too_deep());
}

fn key(field: &Field<'_>) -> String {
    String::from_utf8_lossy(&key_text(field.raw_key)).into_owned()
}

/// A value that lies so deep, as serde_json would hold it.
fn value(cursor: &mut Cursor<'_>, nesting: usize) -> Value {
    match cursor.token().expect("decoded before") {
        Token::Nil => Value::Null,
        Token::Bool(value) => value.into(),
        Token::Int(value) => value.into(),
        Token::Uint(value) => value.into(),
        Token::F32(value) => f64::from(value).into(),
        Token::F64(value) => value.into(),
        Token::Str(text) | Token::Bin(text) => String::from_utf8_lossy(text).into(),
        // Checked by the encoder's own tests.
        Token::Ext(..) => Value::String(ANYTHING.to_owned()),
        token @ (Token::Array(_) | Token::Map(_)) if nesting >= MAX_NESTING => {
            pass(cursor, token);
            Value::String(ANYTHING.to_owned())
        }
        Token::Array(count) => (0..count).map(|_| value(cursor, nesting + 1)).collect(),
        Token::Map(count) => {
            let mut members = Map::new();
            for _ in 0..count {
                let field = Field::read(cursor).expect("decoded before");
                let value = value(&mut Cursor::new(field.value), nesting + 1);
                members.insert(key(&field), value);
            }
            Value::Object(members)
        }
    }
}

/// Moves past the members of a container whose head has been read.
fn pass(cursor: &mut Cursor<'_>, token: Token<'_>) {
    let values = match token {
        Token::Array(count) => u64::from(count),
        Token::Map(count) => 2 * u64::from(count),
        _ => 0,
    };
    for _ in 0..values {
        cursor.value().expect("decoded before");
    }
}

fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (_, Value::String(text)) if text == ANYTHING => true,
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found
                    .iter()
                    .zip(expected)
                    .all(|(found, expected)| same(found, expected))
        }
        (Value::Object(found), Value::Object(expected)) => {
            found.len() == expected.len()
                && expected.iter().all(|(key, expected)| {
                    found.get(key).is_some_and(|found| same(found, expected))
                })
        }
        (Value::Number(found), Value::Number(expected)) if expected.is_f64() => {
            near(found.as_f64(), expected.as_f64())
        }
        _ => found == expected,
    }
}

/// serde_json reads a float to its last bit or to the one beside it; a single-precision one is
/// written with as many digits as tell it from its neighbours.
fn near(found: Option<f64>, expected: Option<f64>) -> bool {
    let (Some(found), Some(expected)) = (found, expected) else {
        return false;
    };
    let exact = (found - expected).abs() <= expected.abs() * 4.0 * f64::EPSILON;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a single-precision number in a double"
    )]
    let single = (found as f32).to_bits() == (expected as f32).to_bits();
    exact || single || (found.abs() < f64::MIN_POSITIVE && expected.abs() < f64::MIN_POSITIVE)
}

const ANYTHING: &str = "\u{10ffff} whatever it is";
