//! The ledger: an output's record of chunks that were tried before.
//!
//! Fluent Bit knows whole chunks only: after RETRY it flushes the same bytes with the same tag, without
//! an identifier. So a chunk is identified by its content. An entry has what the next attempt needs:
//! the settled events, the number of attempts, the reported counts of skipped and damaged records, and
//! the time of the oldest event.
//!
//! Chunks with equal tag and content are interchangeable, as their events are equal one by one. So the
//! entries of one content are a multiset, and any entry may serve any such chunk, the oldest first. An
//! entry that is created while a chunk waits for its delivery belongs to another chunk: without an older
//! entry, the waiting chunk is sent whole. Otherwise an entry whose rest is always rejected would be
//! taken by each equal chunk in turn.
//!
//! With `n` equal chunks in Fluent Bit, the events left in entries and the events of untried chunks add
//! up to the events that the service lacks, whichever chunk takes which entry. A chunk that Fluent Bit
//! dropped leaves its entry behind. A later equal chunk then sends only the rest of that entry. The
//! service then has exactly one chunk less than was logged: the one that Fluent Bit reported as dropped.

pub mod journal;
pub mod progress;
pub mod record;
pub mod settled;
pub mod track;

#[cfg(test)]
pub(crate) use self::progress::next_halvings;
pub use self::progress::{About, Progress, Source};
pub use self::settled::{PendingItems, Settled};
pub use self::track::Track;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ring::digest::{Context, SHA256};

/// The chunks of one output: those in delivery, and those that Fluent Bit will retry.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Chunks>);

#[derive(Debug, Default)]
struct Chunks {
    /// The time of the oldest event of each chunk in delivery.
    in_delivery: HashMap<u64, i64>,
    numbers: u64,
    /// Counts arrivals of chunks and creations of entries, to order them.
    clock: u64,
    /// The entries, by the length of the chunk.
    entries: HashMap<usize, Vec<Entry>>,
    bytes: usize,
    next_expiry: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    progress: Arc<Progress>,
    /// The time of the oldest event that is left, in milliseconds since 1970.
    oldest: i64,
    has_settled: bool,
    bytes: usize,
    created: Instant,
    /// Its position in the order of arrivals and entries.
    order: u64,
    /// By this time Fluent Bit has retried the chunk, unless it dropped the chunk.
    expected_until: Instant,
}

/// The position of a chunk in the order of arrivals and entries.
#[derive(Clone, Copy, Debug)]
pub struct Arrived(u64);

/// Identifies a chunk: its length, and the SHA-256 of its tag and bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Key {
    /// The length of the chunk.
    pub len: usize,
    /// The hash of the tag and the chunk.
    pub hash: [u8; 32],
}

impl Key {
    /// The key of a chunk.
    #[must_use]
    pub fn of(tag: &[u8], chunk: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&(tag.len() as u64).to_be_bytes());
        context.update(tag);
        context.update(chunk);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self {
            len: chunk.len(),
            hash,
        }
    }
}

impl Ledger {
    /// Records the arrival of a chunk.
    #[must_use]
    pub fn arrive(&self) -> Arrived {
        Arrived(self.lock().tick())
    }

    /// Begins a delivery. Returns its number, and the progress of the chunk if it was tried before.
    ///
    /// The chunk is hashed only when there is an entry of its length.
    pub fn begin(
        &self,
        arrived: Arrived,
        len: usize,
        key: impl FnOnce() -> Key,
        now: Instant,
        now_ms: i64,
    ) -> (u64, Option<Arc<Progress>>) {
        let key = self.has_length(len).then(key);
        let mut chunks = self.lock();
        let entry = key.and_then(|key| chunks.take(&key, arrived, now));
        let number = chunks.numbers;
        chunks.numbers += 1;
        let oldest = entry.as_ref().map_or(now_ms, |entry| entry.oldest);
        chunks.in_delivery.insert(number, oldest);
        (number, entry.map(|entry| entry.progress))
    }

    /// Removes and returns the progress of a chunk, whose delivery another ledger has begun.
    pub fn take(&self, key: &Key, now: Instant) -> Option<Arc<Progress>> {
        let mut chunks = self.lock();
        let arrived = Arrived(chunks.tick());
        let entry = chunks.take(key, arrived, now);
        entry.map(|entry| entry.progress)
    }

    /// Whether there is an entry for a chunk of this length.
    #[must_use]
    pub fn has_length(&self, len: usize) -> bool {
        self.lock().entries.contains_key(&len)
    }

    /// Removes and returns all entries: the key, the progress, and the time of the oldest event.
    #[must_use]
    pub fn take_all(&self) -> Vec<(Key, Arc<Progress>, i64)> {
        let mut chunks = self.lock();
        chunks.bytes = 0;
        let entries = std::mem::take(&mut chunks.entries);
        let entries = entries.into_values().flatten();
        entries
            .map(|entry| (entry.key, entry.progress, entry.oldest))
            .collect()
    }

    /// Records the time of the oldest event of a chunk in delivery.
    pub fn set_oldest(&self, number: u64, oldest: i64) {
        self.lock().in_delivery.insert(number, oldest);
    }

    /// Ends a delivery; returns the time of the chunk's oldest event.
    pub fn end(&self, number: u64) -> Option<i64> {
        self.lock().in_delivery.remove(&number)
    }

