//! Any msgpack value, well-formed or such as only a broken program writes.

use rmp::encode::{self, ValueWriteError};

/// A msgpack value. Strings and keys are bytes, as nothing makes them UTF-8 in a chunk.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// An integer, in its shortest form.
    Int(i64),
    /// An integer, in its shortest form; for those beyond `i64`.
    UInt(u64),
    /// A single-precision float.
    F32(f32),
    /// A double-precision float.
    F64(f64),
    /// A string, in any encoding.
    Str(Vec<u8>),
    /// Binary.
    Bin(Vec<u8>),
    /// An extension: type and data, in its shortest form.
    Ext(i8, Vec<u8>),
    /// An extension of at most 255 bytes in the form `ext 8`, though a shorter one may exist.
    LongExt(i8, Vec<u8>),
    /// An array.
    Array(Vec<Value>),
    /// A map: any keys, in this order, also several times the same.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// Arrays around `innermost`, so many.
    #[must_use]
    pub fn nested(depth: usize, innermost: Self) -> Self {
        (0..depth).fold(innermost, |inner, _| Self::Array(vec![inner]))
    }

    /// Appends the value's bytes.
    ///
    /// # Panics
    ///
    /// When something has more than 2^32 elements, or a long extension more than 255 bytes.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        self.encode(bytes).expect("a vector takes every byte");
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueWriteError> {
        match self {
            Self::Nil => encode::write_nil(out).map_err(ValueWriteError::InvalidMarkerWrite)?,
            Self::Bool(value) => {
                encode::write_bool(out, *value).map_err(ValueWriteError::InvalidMarkerWrite)?;
            }
            Self::Int(value) => drop(encode::write_sint(out, *value)?),
            Self::UInt(value) => drop(encode::write_uint(out, *value)?),
            Self::F32(value) => encode::write_f32(out, *value)?,
            Self::F64(value) => encode::write_f64(out, *value)?,
            Self::Str(text) => {
                encode::write_str_len(out, len(text))?;
                out.extend_from_slice(text);
            }
            Self::Bin(data) => encode::write_bin(out, data)?,
            Self::Ext(kind, data) => {
                encode::write_ext_meta(out, len(data), *kind)?;
                out.extend_from_slice(data);
            }
            Self::LongExt(kind, data) => {
                let len = u8::try_from(data.len()).expect("at most 255 bytes");
                out.extend_from_slice(&[EXT_8, len, kind.to_be_bytes()[0]]);
                out.extend_from_slice(data);
            }
            Self::Array(values) => {
                encode::write_array_len(out, len(values))?;
                values.iter().try_for_each(|value| value.encode(out))?;
            }
            Self::Map(entries) => {
                encode::write_map_len(out, len(entries))?;
                let mut parts = entries.iter().flat_map(|(key, value)| [key, value]);
                parts.try_for_each(|part| part.encode(out))?;
            }
        }
        Ok(())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into_bytes())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Vec<Self>> for Value {
    fn from(values: Vec<Self>) -> Self {
        Self::Array(values)
    }
}

/// A map with these entries, in this order.
pub fn map<K: Into<Value>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect(),
    )
}

fn len<T>(elements: &[T]) -> u32 {
    u32::try_from(elements.len()).expect("at most 2^32 elements")
}

/// msgpack's `ext 8`.
const EXT_8: u8 = 0xc7;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        bytes
    }

    #[test]
    fn a_value_of_each_kind_is_written_in_its_shortest_form() {
        let entries = vec![
            (Value::Nil, Value::Bool(true)),
            (Value::Nil, Value::Bin(vec![7])),
        ];
        assert_eq!(bytes(&Value::Map(entries)), b"\x82\xc0\xc3\xc0\xc4\x01\x07");
        assert_eq!(bytes(&Value::Int(-1)), b"\xff");
        assert_eq!(
            bytes(&Value::UInt(u64::MAX)),
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
        );
        assert_eq!(bytes(&Value::F32(1.0)), b"\xca\x3f\x80\0\0");
        assert_eq!(bytes(&Value::F64(1.0)), b"\xcb\x3f\xf0\0\0\0\0\0\0");
        assert_eq!(bytes(&Value::Ext(-1, vec![9])), b"\xd4\xff\x09");
        assert_eq!(bytes(&Value::Str(vec![0xff])), b"\xa1\xff");
    }

    #[test]
    fn nesting_is_as_deep_as_asked() {
        assert_eq!(bytes(&Value::nested(3, Value::Nil)), b"\x91\x91\x91\xc0");
    }
}
