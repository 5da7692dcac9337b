//! Record -> the part of it that travels.

use crate::record::chunk_reader::Record;

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
    /// Reads `log_key`: one key, or several separated by commas, of which the first one that a record
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

    /// Whether the whole record travels.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.keys.is_empty()
    }

    /// What is found for the first key that has something; for records whose keys do not stay as
    /// they are.
    #[inline(always)]
    pub fn find<T>(&self, find: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        self.keys.iter().map(AsRef::as_ref).find_map(find)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::chunk_reader::Field;
    use crate::record::msgpack::Token;
    use crate::record::timestamp::Time;

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
        Select::new(log_key).part(&Record::alone(Time::default(), &fields))
    }

    #[test]
    fn without_a_key_the_whole_record_travels() {
        assert_eq!(part(None), Some(Part::Record));
        assert_eq!(part(Some(" , ")), Some(Part::Record));
    }

    #[test]
    fn keys_are_tried_in_their_order() {
        let select = Select::new(Some("none, b,a"));
        let find = |key: &[u8]| [b"a", b"b"].iter().position(|known| *known == key);
        assert_eq!((select.is_whole(), select.find(find)), (false, Some(1)));
        let whole = Select::new(None);
        assert_eq!((whole.is_whole(), whole.find(find)), (true, None));
    }

    #[test]
    fn a_key_is_matched_exactly_and_the_first_present_one_is_taken() {
        assert_eq!(part(Some("lo")), Some(Part::Value(&[2])));
        assert_eq!(part(Some("message, msg ,log")), Some(Part::Value(&[3])));
        assert_eq!(part(Some("l")), None);
    }
}
