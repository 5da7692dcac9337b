//! Any order of notes and attempts against a list, and any bytes as a journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use router::delivery::ledger::{Key, LIFETIME, Ledger, Progress, record};

/// The input is steps of four bytes: what to do, which tag, which chunk, and for how long to wait. It
/// is also read as a journal.
pub fn ledger(data: &[u8]) {
    journal(data);
    let (ledger, mut now) = (Ledger::default(), Instant::now());
    let mut expected: Vec<Entry> = Vec::new();
    for step in data.chunks_exact(4) {
        let tag = &b"ttt"[..usize::from(step[1] % 4)];
        let chunk = vec![b't'; usize::from(step[2] % 8)];
        let key = Key::of(tag, &chunk);
        match step[0] % 4 {
            0 | 1 => {
                let progress = Arc::new(Progress::new(None));
                let id = progress.id();
                let dropped = ledger.note(key, progress, 0, now);
                // So few are never too many.
                assert_eq!(dropped.evicted.len(), 0);
                expected.push(Entry {
                    key,
                    id,
                    noted: now,
                });
            }
            2 => {
                let (number, known) = ledger.begin(ledger.arrive(), chunk.len(), || key, now, 0);
                assert!(ledger.end(number).is_some());
                let known = known.map(|progress| progress.id());
                assert_eq!(known.is_some(), take(&mut expected, key, known, now));
            }
            _ => now += Duration::from_secs(60 * u64::from(step[3])),
        }
    }
}

/// What is read of a journal is written as it was.
fn journal(data: &[u8]) {
    let (changes, read) = record::read(data);
    assert!(read <= data.len());
    let mut bytes = Vec::new();
    for change in &changes {
        record::append(change, &mut bytes);
    }
    assert_eq!(record::read(&bytes), (changes, bytes.len()));
}

struct Entry {
    key: Key,
    id: u64,
    noted: Instant,
}

/// Whether there is such an entry; the one that was taken then no longer is.
fn take(expected: &mut Vec<Entry>, key: Key, taken: Option<u64>, now: Instant) -> bool {
    expected.retain(|entry| now.duration_since(entry.noted) < LIFETIME);
    let Some(taken) = taken else {
        return expected.iter().any(|entry| entry.key == key);
    };
    let found = expected
        .iter()
        .position(|entry| entry.key == key && entry.id == taken);
    found.map(|at| expected.swap_remove(at)).is_some()
}
