//! Replaces dots in keys, for destinations that read `a.b` as a path.

use std::borrow::Cow;

use crate::record::chunk_reader::Field;
use crate::record::msgpack::Token;

/// The text that replaces each dot of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dots {
    replacement: Box<[u8]>,
}

impl Dots {
    /// Replaces each dot by this text. Dots in the replacement stay.
    #[must_use]
    pub fn new(replacement: &str) -> Self {
        let replacement = replacement.as_bytes().into();
        Self { replacement }
    }

    /// Whether the text of a key may contain dots. A key that is not a string may always contain some.
    #[must_use]
    pub fn are_in(field: &Field<'_>) -> bool {
        match field.key {
            Token::Str(key) | Token::Bin(key) => key.contains(&b'.'),
            _ => true,
        }
    }

    /// Returns the key with its dots replaced. A key without dots is returned unchanged.
    #[must_use]
    pub fn replaced<'k>(&self, key: Cow<'k, [u8]>) -> Cow<'k, [u8]> {
        if !key.contains(&b'.') {
            return key;
        }
        let parts: Vec<&[u8]> = key.split(|byte| *byte == b'.').collect();
        parts.join(&*self.replacement).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dot_is_replaced_once() {
        for (key, replacement, expected) in [
            ("a.b..c", "_", "a_b__c"),
            (".a.", "..", "..a.."),
            ("plain", "_", "plain"),
            (".", "", ""),
        ] {
            let replaced = Dots::new(replacement).replaced(key.as_bytes().into());
            assert_eq!(*replaced, *expected.as_bytes(), "{key}");
        }
    }
}
