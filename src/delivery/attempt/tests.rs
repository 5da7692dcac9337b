//! Attempts with every kind of end, against a service that is a list of stored events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use cbindings::{Log, OnOutcome};

use super::*;
use crate::batch::{BatchBuilder, Item, Limits};

/// A chunk with this content.
struct Content {
    bytes: Vec<u8>,
    on_outcome: Mutex<Option<OnOutcome>>,
}

impl Content {
    fn new(content: u8) -> Self {
        Self {
            bytes: vec![content; 8],
            on_outcome: Mutex::default(),
        }
    }
}

impl Source for Content {
    fn tag(&self) -> &[u8] {
        b"tag"
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn on_outcome(&self, action: OnOutcome) {
        *self.on_outcome.lock().unwrap() = Some(action);
    }
}

fn ledger() -> RetryLedger {
    let plugin = crate::cloudwatch::LABELS;
    RetryLedger::new(Telemetry::new(Log::muted(), plugin), None)
}

fn source(content: u8) -> Arc<dyn Source> {
    Arc::new(Content::new(content))
}

/// A batch of the events that are left.
fn batch(events: std::ops::Range<u32>, left: Option<Arc<PendingItems>>) -> Option<Batch> {
    let limits = Limits {
        items: 100,
        bytes: 1000,
        span_ms: None,
    };
    let mut open = BatchBuilder::new(limits, b"[", left);
    for ordinal in events {
        let start = open.body().len();
        open.body().push(b'x');
        assert!(open.add(start, 1, 1, ordinal).is_none());
    }
    open.finish()
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Finished,
    Cancelled,
    Panicked,
    /// The service answers after the delivery was cancelled.
    AnsweredLate,
}

const EVENTS: u32 = 40;

/// One attempt: the service accepts some batches, and the attempt ends. Returns the verdict, if any.
fn attempt(
    ledger: &RetryLedger,
    content: u8,
    random: &mut fastrand::Rng,
    stored: &mut Vec<u32>,
) -> Option<Verdict> {
    let ends = [
        End::Finished,
        End::Finished,
        End::Cancelled,
        End::Panicked,
        End::AnsweredLate,
    ];
    let end = ends[random.usize(..ends.len())];
    let attempt = ledger.begin(source(content), ledger.ledger.arrive());
    let track = attempt.track().clone();
    let mut report = FlushReport::default();
    let mut late = None;
    for start in (0..EVENTS).step_by(10) {
        let Some(batch) = batch(start..start + 10, attempt.left()) else {
            continue;
        };
        let round = [(0, batch)];
        attempt.register(&round, start + 10 == EVENTS, |_| None);
        let [(_, batch)] = round;
        if end == End::AnsweredLate && random.bool() {
            late = Some(batch);
            break;
        }
        if end != End::Finished && random.u8(..4) == 0 {
            break;
        }
        let again: Vec<Item> = match random.u8(..3) {
            0 => batch.items().to_vec(),
            1 => batch
                .items()
                .iter()
                .filter(|_| random.bool())
                .copied()
                .collect(),
            _ => Vec::new(),
        };
        track.settle(&batch, &again);
        let taken = |item: &&Item| !again.contains(item);
        stored.extend(batch.items().iter().filter(taken).map(|item| item.ordinal));
        report.left.extend(again.iter().map(|item| item.ordinal));
    }
    match end {
        End::Finished => return Some(attempt.finish(&report)),
        End::Cancelled | End::AnsweredLate => drop(attempt),
        End::Panicked => {
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _attempt = attempt;
                std::panic::resume_unwind(Box::new("a panic"));
            }));
            assert!(panicked.is_err());
        }
    }
    if let Some(batch) = late {
        track.settle(&batch, &[]);
        stored.extend(batch.items().iter().map(|item| item.ordinal));
    }
    None
}

