//! What of a chunk the service has accepted, when the host will bring the chunk again.
//!
//! The host knows whole chunks only: after RETRY it brings the same bytes under the same tag, and
//! says nothing of the last time. So a chunk is known by its content, and an entry holds the events
//! that are *left*: the host's retry sends those alone.
//!
//! Chunks of equal tag and content are interchangeable, their events being equal one for one; so
//! entries of one content are a multiset and any of them answers for any such chunk. With `n` equal
//! chunks on their way, the entries' left events and those of chunks not yet tried add up to what
//! the service still lacks, whichever chunk takes which entry. A chunk that the host gave up leaves
//! its entry behind: a later equal chunk then sends what that one lacked, which makes the service
//! hold exactly one chunk less than were logged, the one that the host said it dropped.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::digest::{Context, SHA256};

/// Events of one chunk that are still to be delivered, by their ordinals.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Left(Box<[Range<u32>]>);

impl Left {
    /// Holds these ordinals, which may come in any order.
    #[must_use]
    pub fn new(mut ordinals: Vec<u32>) -> Self {
        ordinals.sort_unstable();
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for ordinal in ordinals {
            match ranges.last_mut() {
                Some(range) if range.end == ordinal => range.end += 1,
                Some(range) if range.contains(&ordinal) => {}
                _ => ranges.push(ordinal..ordinal + 1),
            }
        }
        Self(ranges.into())
    }

    /// Whether the event is still to be delivered.
    #[must_use]
    pub fn contains(&self, ordinal: u32) -> bool {
        let next = self.0.partition_point(|range| range.end <= ordinal);
        self.0
            .get(next)
            .is_some_and(|range| range.contains(&ordinal))
    }

    fn bytes(&self) -> usize {
        self.0.len() * size_of::<Range<u32>>() + ENTRY_BYTES
    }
}

/// One instance's entries.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_chunk: HashMap<Key, Vec<Entry>>,
    bytes: usize,
    forgotten: usize,
}

#[derive(Debug)]
struct Entry {
    left: Left,
    made: Instant,
}

/// Tag, length and SHA-256 of both.
type Key = (usize, [u8; 32]);

impl Ledger {
    /// Takes out what is left of a chunk; `None` when nothing of it was accepted, or nothing is
    /// known.
    #[must_use]
    pub fn take(&self, tag: &[u8], chunk: &[u8], now: Instant) -> Option<Left> {
        let mut entries = self.lock();
        entries.expire(now);
        // The hash is made only when a chunk of this length is known, which is next to never.
        if !entries.by_chunk.keys().any(|(len, _)| *len == chunk.len()) {
            return None;
        }
        drop(entries);
        let key = key(tag, chunk);
        let mut entries = self.lock();
        let found = entries.by_chunk.get_mut(&key)?;
        let entry = found.pop()?;
        if found.is_empty() {
            entries.by_chunk.remove(&key);
        }
        entries.bytes -= entry.left.bytes();
        Some(entry.left)
    }

    /// Notes what is left of a chunk that the host will bring again.
    pub fn note(&self, tag: &[u8], chunk: &[u8], left: Left, now: Instant) {
        let key = key(tag, chunk);
        let mut entries = self.lock();
        entries.bytes += left.bytes();
        entries
            .by_chunk
            .entry(key)
            .or_default()
            .push(Entry { left, made: now });
        entries.keep_within_bounds();
    }

