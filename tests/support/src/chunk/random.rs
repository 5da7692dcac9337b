//! Random chunks for property tests, the same for the same seed.

use super::value::Value;
use super::{Chunk, Time};

/// A source of randomness (SplitMix64) that prints its seed, so that a failure can be repeated.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from the environment variable `SEED`, or from the clock.
    ///
    /// # Panics
    ///
    /// When `SEED` is no number.
    #[must_use]
    pub fn from_environment() -> Self {
        let seed = match std::env::var("SEED") {
            Ok(seed) => seed.parse().expect("SEED is a number"),
            Err(_) => clock(),
        };
        Self::seeded(seed)
    }

    /// Starts from a seed, and prints it.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        println!("SEED={seed}");
        Self::with_seed(seed)
    }

    /// Starts from a seed that stands in the code, and prints nothing.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    ///
    /// # Panics
    ///
    /// When `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("64 bits");
        usize::try_from(self.any() % limit).expect("less than a usize")
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of the elements.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn one_of<'a, T>(&mut self, elements: &'a [T]) -> &'a T {
        &elements[self.below(elements.len())]
    }

    /// At most `limit` bytes, each of any value.
    pub fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let len = self.below(limit + 1);
        (0..len).map(|_| self.any().to_be_bytes()[0]).collect()
    }

    /// A string as logs have it: mostly plain, sometimes escapes, sometimes not UTF-8.
    pub fn text(&mut self) -> Vec<u8> {
        match self.below(8) {
            0 => self.bytes(40),
            1 => self.fragments(HARD),
            _ => self.fragments(PLAIN),
        }
    }

    /// A value, with at most `depth` levels of arrays and maps.
    pub fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 9 } else { 11 }) {
            0 => Value::Nil,
            1 => Value::Bool(self.once_in(2)),
            2 => Value::Int(self.integer()),
            3 => Value::UInt(self.any()),
            4 => Value::F64(f64::from_bits(self.any())),
            5 => Value::F32(*self.one_of(&[0.5, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE])),
            6 => Value::Bin(self.bytes(20)),
            7 => Value::Ext(self.any().to_be_bytes()[0].cast_signed(), self.bytes(20)),
            8 => Value::Str(self.text()),
            9 => Value::Array((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
            _ => self.map(depth - 1),
        }
    }

    /// A map as a record has it: few keys, some twice, some not strings.
    pub fn map(&mut self, depth: usize) -> Value {
        let entries = (0..self.below(6))
            .map(|_| (self.key(), self.value(depth)))
            .collect();
        Value::Map(entries)
    }

    /// A chunk of at most `limit` records in all forms, and what was written.
    pub fn chunk(&mut self, limit: usize) -> (Chunk, Vec<Record>) {
        let records: Vec<_> = (0..self.below(limit + 1)).map(|_| self.record()).collect();
        let chunk = records
            .iter()
            .fold(Chunk::new(), |chunk, record| record.append_to(chunk));
        (chunk, records)
    }

    fn record(&mut self) -> Record {
        let metadata = self.once_in(2).then(|| match self.once_in(2) {
            true => Value::Map(vec![]),
            false => self.map(1),
        });
        let wide = metadata == Some(Value::Map(vec![])) && self.once_in(2);
        Record {
            time: self.time(),
            metadata,
            wide,
            body: self.map(4),
        }
    }

    fn time(&mut self) -> Time {
        let seconds = u32::try_from(self.below(1 << 31)).expect("31 bits");
        let nanoseconds = u32::try_from(self.below(1_000_000_000)).expect("30 bits");
        match self.below(4) {
            0 => Time::Seconds(seconds.into()),
            1 => Time::Float(f64::from(seconds) + 0.25),
            2 => Time::EventLong {
                seconds,
                nanoseconds,
            },
            _ => Time::Event {
                seconds,
                nanoseconds,
            },
        }
    }

    fn key(&mut self) -> Value {
        match self.below(12) {
            0 => self.value(0),
            1 => Value::Str(self.text()),
            _ => Value::from(*self.one_of(&["log", "level", "source", "a", "b"])),
        }
    }

    fn integer(&mut self) -> i64 {
        let shift = self.below(64);
        self.any().cast_signed() >> shift
    }

    fn fragments(&mut self, of: &[&[u8]]) -> Vec<u8> {
        (0..self.below(12))
            .flat_map(|_| self.one_of(of).to_vec())
            .collect()
    }
}

/// A record as [`Random::chunk`] wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its time.
    pub time: Time,
    /// Its metadata in the form since 2.1.0; `None` for the form before.
    pub metadata: Option<Value>,
    /// Its lengths have four bytes: only without metadata.
    pub wide: bool,
    /// The map.
    pub body: Value,
}

impl Record {
    fn append_to(&self, chunk: Chunk) -> Chunk {
        match &self.metadata {
            Some(_) if self.wide => chunk.wide(self.time, self.body.clone()),
            Some(metadata) => chunk.v2_with(self.time, metadata.clone(), self.body.clone()),
            None => chunk.v1(self.time, self.body.clone()),
        }
    }
}

fn clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| {
        now.as_secs() ^ u64::from(now.subsec_nanos()).rotate_left(32)
    })
}

const PLAIN: &[&[u8]] = &[
    b"GET ",
    b"/index ",
    b"200 ",
    b"ok",
    "gr\u{fc}n ".as_bytes(),
    b"x",
];
const HARD: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\n",
    b"\0",
    b"\x1b[31m",
    b"\xc3",
    b"\xed\xa0\x80",
    "\u{1f600}".as_bytes(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_chunk() {
        let [one, other] = [7, 7].map(|seed| Random::seeded(seed).chunk(50).0);
        assert_eq!(one, other);
        assert_ne!(one, Random::seeded(8).chunk(50).0);
    }

    #[test]
    fn a_random_chunk_is_well_formed_and_has_its_records() {
        let mut random = Random::from_environment();
        for _ in 0..200 {
            let (chunk, records) = random.chunk(20);
            let mut rest = chunk.bytes();
            for _ in &records {
                rmp_serde::decode::from_read::<_, serde::de::IgnoredAny>(&mut rest).unwrap();
            }
            assert_eq!((rest.len(), chunk.records()), (0, records.len()));
        }
    }
}
