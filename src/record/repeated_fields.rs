//! The members of a record, and which of them came like this before.
//!
//! ECS puts the same six members into every record of a container, and Docker three more: most of a
//! record is what the one before it was. Members that came unchanged from one earlier record stand
//! there in one piece, so they are compared in one piece, and neither read nor written anew: who
//! writes them keeps the text by their place and by the record that brought them.

use crate::record::chunk_reader::Field;
use crate::record::msgpack::{Cursor, Cut};

/// The members of the record that was read last.
#[derive(Debug)]
pub struct Members<'a> {
    chunk: &'a [u8],
    fields: Vec<Field<'a>>,
    origins: Vec<Origin>,
    /// The members by what came together from one record; of few members alone.
    runs: Vec<Run<'a>>,
    /// Of the record that was read last, counted from one.
    number: u32,
    keys: u32,
}

/// Where a member was first found as it is.
#[derive(Clone, Copy, Debug)]
struct Origin {
    record: u32,
    start: usize,
    end: usize,
}

/// Members that follow each other here and in the record that they first came from.
#[derive(Clone, Copy, Debug)]
struct Run<'a> {
    /// The place of the first, and that behind the last.
    first: usize,
    last: usize,
    /// As they stand in the chunk.
    bytes: &'a [u8],
}

/// Since when a record's members are what they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repeats<'f> {
    origins: &'f [Origin],
    number: u32,
    keys: u32,
}

impl Repeats<'_> {
    /// The number of the earlier record from which on the member at this place is the same.
    #[inline]
    #[must_use]
    pub fn since(&self, place: usize) -> Option<u32> {
        let origin = self.origins.get(place)?;
        (origin.record < self.number).then_some(origin.record)
    }

    /// The number of the record from which on the keys are the same, in the same order.
    #[must_use]
    pub fn keys_since(&self) -> Option<u32> {
        (self.number > 0).then_some(self.keys)
    }
}

impl<'a> Members<'a> {
    /// Before the first record of a chunk.
    #[must_use]
    pub fn new(chunk: &'a [u8]) -> Self {
        Self {
            chunk,
            fields: Vec::new(),
            origins: Vec::new(),
            runs: Vec::new(),
            number: 0,
            keys: 0,
        }
    }

    /// The members as they are now; a repeated one as it stands where it came first.
    #[must_use]
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// Since when they are what they are.
    #[must_use]
    pub fn repeats(&self) -> Repeats<'_> {
        Repeats {
            origins: &self.origins,
            number: self.number,
            keys: self.keys,
        }
    }

    /// Reads so many members from a cursor over the end of the chunk.
    ///
    /// # Errors
    ///
    /// [`Cut`] when the bytes end before the members do.
    pub fn read(&mut self, cursor: &mut Cursor<'a>, count: u32) -> Result<(), Cut> {
        self.number += 1;
        let count = count as usize;
        if count != self.fields.len() {
            self.keys = self.number;
            self.fields.truncate(count);
            self.origins.truncate(count);
            self.runs.clear();
        }
        let place = self.known_runs(cursor)?;
        if place < count {
            return self.members(cursor, place, count);
        }
        Ok(())
    }

    /// Passes over the members as they came together last, and reads those that change each time. The
    /// place of the first member behind them, which is none where they came together again.
    #[inline(always)]
    fn known_runs(&mut self, cursor: &mut Cursor<'a>) -> Result<usize, Cut> {
        let mut place = 0;
        let mut runs = std::mem::take(&mut self.runs);
        for run in &mut runs {
            if !cursor.pass(run.bytes) {
                if run.last > run.first + 1 {
                    break;
                }
                run.bytes = self.replace(place, cursor)?;
            }
            place = run.last;
        }
        self.runs = runs;
        Ok(place)
    }

    /// Compares and reads the members from this place on. Each run is looked for once.
    #[inline(never)]
    fn members(&mut self, cursor: &mut Cursor<'a>, first: usize, count: usize) -> Result<(), Cut> {
        self.runs.clear();
        let (mut place, mut end) = (first, first);
        while place < count {
            if place >= end {
                end = self.run_end(place);
            }
            if end > place && self.pass(cursor, place, end) {
                place = end;
                continue;
            }
            // Somewhere in the run a member is another one: up to that, each is compared alone.
            while place + 1 < end && self.pass(cursor, place, place + 1) {
                place += 1;
            }
            self.replace(place, cursor)?;
            place += 1;
        }
        if count <= FEW {
            self.find_runs();
        }
        Ok(())
    }

    /// Notes what came together, for the next record.
    fn find_runs(&mut self) {
        let mut first = 0;
        while first < self.origins.len() {
            let last = self.run_end(first);
            let bytes = &self.chunk[self.origins[first].start..self.origins[last - 1].end];
            self.runs.push(Run { first, last, bytes });
            first = last;
        }
    }

    /// The end of the members that came from one record.
    fn run_end(&self, place: usize) -> usize {
        let Some(first) = self.origins.get(place) else {
            return place;
        };
        let run = self.origins[place..].iter();
        place
            + run
                .take_while(|origin| origin.record == first.record)
                .count()
    }

    /// Passes over the members if they are what they were. No value is the beginning of another.
    #[inline]
    fn pass(&self, cursor: &mut Cursor<'a>, place: usize, end: usize) -> bool {
        let before = &self.chunk[self.origins[place].start..self.origins[end - 1].end];
        cursor.pass(before)
    }

    #[inline(always)]
    fn replace(&mut self, place: usize, cursor: &mut Cursor<'a>) -> Result<&'a [u8], Cut> {
        let before = cursor.rest();
        let old = self.fields.get_mut(place).zip(self.origins.get_mut(place));
        let has_key = old
            .as_ref()
            .is_some_and(|(old, _)| cursor.pass(old.raw_key));
        let field = match &old {
            Some((old, _)) if has_key => Field {
                value: cursor.value()?,
                ..**old
            },
            _ => Field::read(cursor)?,
        };
        let len = before.len() - cursor.rest().len();
        let start = self.chunk.len() - before.len();
        let origin = Origin {
            record: self.number,
            start,
            end: start + len,
        };
        if !has_key {
            self.keys = self.number;
        }
        match old {
            Some((old, old_origin)) => (*old, *old_origin) = (field, origin),
            None => {
                self.fields.push(field);
                self.origins.push(origin);
            }
        }
        Ok(&before[..len])
    }
}

