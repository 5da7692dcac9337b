//! Any order of notes and questions, against a list.

use std::time::{Duration, Instant};

use router::ledger::{Ledger, Left};

/// The input is steps of four bytes: what to do, which tag, which chunk, and which events are left.
pub fn ledger(data: &[u8]) {
    let (ledger, mut now) = (Ledger::default(), Instant::now());
    let mut expected: Vec<Entry> = Vec::new();
    for step in data.chunks_exact(4) {
        let tag = &b"ttt"[..usize::from(step[1] % 4)];
        let chunk = vec![b't'; usize::from(step[2] % 8)];
        match step[0] % 4 {
            0 | 1 => {
                let left = left(step[3]);
                ledger.note(tag, &chunk, left.clone(), now);
                expected.push(Entry {
                    tag,
                    chunk,
                    left,
                    noted: now,
                });
            }
            2 => {
                let taken = ledger.take(tag, &chunk, now);
                assert_eq!(
                    taken.is_some(),
                    take(&mut expected, tag, &chunk, taken.as_ref(), now)
                );
            }
            _ => now += Duration::from_secs(60 * u64::from(step[3])),
        }
    }
    // So few are never too many.
    assert_eq!(ledger.forgotten(), 0);
}

struct Entry {
    tag: &'static [u8],
    chunk: Vec<u8>,
    left: Left,
    noted: Instant,
}

fn left(byte: u8) -> Left {
    let bits = (0..8).filter(|bit| byte >> bit & 1 == 1);
    Left::new(bits.collect())
}

/// Whether such an entry is there; the one that was taken then no longer is.
fn take(
    expected: &mut Vec<Entry>,
    tag: &[u8],
    chunk: &[u8],
    taken: Option<&Left>,
    now: Instant,
) -> bool {
    expected.retain(|entry| now.duration_since(entry.noted) < LIFETIME);
    let known = |entry: &Entry| entry.tag == tag && entry.chunk == chunk;
    let Some(taken) = taken else {
        return expected.iter().any(known);
    };
    let found = expected
        .iter()
        .position(|entry| known(entry) && entry.left == *taken);
    found.map(|at| expected.swap_remove(at)).is_some()
}

/// As `docs/reliability.md` promises.
const LIFETIME: Duration = Duration::from_secs(2 * 3600);
