//! What a record is as JSON, written a second time, the plain way: no speed, no state, serde_json for
//! every scalar.

use base64_simd::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::chunk::Value;

/// The JSON text of a value: of equal keys the last stays, NaN and infinities are null, what is no
/// UTF-8 is replaced.
///
/// # Panics
///
/// Never, as every scalar can be written.
#[must_use]
pub fn json(value: &Value) -> String {
    match value {
        Value::Nil => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        // An exponent has its sign only where it is negative.
        Value::F32(value) => scalar(value).replace("e+", "e"),
        Value::F64(value) => scalar(value).replace("e+", "e"),
        Value::Str(bytes) | Value::Bin(bytes) => quoted(&text(bytes)),
        Value::Ext(kind, data) | Value::LongExt(kind, data) => ext(*kind, data),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(json).collect();
            format!("[{}]", values.join(","))
        }
        Value::Map(entries) => {
            let members: Vec<(String, String)> = entries
                .iter()
                .map(|(key, value)| (key_text(key), json(value)))
                .collect();
            object(&members)
        }
    }
}

fn object(members: &[(String, String)]) -> String {
    let is_last = |index: usize, key: &String| {
        let later = &members[index + 1..];
        later.iter().all(|(other, _)| other != key)
    };
    let kept: Vec<String> = members
        .iter()
        .enumerate()
        .filter(|(index, (key, _))| is_last(*index, key))
        .map(|(_, (key, value))| format!("{}:{value}", quoted(key)))
        .collect();
    format!("{{{}}}", kept.join(","))
}

/// A key as text: itself, or its JSON.
fn key_text(key: &Value) -> String {
    match key {
        Value::Str(bytes) | Value::Bin(bytes) => text(bytes),
        other => json(other),
    }
}

fn ext(kind: i8, data: &[u8]) -> String {
    let Some(time) = event_time(kind, data) else {
        let data = STANDARD.encode_to_string(data);
        return format!(r#"{{"ext":{kind},"data":"{data}"}}"#);
    };
    quoted(&time)
}

/// The RFC 3339 text of an EventTime; markers of groups count as the seconds they stand for.
fn event_time(kind: i8, data: &[u8]) -> Option<String> {
    let (0, Ok(bytes)) = (kind, <[u8; 8]>::try_from(data)) else {
        return None;
    };
    let both = u64::from_be_bytes(bytes);
    let seconds = match both >> 32 {
        0xffff_ffff => -1,
        0xffff_fffe => -2,
        seconds => i128::from(seconds),
    };
    let nanos = i128::from(both & 0xffff_ffff).min(999_999_999);
    let time = OffsetDateTime::from_unix_timestamp_nanos(seconds * 1_000_000_000 + nanos).ok()?;
    time.format(&Rfc3339).ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn quoted(text: &str) -> String {
    scalar(&text)
}

fn scalar(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a scalar is written")
}
