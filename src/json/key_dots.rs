//! Keys without dots, for destinations that take `a.b` for a path.

use std::borrow::Cow;

use crate::record::chunk_reader::Field;
use crate::record::msgpack::Token;

/// What stands in the place of each dot of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dots {
    replacement: Box<[u8]>,
}

impl Dots {
    /// Replaces dots by this text, once: a dot in it stays.
    #[must_use]
    pub fn new(replacement: &str) -> Self {
        let replacement = replacement.as_bytes().into();
        Self { replacement }
    }

    /// Whether a key may have dots as text; of keys that are no text, any may.
    #[must_use]
    pub fn are_in(field: &Field<'_>) -> bool {
        match field.key {
            Token::Str(key) | Token::Bin(key) => key.contains(&b'.'),
            _ => true,
        }
    }

    /// The key with its dots replaced; one without dots is lent on.
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