/// Members of a record whose runs are noted.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::msgpack::Token;

    /// Reads maps that follow each other; of each what its members say of themselves.
    fn read(chunk: &[u8]) -> Vec<(Vec<Option<u32>>, Option<u32>)> {
        let mut members = Members::new(chunk);
        let mut cursor = Cursor::new(chunk);
        let mut said = Vec::new();
        while !cursor.rest().is_empty() {
            let mut plain = cursor;
            let Ok(Token::Map(count)) = cursor.token() else {
                panic!("a map")
            };
            members.read(&mut cursor, count).unwrap();
            plain.token().unwrap();
            for field in members.fields() {
                let read = Field::read(&mut plain).unwrap();
                assert_eq!(
                    (field.key, field.raw_key, field.value),
                    (read.key, read.raw_key, read.value)
                );
            }
            assert_eq!(cursor.rest(), plain.rest());
            let repeats = members.repeats();
            let since = (0..count as usize).map(|place| repeats.since(place));
            said.push((since.collect(), repeats.keys_since()));
        }
        said
    }

    #[test]
    fn a_member_that_came_before_says_since_when() {
        let chunk = b"\x82\xa1a\x01\xa1b\x01\x82\xa1a\x01\xa1b\x02\x82\xa1a\x01\xa1b\x03";
        assert_eq!(
            read(chunk),
            [
                (vec![None, None], Some(1)),
                (vec![Some(1), None], Some(1)),
                (vec![Some(1), None], Some(1)),
            ]
        );
    }

    #[test]
    fn other_keys_and_another_count_are_told() {
        let chunk = b"\x81\xa1a\x01\x81\xa1b\x01\x82\xa1b\x01\xa1c\x01\x81\xa1b\x01";
        let keys: Vec<_> = read(chunk).into_iter().map(|(_, keys)| keys).collect();
        assert_eq!(keys, [Some(1), Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn random_records_are_read_as_without_memory() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..300 {
            let mut chunk = Vec::new();
            for _ in 0..30 {
                let count = if random.u8(..8) == 0 {
                    random.u8(..6)
                } else {
                    4
                };
                chunk.push(0x80 | count);
                for key in 0..count {
                    let odd = random.u8(..10) == 0;
                    chunk.extend([0xa1, b'a' + key + u8::from(odd)]);
                    match random.u8(..12) {
                        0 => chunk.push(random.u8(..128)),
                        1 => chunk.extend(b"\x92\x01\xa2xy"),
                        _ => chunk.extend(b"\xa5hello"),
                    }
                }
            }
            read(&chunk);
        }
    }

    /// A container chooses how many members there are. If the whole run were looked at for each of
    /// them, this would take some minutes.
    #[test]
    fn records_of_very_many_members_take_little_more_for_each() {
        const COUNT: u32 = 400_000;
        let mut chunk = Vec::new();
        for value in 0..4 {
            (0..COUNT).for_each(|_| chunk.extend([0xa1, b'a', value]));
        }
        let began = std::time::Instant::now();
        let mut members = Members::new(&chunk);
        let mut cursor = Cursor::new(&chunk);
        for _ in 0..4 {
            members.read(&mut cursor, COUNT).unwrap();
        }
        assert!(cursor.rest().is_empty());
        let took = began.elapsed();
        assert!(took.as_secs() < 20, "{took:?}");
    }

    #[test]
    fn a_cut_record_is_an_error_and_the_members_can_be_used_again() {
        let chunk = b"\xa1a\x01\xa1a\x01\xa1b";
        let mut members = Members::new(chunk);
        let mut cursor = Cursor::new(chunk);
        members.read(&mut cursor, 1).unwrap();
        assert_eq!(members.read(&mut cursor, 2), Err(Cut));
        assert!(members.fields().len() <= 2);
    }
}
