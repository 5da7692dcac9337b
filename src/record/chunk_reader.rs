//! Chunk -> records.
//!
//! A chunk is records one after another with no count. A record is taken apart only as far as
//! everybody needs: its time, and where each top-level key and value lies. A chunk with a torn tail
//! gives up everything before the tear; what a value *is* lives in `msgpack`.

use crate::record::msgpack::{Cursor, Cut, Token};
use crate::record::repeated_fields::{Members, Repeats};
use crate::record::timestamp::{self, Time};

/// One top-level member of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The key, of any type.
    pub key: Token<'a>,
    /// The key as it stands in the chunk.
    pub raw_key: &'a [u8],
    /// The value as it stands in the chunk.
    pub value: &'a [u8],
}

/// One event: when, and what.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a, 'f> {
    /// When it happened.
    pub time: Time,
    /// Its members; of several with one key the last is the one that counts.
    pub fields: &'f [Field<'a>],
    /// Which of them the records before it had as well.
    pub repeats: Repeats<'f>,
}

impl<'a, 'f> Record<'a, 'f> {
    /// A record without any before it.
    #[must_use]
    pub fn alone(time: Time, fields: &'f [Field<'a>]) -> Self {
        Self {
            time,
            fields,
            repeats: Repeats::default(),
        }
    }

    /// The value under a key, as it stands in the chunk.
    #[must_use]
    pub fn value(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.fields
            .iter()
            .rev()
            .find(|field| field.is(key))
            .map(|field| field.value)
    }
}

impl<'a> Field<'a> {
    /// Reads a key and its value.
    ///
    /// # Errors
    ///
    /// [`Cut`] when the bytes end before the value does.
    #[inline]
    pub fn read(cursor: &mut Cursor<'a>) -> Result<Self, Cut> {
        let raw_key = cursor.value()?;
        let key = Cursor::new(raw_key).token()?;
        let value = cursor.value()?;
        Ok(Self {
            key,
            raw_key,
            value,
        })
    }

    /// Whether the key is this text.
    #[must_use]
    pub fn is(&self, name: &[u8]) -> bool {
        matches!(self.key, Token::Str(key) | Token::Bin(key) if key == name)
    }
}

/// Reads a chunk, record by record.
#[derive(Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    members: Members<'a>,
    undecodable: usize,
}

impl<'a> Records<'a> {
    /// Starts at the chunk's first record.
    #[must_use]
    pub fn new(chunk: &'a [u8]) -> Self {
        Self {
            rest: chunk,
            members: Members::new(chunk),
            undecodable: 0,
        }
    }

    /// The next event; group markers are passed over.
    ///
    /// Not an [`Iterator`], as each record borrows the one list of members.
    #[expect(
        clippy::should_implement_trait,
        reason = "the record borrows from the reader"
    )]
    pub fn next(&mut self) -> Option<Record<'a, '_>> {
        let time = self.advance()?;
        Some(Record {
            time,
            fields: self.members.fields(),
            repeats: self.members.repeats(),
        })
    }

    /// Bytes at the end that were not records; zero for a whole chunk.
    #[must_use]
    pub fn torn(&self) -> usize {
        self.rest.len()
    }

    /// Whole values that were no records, and were passed over.
    #[must_use]
    pub fn undecodable(&self) -> usize {
        self.undecodable
    }

    fn advance(&mut self) -> Option<Time> {
        while !self.rest.is_empty() {
            match self.record() {
                Some((time, rest)) => {
                    self.rest = rest;
                    if !time.is_group_marker() {
                        return Some(time);
                    }
                }
                None => self.pass_over().ok()?,
            }
        }
        None
    }

    /// Reads the record at the front into `members`.
    fn record(&mut self) -> Option<(Time, &'a [u8])> {
        let (time, body) = timestamp::read(self.rest)?;
        let mut cursor = Cursor::new(body);
        let Ok(Token::Map(count)) = cursor.token() else {
            return None;
        };
        self.members.read(&mut cursor, count).ok()?;
        Some((time, cursor.rest()))
    }

    /// Leaves out a whole value that is no record; an incomplete one is the chunk's torn tail.
    fn pass_over(&mut self) -> Result<(), Cut> {
        let mut cursor = Cursor::new(self.rest);
        cursor.value()?;
        self.rest = cursor.rest();
        self.undecodable += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 13] = [0x92, 0x92, 0xd7, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0x80];

    fn record(map: &[u8]) -> Vec<u8> {
        [&HEAD, map].concat()
    }

    #[test]
    fn records_come_in_order_and_markers_do_not_come() {
        let marker = [0x92, 0x92, 0xff, 0x80, 0x81, 0xa1, b'k', 1];
        let chunk = [
            record(&[0x81, 0xa1, b'a', 1]),
            marker.to_vec(),
            record(&[0x80]),
        ]
        .concat();
        let mut records = Records::new(&chunk);
        assert_eq!(
            records.next().and_then(|record| record.value(b"a")),
            Some(&[1][..])
        );
        assert_eq!(records.next().map(|record| record.fields.len()), Some(0));
        assert!(records.next().is_none());
        assert_eq!((records.torn(), records.undecodable()), (0, 0));
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let chunk = record(&[0x82, 0xa1, b'a', 1, 0xa1, b'a', 2]);
        assert_eq!(
            Records::new(&chunk)
                .next()
                .and_then(|record| record.value(b"a")),
            Some(&[2][..])
        );
    }

    #[test]
    fn a_torn_tail_keeps_what_came_before_it() {
        let whole = record(&[0x81, 0xa1, b'a', 1]);
        let tail = record(&[0x81, 0xa1, b'b', 0xa5, b'x']);
        for len in 1..tail.len() {
            let chunk = [&whole, &tail[..len]].concat();
            let mut records = Records::new(&chunk);
            assert!(records.next().is_some());
            assert!(records.next().is_none(), "tail of {len}");
            assert_eq!(records.torn(), len);
        }
    }

    #[test]
    fn a_value_that_is_no_record_is_passed_over_and_counted() {
        let chunk = [
            &[0x93, 1, 2, 3][..],
            &[0x92, 0xc0, 0x80],
            &record(&[0x80]),
            &[0x92, 5, 6],
        ]
        .concat();
        let mut records = Records::new(&chunk);
        assert!(records.next().is_some());
        assert!(records.next().is_none());
        assert_eq!((records.torn(), records.undecodable()), (0, 3));
    }

    #[test]
    fn a_huge_announced_map_is_torn_at_once() {
        let chunk = record(&[0xdf, 255, 255, 255, 255, 1]);
        let mut records = Records::new(&chunk);
        assert!(records.next().is_none());
        assert_eq!(records.torn(), chunk.len());
    }
}
