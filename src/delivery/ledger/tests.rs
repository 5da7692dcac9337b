use std::collections::BTreeMap;

use cbindings::OnOutcome;

use super::*;

/// A chunk whose content is its name.
struct Named(&'static str);

impl Source for Named {
    fn tag(&self) -> &[u8] {
        b"tag"
    }

    fn chunk(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn on_outcome(&self, _action: OnOutcome) {
        unreachable!("these tests end no attempt");
    }
}

fn note(ledger: &Ledger, chunk: &'static str, progress: &Arc<Progress>, now: Instant) -> Dropped {
    let key = progress.key(&Named(chunk));
    ledger.note(key, progress.clone(), 7, now)
}

fn begin(ledger: &Ledger, chunk: &'static str, now: Instant) -> Option<Arc<Progress>> {
    let key = || Key::of(b"tag", chunk.as_bytes());
    let (number, known) = ledger.begin(ledger.arrive(), chunk.len(), key, now, 100);
    ledger.end(number);
    known
}

#[test]
fn an_entry_is_taken_once_and_only_for_its_tag_and_content() {
    let (ledger, now) = (Ledger::default(), Instant::now());
    let progress = Arc::new(Progress::new(None));
    assert!(note(&ledger, "chunk", &progress, now).expired.is_empty());
    assert!(begin(&ledger, "other", now).is_none());
    let of_another_tag = || Key::of(b"ta", b"gchunk");
    assert!(
        ledger
            .begin(ledger.arrive(), 5, of_another_tag, now, 0)
            .1
            .is_none()
    );
    assert_eq!(begin(&ledger, "chunk", now).unwrap().id(), progress.id());
    assert!(begin(&ledger, "chunk", now).is_none());
}

#[test]
fn a_chunk_without_an_entry_of_its_length_is_not_hashed() {
    let (ledger, now) = (Ledger::default(), Instant::now());
    let hashed = || -> Key { unreachable!("hashed") };
    assert!(ledger.begin(ledger.arrive(), 5, hashed, now, 0).1.is_none());
    drop(note(&ledger, "chunk", &Arc::new(Progress::new(None)), now));
    assert!(ledger.begin(ledger.arrive(), 6, hashed, now, 0).1.is_none());
}

#[test]
fn entries_expire() {
    let (ledger, now) = (Ledger::default(), Instant::now());
    let progress = Arc::new(Progress::new(None));
    drop(note(&ledger, "chunk", &progress, now));
    let later = now + LIFETIME;
    assert!(begin(&ledger, "chunk", later).is_none());
    let dropped = note(&ledger, "later", &Arc::new(Progress::new(None)), later);
    assert_eq!(dropped.expired.len(), 1);
    assert_eq!(ledger.lock().entries.len(), 1);
}

#[test]
fn the_memory_limit_evicts_entries_without_settled_events_first() {
    let (ledger, now) = (Ledger::default(), Instant::now());
    let settled = Progress::saved(
        &record::Saved {
            id: 1,
            key: Key::of(b"tag", b"settled"),
            made_ms: 0,
            about: About::default(),
            settled: Settled::of(0..9),
        },
        None,
    );
    drop(note(&ledger, "settled", &Arc::new(settled), now));
    let mut evicted = 0;
    for n in 0..10_000 {
        let progress = Arc::new(Progress::new(None));
        let dropped = note(&ledger, "chunk", &progress, now + Duration::from_millis(n));
        assert!(dropped.evicted.iter().all(|progress| progress.id() != 1));
        evicted += dropped.evicted.len();
    }
    let chunks = ledger.lock();
    assert!(chunks.bytes <= MAX_BYTES);
    assert_eq!(chunks.entries.values().flatten().count(), 10_001 - evicted);
    assert!(evicted > 5_000, "{evicted}");
    drop(chunks);
    assert!(begin(&ledger, "settled", now).is_some());
}

#[test]
fn oldest_covers_chunks_in_delivery_and_entries() {
    let (ledger, now) = (Ledger::default(), Instant::now());
    let key = || -> Key { unreachable!("hashed") };
    assert_eq!(ledger.oldest(now), None);
    let (a, _) = ledger.begin(ledger.arrive(), 1, key, now, 100);
    let (b, _) = ledger.begin(ledger.arrive(), 1, key, now, 200);
    ledger.set_oldest(a, 90);
    assert_eq!(ledger.oldest(now), Some(90));
    assert_eq!((ledger.end(a), ledger.end(b)), (Some(90), Some(200)));
    drop(ledger.note(Key::of(b"t", b"a"), Arc::new(Progress::new(None)), 95, now));
    assert_eq!(ledger.oldest(now), Some(95));
    let (again, known) = ledger.begin(ledger.arrive(), 1, || Key::of(b"t", b"a"), now, 300);
    assert!(known.is_some());
    assert_eq!(ledger.oldest(now), Some(95));
    assert_eq!(ledger.end(again), Some(95));
    assert_eq!(ledger.oldest(now), None);
}

#[test]
fn oldest_ignores_entries_of_chunks_that_fluent_bit_dropped() {
    let (ledger, now) = (Ledger::default(), Instant::now());
    let progress = Arc::new(Progress::new(None));
    progress.set_about(|about| about.attempts = 1);
    drop(note(&ledger, "a", &progress, now));
    assert_eq!(ledger.oldest(now + Duration::from_secs(19)), Some(7));
    assert_eq!(ledger.oldest(now + Duration::from_secs(21)), None);
}

/// Random notes and attempts with equal chunks, compared with a multiset of entries.
#[test]
fn equal_chunks_have_one_entry_each() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let (ledger, now) = (Ledger::default(), Instant::now());
        let mut expected: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for _ in 0..100 {
            let chunk = ["a", "b", "cc", "dd"][random.usize(..4)];
            let entries = expected.entry(chunk).or_default();
            if random.bool() {
                let progress = Arc::new(Progress::new(None));
                entries.push(progress.id());
                drop(note(&ledger, chunk, &progress, now));
                continue;
            }
            match begin(&ledger, chunk, now) {
                None => assert_eq!(entries.len(), 0),
                Some(progress) => {
                    let at = entries.iter().position(|id| *id == progress.id());
                    entries.swap_remove(at.expect("an entry of this chunk"));
                }
            }
        }
        let left = ledger.take_all().len();
        assert_eq!(left, expected.values().map(Vec::len).sum::<usize>());
        assert_eq!(ledger.lock().bytes, 0);
    }
}
