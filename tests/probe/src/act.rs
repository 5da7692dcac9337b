//! What the probe does with a flush.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::time::Duration;
use std::{hint, thread};

use cbindings::{Flush, Log, Verdict};

/// The value of the option `flush`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    /// `done`: answers that the chunk is delivered.
    Done,
    /// `drop`: answers that the chunk is given up.
    Drop,
    /// `retry`: answers that the chunk shall come again.
    Retry,
    /// `unanswered`: drops the flush without an answer.
    Unanswered,
    /// `panic`: panics on the probe's thread, with the flush in hand.
    Panic,
    /// `panic at once`: panics on the host's stack, before the flush is handed over.
    PanicAtOnce,
    /// `panic after hand-over`: panics on the host's stack while the probe's thread goes on to
    /// read the chunk.
    PanicAfterHandOver,
    /// `panic once`: as `panic` when the chunk starts with `!`, else `done`.
    PanicOnce,
    /// `recurse`: uses ten times the host's stack of the probe's own, then answers `done`.
    Recurse,
    /// `recurse at once`: the same on the host's stack.
    RecurseAtOnce,
    /// `log`: writes a line of each level from the probe's thread, and as many as the chunk is
    /// long at debug from another one, then answers `done`.
    Log,
    /// `hold sixteen`: keeps flushes until there are sixteen, then answers them all.
    HoldSixteen,
    /// `hold`: keeps each flush until Fluent Bit wants its chunk back.
    Hold,
}

impl Act {
    pub(crate) fn parse(word: &str, log: &Log) -> Option<Self> {
        Some(match word {
            "" | "done" => Self::Done,
            "drop" => Self::Drop,
            "retry" => Self::Retry,
            "unanswered" => Self::Unanswered,
            "panic" => Self::Panic,
            "panic at once" => Self::PanicAtOnce,
            "panic after hand-over" => Self::PanicAfterHandOver,
            "panic once" => Self::PanicOnce,
            "recurse" => Self::Recurse,
            "recurse at once" => Self::RecurseAtOnce,
            "log" => Self::Log,
            "hold sixteen" => Self::HoldSixteen,
            "hold" => Self::Hold,
            other => {
                log.error(format_args!("flush `{other}`: not known"));
                return None;
            }
        })
    }

    /// Keeps the flush where it is held, and gives back the one that is to be acted on.
    pub(crate) fn hold(self, flush: Flush, held: &mut Vec<Flush>) -> Option<Flush> {
        match self {
            Self::Hold => {
                hold_until_cancelled(flush);
                None
            }
            Self::HoldSixteen => {
                held.push(flush);
                if held.len() == 16 {
                    held.drain(..).for_each(|flush| flush.answer(Verdict::Done));
                }
                None
            }
            _ => Some(flush),
        }
    }

    /// Does it, on the probe's thread, which survives.
    pub(crate) fn on(self, flush: Flush, log: &Log) {
        // What a panic leaves behind is dropped; the flush's drop is its answer.
        drop(panic::catch_unwind(AssertUnwindSafe(|| {
            self.take(flush, log)
        })));
    }

    fn take(self, flush: Flush, log: &Log) {
        match self {
            Self::Done
            | Self::PanicAtOnce
            | Self::RecurseAtOnce
            | Self::Hold
            | Self::HoldSixteen => flush.answer(Verdict::Done),
            Self::Drop => flush.answer(Verdict::Drop),
            Self::Retry => flush.answer(Verdict::Retry),
            Self::Unanswered => drop(flush),
            Self::Panic => panic!("told to panic over `{}`", flush.tag().escape_ascii()),
            Self::PanicAfterHandOver => read_for_long(flush),
            Self::PanicOnce => {
                assert!(!flush.chunk().starts_with(b"!"), "told to panic once");
                flush.answer(Verdict::Done);
            }
            Self::Recurse => {
                recurse();
                flush.answer(Verdict::Done);
            }
            Self::Log => {
                write_lines(&flush, log);
                flush.answer(Verdict::Done);
            }
        }
    }
}

/// Keeps a flush on a thread of its own, which reads the chunk until it is wanted back and a moment
/// longer.
fn hold_until_cancelled(flush: Flush) {
    let (cancel, cancelled) = mpsc::channel();
    flush.cancellation().on_cancel(move || _ = cancel.send(()));
    thread::spawn(move || {
        let sum = |bytes: &[u8]| bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>();
        let first = sum(flush.chunk());
        let mut wanted = false;
        while !wanted {
            wanted = cancelled.recv_timeout(Duration::from_millis(1)).is_ok();
            assert_eq!(sum(flush.chunk()), first);
        }
        assert!(flush.cancellation().is_cancelled());
        flush.answer(Verdict::Retry);
    });
}

/// Reads the chunk again and again for longer than a caller takes that does not wait.
fn read_for_long(flush: Flush) {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>();
    let first = sum(flush.chunk());
    for _ in 0..50 {
        thread::sleep(Duration::from_millis(1));
        assert_eq!(sum(flush.chunk()), first);
    }
    flush.answer(Verdict::Done);
}

/// Uses 256 KiB of stack and more.
pub(crate) fn recurse() {
    hint::black_box(descend(256));
}

fn descend(levels: usize) -> u8 {
    let frame = hint::black_box([1u8; 1024]);
    if levels == 0 {
        frame[0]
    } else {
        descend(levels - 1) + hint::black_box(frame)[0] - 1
    }
}

fn write_lines(flush: &Flush, log: &Log) {
    log.error(format_args!(
        "an error about {}",
        flush.tag().escape_ascii()
    ));
    log.warn(format_args!("a warning\0with a NUL"));
    log.info(format_args!("100 %s and %n of information"));
    let (log, count) = (log.clone(), flush.chunk().len());
    let other = thread::spawn(move || {
        (0..count).for_each(|line| log.debug(format_args!("line {line} of another thread")));
    });
    other.join().expect("writing a line does not panic");
}