#[test]
fn no_event_is_lost_or_duplicated_however_attempts_end() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..300 {
        let ledger = ledger();
        // Two equal chunks and another one, flushed in any order.
        let mut chunks = vec![1, 1, 2];
        let mut stored = [Vec::new(), Vec::new(), Vec::new()];
        while !chunks.is_empty() {
            let at = random.usize(..chunks.len());
            let content = chunks[at];
            let stored = &mut stored[usize::from(content)];
            if attempt(&ledger, content, &mut random, stored) == Some(Verdict::Done) {
                chunks.swap_remove(at);
            }
        }
        for (stored, copies) in stored[1..].iter_mut().zip([2, 1]) {
            stored.sort_unstable();
            let expected = (0..EVENTS).flat_map(|event| vec![event; copies]);
            assert_eq!(*stored, expected.collect::<Vec<_>>());
        }
        assert!(ledger.ledger.take_all().is_empty());
    }
}

#[test]
fn a_dropped_attempt_that_sent_nothing_leaves_no_entry() {
    let ledger = ledger();
    drop(ledger.begin(source(1), ledger.ledger.arrive()));
    assert!(ledger.ledger.take_all().is_empty());
    assert_eq!(ledger.ledger.oldest(Instant::now()), None);
}

#[test]
fn counts_are_reported_once_across_attempts() {
    let ledger = ledger();
    let unreported = |attempt: &Attempt<'_>, mut counts: [usize; 3]| {
        let mut fields = counts.each_mut();
        attempt.unreported(&mut fields);
        counts
    };
    let attempt = ledger.begin(source(1), ledger.ledger.arrive());
    assert_eq!(attempt.give_back(), Verdict::Retry);
    let attempt = ledger.begin(source(1), ledger.ledger.arrive());
    assert_eq!(unreported(&attempt, [2, 0, 1]), [2, 0, 1]);
    assert_eq!(attempt.give_back(), Verdict::Retry);
    let attempt = ledger.begin(source(1), ledger.ledger.arrive());
    assert_eq!(unreported(&attempt, [1, 0, 1]), [0, 0, 0]);
    assert_eq!(unreported(&attempt, [5, 1, 1]), [3, 1, 0]);
    assert_eq!(attempt.progress.about().attempts, 3);
}

#[test]
fn the_journal_entry_is_removed_only_after_fluent_bit_takes_the_verdict() {
    let directory = std::env::temp_dir().join(format!("resume-outcome-{}", std::process::id()));
    let identity = Identity {
        plugin: "cloudwatch",
        hash: [7; 32],
    };
    let telemetry = Telemetry::new(Log::muted(), crate::cloudwatch::LABELS);
    for is_taken in [true, false] {
        let ledger = RetryLedger::new(telemetry.clone(), Some((&directory, identity)));
        let content = Arc::new(Content::new(1));
        let attempt = ledger.begin(content.clone(), ledger.ledger.arrive());
        let batch = batch(0..EVENTS, None).expect("nothing is settled");
        let round = [(0, batch)];
        attempt.register(&round, true, |_| None);
        attempt.track().settle(&round[0].1, &[]);
        assert_eq!(attempt.finish(&FlushReport::default()), Verdict::Done);
        let action = content.on_outcome.lock().unwrap().take();
        action.expect("there is a journal")(if is_taken {
            Outcome::Taken
        } else {
            Outcome::Open {
                tag: content.tag(),
                chunk: content.chunk(),
            }
        });
        drop(ledger);
        let ledger = RetryLedger::new(telemetry.clone(), Some((&directory, identity)));
        let left = ledger.begin(source(1), ledger.ledger.arrive()).left();
        assert_eq!(left.is_none(), is_taken);
        if let Some(left) = left {
            assert!(!(0..EVENTS).any(|event| left.contains(event)));
        }
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

/// Otherwise each equal chunk would take the entry in turn, and its rest might be rejected each time.
#[test]
fn a_chunk_that_arrived_before_an_equal_chunk_failed_is_sent_whole() {
    let ledger = ledger();
    let waiting = ledger.ledger.arrive();
    let attempt = ledger.begin(source(1), ledger.ledger.arrive());
    let round = [(0, batch(0..EVENTS, None).expect("nothing is settled"))];
    attempt.register(&round, true, |_| None);
    let again = [round[0].1.items()[3]];
    attempt.track().settle(&round[0].1, &again);
    let mut report = FlushReport::default();
    report.left.push(3);
    assert_eq!(attempt.finish(&report), Verdict::Retry);
    assert!(ledger.begin(source(1), waiting).left().is_none());
    let later = ledger.ledger.arrive();
    assert!(ledger.begin(source(1), later).left().is_some());
}
