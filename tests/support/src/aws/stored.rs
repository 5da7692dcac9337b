//! What the account keeps of accepted data: the data itself, or only how much of it there was.

use std::collections::BTreeMap;

/// A log group and its streams.
#[derive(Clone, Debug)]
pub struct Group {
    /// Days after which events expire; `None` keeps them for ever.
    pub retention_days: Option<u32>,
    /// Tags given at creation or by TagResource.
    pub tags: BTreeMap<String, String>,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    pub class: String,
    /// Key that encrypts the group.
    pub kms_key_id: Option<String>,
    /// Creation time in milliseconds of the Unix epoch.
    pub created_ms: i64,
    /// Streams by name.
    pub streams: BTreeMap<String, Stream>,
}

/// A log stream and the events it accepted.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Accepted events in the order in which they were stored; empty in counting mode.
    pub events: Vec<StoredEvent>,
    /// How much was accepted, in every mode.
    pub tally: Tally,
    /// Creation time in milliseconds of the Unix epoch.
    pub created_ms: i64,
}

/// One accepted log event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredEvent {
    /// Milliseconds of the Unix epoch.
    pub timestamp: i64,
    /// Text of the event.
    pub message: String,
}

/// How much was accepted: a count, its bytes, and a digest that does not depend on order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events or records.
    pub count: u64,
    /// Their bytes, without any overhead.
    pub bytes: u64,
    /// Wrapping sum of [`digest`] over all of them.
    pub digest: u64,
}

/// A delivery stream and the records it accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct DeliveryStream {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) tally: Tally,
}

impl Group {
    pub(super) fn new(created_ms: i64) -> Self {
        Self {
            retention_days: None,
            tags: BTreeMap::new(),
            class: "STANDARD".to_owned(),
            kms_key_id: None,
            created_ms,
            streams: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Adds one event or record.
    pub fn add(&mut self, data: &[u8]) {
        self.count += 1;
        self.bytes += data.len() as u64;
        self.digest = self.digest.wrapping_add(digest(data));
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: Tally) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.digest = self.digest.wrapping_add(other.digest);
    }
}

/// A 64-bit digest of some bytes, the same on every machine.
///
/// It tells lost and changed data from whole data; it is no protection against forgery.
pub fn digest(data: &[u8]) -> u64 {
    let mut state = data.len() as u64 ^ SEED;
    let mut lanes = data.chunks_exact(8);
    for lane in &mut lanes {
        state = stirred(
            state,
            u64::from_le_bytes(lane.try_into().unwrap_or_default()),
        );
    }
    let mut last = [0; 8];
    last[..lanes.remainder().len()].copy_from_slice(lanes.remainder());
    let mixed = stirred(state, u64::from_le_bytes(last));
    mixed ^ (mixed >> 29)
}

fn stirred(state: u64, lane: u64) -> u64 {
    let product = u128::from(state ^ lane) * u128::from(FACTOR);
    (product as u64) ^ ((product >> 64) as u64) ^ state.rotate_left(23)
}

const SEED: u64 = 0x9e6c_63d0_876a_3f6b;
const FACTOR: u64 = 0xd1b5_4a32_d192_ed03;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn texts_that_differ_in_one_byte_or_in_length_have_different_digests() {
        let mut seen = HashSet::new();
        for length in 0..200 {
            let mut text = vec![0_u8; length];
            assert!(seen.insert(digest(&text)));
            for index in 0..length {
                text[index] = 1;
                assert!(seen.insert(digest(&text)), "length {length}, index {index}");
                text[index] = 0;
            }
        }
    }

    #[test]
    fn a_tally_does_not_depend_on_order_but_on_repetition() {
        let tally = |texts: &[&str]| {
            let mut tally = Tally::default();
            texts.iter().for_each(|text| tally.add(text.as_bytes()));
            tally
        };
        assert_eq!(tally(&["one", "two"]), tally(&["two", "one"]));
        assert_ne!(tally(&["one", "one"]).digest, tally(&["one"]).digest);
    }
}
