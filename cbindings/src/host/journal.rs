//! The log of the plugin host.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_int;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// One line of the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// Fluent Bit's number of the level: 1 error, 2 warning, 3 info, 4 debug.
    pub level: c_int,
    /// The text without Fluent Bit's prefix.
    pub text: String,
    /// The thread that called the log function.
    pub thread: ThreadId,
}

/// Takes the lines that were printed by threads outside of any call of the host.
///
/// Fluent Bit's log does not work on such threads, so there should be no such lines.
#[must_use]
pub fn stray_lines() -> Vec<Line> {
    mem::take(&mut *lock(&STRAY))
}

/// One instance's lines.
#[derive(Debug, Default)]
pub(super) struct Journal {
    lines: Mutex<Vec<Line>>,
    changed: Condvar,
}

impl Journal {
    /// Calls the plugin. Lines that this thread prints during the call belong to this journal.
    pub(super) fn during<T>(self: &Arc<Self>, call: impl FnOnce() -> T) -> T {
        let outer = set_current(Some(self.clone()));
        let result = call();
        set_current(outer);
        result
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        lock(&self.lines).clone()
    }

    pub(super) fn wait_for(&self, part: &str, timeout: Duration) -> Option<Line> {
        let wanted = |lines: &[Line]| lines.iter().find(|line| line.text.contains(part)).cloned();
        let lines = lock(&self.lines);
        let (lines, _) = self
            .changed
            .wait_timeout_while(lines, timeout, |lines| wanted(lines).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        wanted(&lines)
    }

    fn write(&self, line: Line) {
        lock(&self.lines).push(line);
        self.changed.notify_all();
    }
}

/// Sets the journal of this thread's lines, and returns the previous one.
pub(super) fn set_current(journal: Option<Arc<Journal>>) -> Option<Arc<Journal>> {
    CURRENT.replace(journal)
}

/// Registers an instance's journal by name on this thread, as a timer callback may print lines of any
/// instance.
pub(super) fn register(name: &str, journal: &Arc<Journal>) {
    NAMES.with_borrow_mut(|names| names.insert(name.to_owned(), Arc::downgrade(journal)));
}

/// Adds a line to the journal of the instance that it names, or whose call this thread is in.
pub(super) fn write(level: c_int, text: String) {
    let journal = named_in(&text).or_else(|| CURRENT.with_borrow(Option::clone));
    let line = Line {
        level,
        text,
        thread: thread::current().id(),
    };
    match journal {
        Some(journal) => journal.write(line),
        None => lock(&STRAY).push(line),
    }
}

/// Adds a line to the stray lines if `condition` holds.
pub(super) fn write_stray_if(condition: bool, text: impl FnOnce() -> String) {
    if condition {
        let thread = thread::current().id();
        let (level, text) = (1, text());
        lock(&STRAY).push(Line {
            level,
            text,
            thread,
        });
    }
}

/// The journal of the instance in the prefix of a line: `[output:PLUGIN:NAME] `.
fn named_in(text: &str) -> Option<Arc<Journal>> {
    let (_, rest) = text.strip_prefix("[output:")?.split_once(':')?;
    let (name, _) = rest.split_once(']')?;
    NAMES.with_borrow(|names| names.get(name)?.upgrade())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Journal>>> = const { RefCell::new(None) };
    static NAMES: RefCell<HashMap<String, Weak<Journal>>> = RefCell::default();
}

static STRAY: Mutex<Vec<Line>> = Mutex::new(Vec::new());
