//! What the plugin wrote into the host's log.

use std::cell::RefCell;
use std::ffi::c_int;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// One line of the host's log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// The host's number: 1 error, 2 warning, 3 info, 4 debug.
    pub level: c_int,
    /// The text without the host's own head.
    pub text: String,
    /// The thread that called the host's log function.
    pub thread: ThreadId,
}

/// The lines printed by threads that were in no call of the host's, since this was last asked.
///
/// Fluent Bit's log has no way to its file from such threads, so there should be none.
#[must_use]
pub fn stray_lines() -> Vec<Line> {
    mem::take(&mut *lock(&STRAY))
}

/// One instance's lines.
#[derive(Debug, Default)]
pub(super) struct Journal {
    lines: Mutex<Vec<Line>>,
    news: Condvar,
}

impl Journal {
    /// Makes a call to the plugin; lines printed by this thread meanwhile are this journal's.
    pub(super) fn during<T>(self: &Arc<Self>, call: impl FnOnce() -> T) -> T {
        let outer = CURRENT.replace(Some(self.clone()));
        let result = call();
        CURRENT.set(outer);
        result
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        lock(&self.lines).clone()
    }

    pub(super) fn wait_for(&self, part: &str, patience: Duration) -> Option<Line> {
        let wanted = |lines: &[Line]| lines.iter().find(|line| line.text.contains(part)).cloned();
        let lines = lock(&self.lines);
        let (lines, _) = self
            .news
            .wait_timeout_while(lines, patience, |lines| wanted(lines).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        wanted(&lines)
    }

    fn write(&self, line: Line) {
        lock(&self.lines).push(line);
        self.news.notify_all();
    }
}

/// Keeps a line for the instance whose call this thread is in.
pub(super) fn write(level: c_int, text: String) {
    let line = Line {
        level,
        text,
        thread: thread::current().id(),
    };
    match CURRENT.with_borrow(Option::clone) {
        Some(journal) => journal.write(line),
        None => lock(&STRAY).push(line),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Journal>>> = const { RefCell::new(None) };
}

static STRAY: Mutex<Vec<Line>> = Mutex::new(Vec::new());
