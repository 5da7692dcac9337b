//! Record -> the part of it that travels.

use crate::decode::Record;

/// Which part of a record travels.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Select {
    keys: Vec<Box<[u8]>>,
}

/// The part that travels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    /// Everything.
    Record,
    /// One value, as it stands in the chunk.
    Value(&'a [u8]),
}

impl Select {
    /// Reads `log_key`: one key, or several parted by commas, of which the first one that a record
    /// has is taken. None at all selects the whole record.
    #[must_use]
    pub fn new(log_key: Option<&str>) -> Self {
        let keys = log_key.unwrap_or_default().split(',').map(str::trim);
        Self {
            keys: keys
                .filter(|key| !key.is_empty())
                .map(|key| key.as_bytes().into())
                .collect(),
        }
    }

    /// The part of a record; `None` when it has none of the keys.
    #[inline]
    #[must_use]
    pub fn part<'a>(&self, record: &Record<'a, '_>) -> Option<Part<'a>> {
        if self.keys.is_empty() {
            return Some(Part::Record);
        }
        self.keys
            .iter()
            .find_map(|key| record.value(key))
            .map(Part::Value)
    }

    /// As [`Select::part`], for a record whose value under `key` is replaced by one it does not hold:
    /// a selected `key` is `None`.
    #[must_use]
    pub fn part_beside<'a>(&self, record: &Record<'a, '_>, key: &[u8]) -> Option<Part<'a>> {
        if self.keys.is_empty() {
            return Some(Part::Record);
        }
        let first = self
            .keys
            .iter()
            .find(|name| ***name == *key || record.value(name).is_some())?;
        if **first == *key {
            None
        } else {
            record.value(first).map(Part::Value)
        }
    }

    /// Whether a key is among the selected ones.
    #[must_use]
    pub fn names(&self, key: &[u8]) -> bool {
        self.keys.iter().any(|name| **name == *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Field;
    use crate::head::Time;
    use crate::msgpack::Token;

    fn part(log_key: Option<&str>) -> Option<Part<'static>> {
        let field = |name: &'static str, value| Field {
            key: Token::Str(name.as_bytes()),
            raw_key: &[],
            value,
        };
        let fields = [
            field("log", &[1][..]),
            field("lo", &[2]),
            field("msg", &[3]),
        ];
        Select::new(log_key).part(&Record {
            time: Time::default(),
            fields: &fields,
        })
    }

    #[test]
    fn without_a_key_the_whole_record_travels() {
        assert_eq!(part(None), Some(Part::Record));
        assert_eq!(part(Some(" , ")), Some(Part::Record));
    }

    #[test]
    fn a_key_that_is_replaced_is_no_value_of_the_record() {
        let field = |name: &'static str, value| Field {
            key: Token::Str(name.as_bytes()),
            raw_key: &[],
            value,
        };
        let fields = [field("log", &[1][..]), field("time", &[2])];
        let record = Record {
            time: Time::default(),
            fields: &fields,
        };
        let beside = |log_key| Select::new(Some(log_key)).part_beside(&record, b"time");
        assert_eq!(beside("time"), None);
        assert_eq!(beside("log,time"), Some(Part::Value(&[1])));
        assert_eq!(beside("none,time,log"), None);
        assert_eq!(
            Select::new(None).part_beside(&record, b"time"),
            Some(Part::Record)
        );
    }

    #[test]
    fn a_key_is_matched_exactly_and_the_first_present_one_is_taken() {
        assert_eq!(part(Some("lo")), Some(Part::Value(&[2])));
        assert_eq!(part(Some("message, msg ,log")), Some(Part::Value(&[3])));
        assert_eq!(part(Some("l")), None);
    }
}