    /// How many entries had to be forgotten for lack of room since the last call: their chunks will
    /// be sent whole.
    #[must_use]
    pub fn forgotten(&self) -> usize {
        std::mem::take(&mut self.lock().forgotten)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn expire(&mut self, now: Instant) {
        self.retain(|entry| now.saturating_duration_since(entry.made) < LIFETIME);
    }

    fn keep_within_bounds(&mut self) {
        while self.bytes > MOST_BYTES {
            let all = self.by_chunk.values().flatten();
            let Some(oldest) = all.map(|entry| entry.made).min() else {
                return;
            };
            let before = self.count();
            self.retain(|entry| entry.made > oldest);
            self.forgotten += before - self.count();
        }
    }

    fn count(&self) -> usize {
        self.by_chunk.values().map(Vec::len).sum()
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        for entries in self.by_chunk.values_mut() {
            entries.retain(&keep);
        }
        self.by_chunk.retain(|_, entries| !entries.is_empty());
        let all = self.by_chunk.values().flatten();
        self.bytes = all.map(|entry| entry.left.bytes()).sum();
    }
}

fn key(tag: &[u8], chunk: &[u8]) -> Key {
    let mut hash = Context::new(&SHA256);
    hash.update(&(tag.len() as u64).to_be_bytes());
    hash.update(tag);
    hash.update(chunk);
    let mut key = [0; 32];
    key.copy_from_slice(hash.finish().as_ref());
    (chunk.len(), key)
}

/// Longer than the host's longest wait between two tries of a chunk (`scheduler.cap`, 2,000 s).
const LIFETIME: Duration = Duration::from_secs(2 * 3600);
/// Room for the entries of an instance: some ten thousand chunks that failed in one piece.
const MOST_BYTES: usize = 1024 * 1024;
/// An entry and its key.
const ENTRY_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn ordinals(left: &Left) -> Vec<u32> {
        (0..1000)
            .filter(|&ordinal| left.contains(ordinal))
            .collect()
    }

    #[test]
    fn left_events_are_told_from_accepted_ones() {
        for set in [
            vec![],
            vec![0],
            vec![5, 3, 4, 9, 3],
            (0..500).map(|n| n * 2).collect(),
        ] {
            let mut sorted = set.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(ordinals(&Left::new(set)), sorted);
        }
    }

    #[test]
    fn an_entry_answers_once_and_for_its_tag_and_content_only() {
        let (ledger, now) = (Ledger::default(), Instant::now());
        ledger.note(b"tag", b"chunk", Left::new(vec![7]), now);
        assert_eq!(ledger.take(b"tag", b"other", now), None);
        assert_eq!(ledger.take(b"ta", b"gchunk", now), None);
        assert_eq!(ledger.take(b"tax", b"chunk", now), None);
        assert_eq!(ledger.take(b"tag", b"chunk", now), Some(Left::new(vec![7])));
        assert_eq!(ledger.take(b"tag", b"chunk", now), None);
    }

    #[test]
    fn equal_chunks_have_an_entry_each() {
        let (ledger, now) = (Ledger::default(), Instant::now());
        ledger.note(b"t", b"c", Left::new(vec![1]), now);
        ledger.note(b"t", b"c", Left::new(vec![2, 3]), now);
        let mut taken: Vec<Vec<u32>> = (0..2)
            .filter_map(|_| ledger.take(b"t", b"c", now))
            .map(|left| ordinals(&left))
            .collect();
        taken.sort();
        assert_eq!(taken, [vec![1], vec![2, 3]]);
        assert_eq!(ledger.take(b"t", b"c", now), None);
    }

    #[test]
    fn entries_expire_and_are_bounded() {
        let (ledger, now) = (Ledger::default(), Instant::now());
        ledger.note(b"t", b"c", Left::new(vec![1]), now);
        assert_eq!(ledger.take(b"t", b"c", now + LIFETIME), None);
        let scattered: Vec<u32> = (0..100).map(|n| n * 2).collect();
        for n in 0..5000u32 {
            let made = now + Duration::from_millis(n.into());
            ledger.note(b"t", &n.to_be_bytes(), Left::new(scattered.clone()), made);
        }
        assert!(ledger.lock().bytes <= MOST_BYTES);
        assert!(ledger.forgotten() > 3000);
        assert!(ledger.take(b"t", &4999u32.to_be_bytes(), now).is_some());
        assert!(ledger.take(b"t", &0u32.to_be_bytes(), now).is_none());
    }
}
