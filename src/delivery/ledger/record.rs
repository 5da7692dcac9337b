//! The format of a journal file.
//!
//! | part | bytes |
//! |---|---|
//! | header | [`MAGIC`], version (2), identity (32), CRC-32 of these (4) |
//! | each record | length of the payload (4), CRC-32 of the payload (4), payload |
//! | payload | kind (1), id of the entry (8), data of the kind |
//!
//! All numbers are little endian. A file with an unknown version is not used.

use flate2::Crc;

use super::Key;
use super::progress::About;
use super::settled::Settled;

/// An entry in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The id of the entry.
    pub id: u64,
    /// Identifies the chunk.
    pub key: Key,
    /// When the entry was written, in milliseconds since 1970.
    pub made_ms: i64,
    /// Attempts and reported counts.
    pub about: About,
    /// Its settled events.
    pub settled: Settled,
}

/// One change of the entries.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds an entry, or replaces the entry with its id.
    Put(Saved),
    /// Adds settled events to an entry.
    Settle(u64, Settled),
    /// Removes an entry.
    Remove(u64),
}

/// The header of a file of this identity.
#[must_use]
pub fn header(identity: &[u8; 32]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(identity);
    let crc = crc(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// Appends a record.
pub fn append(change: &Change, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.extend([0; RECORD_HEAD]);
    match change {
        Change::Put(saved) => put(saved, bytes),
        Change::Settle(id, settled) => {
            bytes.push(SETTLE);
            bytes.extend(id.to_le_bytes());
            append_set(settled, bytes);
        }
        Change::Remove(id) => {
            bytes.push(REMOVE);
            bytes.extend(id.to_le_bytes());
        }
    }
    let payload = start + RECORD_HEAD;
    let len = (bytes.len() - payload) as u32;
    let crc = crc(&bytes[payload..]);
    bytes[start..start + 4].copy_from_slice(&len.to_le_bytes());
    bytes[start + 4..payload].copy_from_slice(&crc.to_le_bytes());
}

/// Reads records up to the first damaged one or the end. Also returns how many bytes were read.
#[must_use]
pub fn read(bytes: &[u8]) -> (Vec<Change>, usize) {
    let mut changes = Vec::new();
    let mut reader = Reader(bytes);
    loop {
        let read = bytes.len() - reader.0.len();
        match reader.record() {
            Some(change) => changes.push(change),
            None => return (changes, read),
        }
    }
}

fn put(saved: &Saved, bytes: &mut Vec<u8>) {
    let About { attempts, reported } = saved.about;
    bytes.push(PUT);
    bytes.extend(saved.id.to_le_bytes());
    bytes.extend((saved.key.len as u64).to_le_bytes());
    bytes.extend(saved.key.hash);
    bytes.extend(saved.made_ms.to_le_bytes());
    bytes.extend(attempts.to_le_bytes());
    bytes.extend(reported.iter().flat_map(|count| count.to_le_bytes()));
    append_set(&saved.settled, bytes);
}

/// Appends a set as ranges or as bits, whichever is shorter.
fn append_set(set: &Settled, bytes: &mut Vec<u8>) {
    let ranges = set.ranges();
    let first = ranges.first().map_or(0, |range| range.start / 8);
    let last = ranges.last().map_or(0, |range| range.end.div_ceil(8));
    if ranges.len() * 8 <= (last - first) as usize {
        bytes.push(RANGES);
        bytes.extend((ranges.len() as u32).to_le_bytes());
        for range in ranges {
            bytes.extend(range.start.to_le_bytes());
            bytes.extend(range.end.to_le_bytes());
        }
        return;
    }
    bytes.push(BITS);
    bytes.extend(first.to_le_bytes());
    bytes.extend((last - first).to_le_bytes());
    for byte in first..last {
        let bits = (0..8).filter(|bit| set.contains(byte * 8 + bit));
        bytes.push(bits.fold(0, |byte, bit| byte | 1 << bit));
    }
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn record(&mut self) -> Option<Change> {
        let (len, crc_read) = (self.u32()? as usize, self.u32()?);
        let payload = self.take(len)?;
        if crc(payload) != crc_read {
            return None;
        }
        let mut payload = Self(payload);
        let change = payload.change()?;
        payload.0.is_empty().then_some(change)
    }

    fn change(&mut self) -> Option<Change> {
        let (kind, id) = (self.u8()?, self.u64()?);
        match kind {
            PUT => self.saved(id).map(Change::Put),
            SETTLE => Some(Change::Settle(id, self.set()?)),
            REMOVE => Some(Change::Remove(id)),
            _ => None,
        }
    }

    fn saved(&mut self, id: u64) -> Option<Saved> {
        let key = Key {
            len: usize::try_from(self.u64()?).ok()?,
            hash: self.take(32)?.try_into().ok()?,
        };
        let made_ms = i64::from_le_bytes(self.take(8)?.try_into().ok()?);
        let mut about = About {
            attempts: self.u32()?,
            ..About::default()
        };
        for count in &mut about.reported {
            *count = self.u32()?;
        }
        Some(Saved {
            id,
            key,
            made_ms,
            about,
            settled: self.set()?,
        })
    }

    fn set(&mut self) -> Option<Settled> {
        let mut set = Settled::default();
        match self.u8()? {
            RANGES => {
                let mut last = 0;
                for _ in 0..self.u32()? {
                    let (start, end) = (self.u32()?, self.u32()?);
                    if start >= end || end > MAX_ORDINAL || start < last {
                        return None;
                    }
                    (start..end).for_each(|ordinal| _ = set.insert(ordinal));
                    last = end;
                }
            }
            BITS => {
                let (first, count) = (self.u32()?, self.u32()?);
                let bytes = self.take(count as usize)?;
                if first.checked_add(count)? > MAX_ORDINAL / 8 {
                    return None;
                }
                for (at, byte) in (first..).zip(bytes) {
                    let bits = (0..8).filter(|bit| byte >> bit & 1 == 1);
                    bits.for_each(|bit| _ = set.insert(at * 8 + bit));
                }
            }
            _ => return None,
        }
        Some(set)
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Option<u64> {
        let bytes = self.take(8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The first bytes of a journal file of any version.
pub const MAGIC: &[u8; 8] = b"FLBRETRY";
/// The version of the format. It also changes when a chunk may be converted to other events.
const VERSION: u16 = 1;
/// The length of [`header`].
pub const HEADER_BYTES: usize = 8 + 2 + 32 + 4;
const RECORD_HEAD: usize = 8;
const PUT: u8 = 1;
const SETTLE: u8 = 2;
const REMOVE: u8 = 3;
const RANGES: u8 = 0;
const BITS: u8 = 1;
/// An upper limit of events in a chunk: Fluent Bit's chunks have about 2 MB.
const MAX_ORDINAL: u32 = 1 << 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Vec<Change> {
        let about = About {
            attempts: 3,
            reported: [7; 10],
        };
        let saved = |settled| Saved {
            id: 77,
            key: Key::of(b"tag", b"chunk"),
            made_ms: 1_700_000_000_000,
            about,
            settled,
        };
        let odd = Settled::of((0..999).map(|n| 5 + n * 2));
        vec![
            Change::Put(saved(Settled::of((0..10_000).chain([20_000])))),
            Change::Put(saved(Settled::default())),
            Change::Settle(77, odd),
            Change::Settle(77, Settled::of([100_000])),
            Change::Remove(77),
        ]
    }

    #[test]
    fn written_records_are_read() {
        let mut bytes = Vec::new();
        for change in changes() {
            append(&change, &mut bytes);
        }
        assert_eq!(read(&bytes), (changes(), bytes.len()));
    }

    #[test]
    fn records_are_read_up_to_a_tear_or_a_changed_byte() {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for change in changes() {
            append(&change, &mut bytes);
            ends.push(bytes.len());
        }
        for len in 0..bytes.len() {
            let whole = ends.iter().filter(|&&end| end <= len).count();
            let (read_changes, read_bytes) = read(&bytes[..len]);
            assert_eq!(read_changes, changes()[..whole], "{len}");
            assert_eq!(
                read_bytes,
                whole.checked_sub(1).map_or(0, |last| ends[last])
            );
            let mut changed = bytes.clone();
            changed[len] ^= 0x10;
            assert_eq!(read(&changed).0, changes()[..whole], "byte {len}");
        }
    }

    #[test]
    fn the_header_has_the_declared_length() {
        assert_eq!(header(&[1; 32]).len(), HEADER_BYTES);
        assert!(header(&[1; 32]).starts_with(MAGIC));
    }

    #[test]
    fn invalid_sets_are_rejected_without_allocation() {
        for set in [
            [
                &[RANGES][..],
                &1u32.to_le_bytes(),
                &0u32.to_le_bytes(),
                &u32::MAX.to_le_bytes(),
            ]
            .concat(),
            [
                &[BITS][..],
                &u32::MAX.to_le_bytes(),
                &1u32.to_le_bytes(),
                &[1],
            ]
            .concat(),
        ] {
            assert_eq!(Reader(&set).set(), None);
        }
    }
}
