//! The oldest event that is still to be delivered.
//!
//! A chunk is in delivery, or it waits for the host to bring it again. The host says nothing of a
//! chunk that it gives up: one that is not back after twice the longest wait that the host's default
//! scheduler takes (`flb_scheduler.c`: at most 5 s * 2^tries, 2,000 s in all) counts no more.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One instance's chunks.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Chunks>);

#[derive(Debug, Default)]
struct Chunks {
    flying: HashMap<u64, i64>,
    numbers: u64,
    waiting: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    key: (usize, u64),
    oldest: i64,
    tries: u32,
    until: Instant,
}

/// A chunk in delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flying {
    number: u64,
    /// How often the host was asked to bring it again.
    pub(super) tries: u32,
}

impl Waiting {
    /// A chunk's delivery begins, at so many milliseconds since 1970.
    pub(super) fn begin(&self, tag: &[u8], chunk: &[u8], now_ms: i64) -> Flying {
        let mut chunks = self.lock();
        let known = chunks
            .waiting
            .iter()
            .any(|known| known.key.0 == chunk.len());
        let found = known.then(|| chunks.take(key(tag, chunk))).flatten();
        let (oldest, tries) = found.map_or((now_ms, 0), |found| (found.oldest, found.tries));
        let number = chunks.numbers;
        chunks.numbers += 1;
        chunks.flying.insert(number, oldest);
        Flying { number, tries }
    }

    /// The oldest event of a chunk in delivery is known.
    pub(super) fn holds(&self, flying: Flying, oldest: i64) {
        self.lock().flying.insert(flying.number, oldest);
    }

    /// The delivery has ended.
    pub(super) fn end(&self, flying: Flying) {
        self.lock().flying.remove(&flying.number);
    }

    /// The chunk will come again, and still has an event of this time.
    pub(super) fn wait(&self, flying: Flying, oldest: i64, tag: &[u8], chunk: &[u8], now: Instant) {
        let tries = flying.tries + 1;
        self.lock().waiting.push(Chunk {
            key: key(tag, chunk),
            oldest,
            tries,
            until: now + longest_wait(tries) * 2,
        });
    }

    /// The time of the oldest event, in milliseconds since 1970.
    pub(super) fn oldest(&self, now: Instant) -> Option<i64> {
        let mut chunks = self.lock();
        chunks.waiting.retain(|chunk| chunk.until > now);
        let waiting = chunks.waiting.iter().map(|chunk| chunk.oldest);
        chunks.flying.values().copied().chain(waiting).min()
    }

    fn lock(&self) -> MutexGuard<'_, Chunks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chunks {
    fn take(&mut self, key: (usize, u64)) -> Option<Chunk> {
        let at = self.waiting.iter().position(|known| known.key == key)?;
        Some(self.waiting.swap_remove(at))
    }
}

fn longest_wait(tries: u32) -> Duration {
    let doubled = FIRST_WAIT * (1 << tries.min(MOST_DOUBLINGS));
    doubled.min(LONGEST_WAIT)
}

/// Length and hash: two chunks that share them are taken for one, which costs an age and no event.
fn key(tag: &[u8], chunk: &[u8]) -> (usize, u64) {
    let mut hasher = DefaultHasher::new();
    (tag, chunk).hash(&mut hasher);
    (chunk.len(), hasher.finish())
}

/// `scheduler.base`.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// `scheduler.cap`.
const LONGEST_WAIT: Duration = Duration::from_secs(2000);
const MOST_DOUBLINGS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_in_delivery_or_waits_to_be_brought_again() {
        let (waiting, now) = (Waiting::default(), Instant::now());
        assert_eq!(waiting.oldest(now), None);
        let (a, b) = (
            waiting.begin(b"t", b"a", 100),
            waiting.begin(b"t", b"b", 200),
        );
        waiting.holds(a, 90);
        assert_eq!(waiting.oldest(now), Some(90));
        waiting.wait(a, 95, b"t", b"a", now);
        waiting.end(a);
        waiting.end(b);
        assert_eq!(waiting.oldest(now), Some(95));
        let a = waiting.begin(b"t", b"a", 300);
        assert_eq!((a.tries, waiting.oldest(now)), (1, Some(95)));
        waiting.end(a);
        assert_eq!(waiting.oldest(now), None);
        assert_eq!(waiting.begin(b"t", b"a", 300).tries, 0);
    }

    #[test]
    fn a_chunk_that_the_host_gave_up_counts_no_more() {
        let (waiting, now) = (Waiting::default(), Instant::now());
        let chunk = waiting.begin(b"t", b"a", 100);
        waiting.wait(chunk, 100, b"t", b"a", now);
        waiting.end(chunk);
        assert_eq!(waiting.oldest(now + Duration::from_secs(19)), Some(100));
        assert_eq!(waiting.oldest(now + Duration::from_secs(21)), None);
    }
}