    /// Adds an entry for a chunk that Fluent Bit will retry. Returns the entries that are removed:
    /// expired entries, and the oldest ones if the memory limit is exceeded.
    pub fn note(&self, key: Key, progress: Arc<Progress>, oldest: i64, now: Instant) -> Dropped {
        let (attempts, has_settled, bytes) = progress.size();
        let mut chunks = self.lock();
        let entry = Entry {
            order: chunks.tick(),
            key,
            progress,
            oldest,
            has_settled,
            bytes: bytes + ENTRY_BYTES,
            created: now,
            expected_until: now + longest_wait(attempts) * 2,
        };
        chunks.bytes += entry.bytes;
        chunks.entries.entry(key.len).or_default().push(entry);
        let expired = chunks.expire(now);
        let evicted = chunks.enforce_limit();
        Dropped { expired, evicted }
    }

    /// The time of the oldest event that is not delivered yet, in milliseconds since 1970.
    #[must_use]
    pub fn oldest(&self, now: Instant) -> Option<i64> {
        let chunks = self.lock();
        let entries = chunks.entries.values().flatten();
        let expected = entries.filter(|entry| entry.expected_until > now);
        let waiting = expected.map(|entry| entry.oldest);
        chunks.in_delivery.values().copied().chain(waiting).min()
    }

    fn lock(&self) -> MutexGuard<'_, Chunks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Entries that are no longer in the ledger.
#[derive(Debug, Default)]
pub struct Dropped {
    /// Entries that were too old.
    pub expired: Vec<Arc<Progress>>,
    /// Entries that were removed because of the memory limit.
    pub evicted: Vec<Arc<Progress>>,
}

impl Chunks {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Removes and returns the oldest entry of this key that was created before the chunk arrived.
    fn take(&mut self, key: &Key, arrived: Arrived, now: Instant) -> Option<Entry> {
        let entries = self.entries.get_mut(&key.len)?;
        let is_current = |entry: &Entry| now.saturating_duration_since(entry.created) < LIFETIME;
        let answers = |entry: &Entry| entry.key == *key && entry.order < arrived.0;
        let at = entries
            .iter()
            .position(|entry| answers(entry) && is_current(entry))?;
        let entry = entries.remove(at);
        if entries.is_empty() {
            self.entries.remove(&key.len);
        }
        self.bytes -= entry.bytes;
        Some(entry)
    }

    fn expire(&mut self, now: Instant) -> Vec<Arc<Progress>> {
        if self.next_expiry.is_some_and(|next| now < next) {
            return Vec::new();
        }
        self.next_expiry = Some(now + EXPIRY_INTERVAL);
        self.remove(|entry| now.saturating_duration_since(entry.created) >= LIFETIME)
    }

    /// Enforces the memory limit. Frees an eighth of it, so that this runs rarely. Entries without settled
    /// events are removed first: without such an entry the count of attempts restarts, and no event is
    /// sent twice.
    fn enforce_limit(&mut self) -> Vec<Arc<Progress>> {
        if self.bytes <= MAX_BYTES {
            return Vec::new();
        }
        let entries = self.entries.values().flatten();
        let mut order: Vec<_> = entries
            .map(|entry| {
                (
                    entry.has_settled,
                    entry.created,
                    entry.progress.id(),
                    entry.bytes,
                )
            })
            .collect();
        order.sort_unstable();
        let mut excess = self.bytes - MAX_BYTES / 8 * 7;
        let mut last = None;
        for (has_settled, created, id, bytes) in order {
            last = Some((has_settled, created, id));
            if excess <= bytes {
                break;
            }
            excess -= bytes;
        }
        self.remove(|entry| Some((entry.has_settled, entry.created, entry.progress.id())) <= last)
    }

    fn remove(&mut self, mut is_out: impl FnMut(&Entry) -> bool) -> Vec<Arc<Progress>> {
        let mut removed = Vec::new();
        for entries in self.entries.values_mut() {
            for entry in entries.extract_if(.., |entry| is_out(entry)) {
                self.bytes -= entry.bytes;
                removed.push(entry.progress);
            }
        }
        self.entries.retain(|_, entries| !entries.is_empty());
        removed
    }
}

/// The longest time until Fluent Bit retries a chunk, with the default scheduler
/// (`flb_scheduler.c`: at most `scheduler.base` * 2^attempts, and `scheduler.cap`).
fn longest_wait(attempts: u32) -> Duration {
    let doubled = SCHEDULER_BASE * (1 << attempts.min(MAX_DOUBLINGS));
    doubled.min(SCHEDULER_CAP)
}

/// The lifetime of an entry; longer than Fluent Bit's longest wait between two attempts.
pub const LIFETIME: Duration = Duration::from_secs(2 * 3600);
/// `scheduler.base`.
const SCHEDULER_BASE: Duration = Duration::from_secs(5);
/// `scheduler.cap`.
const SCHEDULER_CAP: Duration = Duration::from_secs(2000);
const MAX_DOUBLINGS: u32 = 16;
/// How often expired entries are removed. An expired entry is not used before its removal either.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);
/// The memory limit of an output's entries, in bytes: some thousand chunks.
const MAX_BYTES: usize = 1024 * 1024;
/// The memory of an entry without its set of events, in bytes.
const ENTRY_BYTES: usize = 320;

#[cfg(test)]
mod tests;
