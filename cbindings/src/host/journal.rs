//! What the plugin wrote into the host's log.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_int;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
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
        let outer = set_current(Some(self.clone()));
        let result = call();
        set_current(outer);
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

/// Sets whose lines this thread writes; whose it wrote until now.
pub(super) fn set_current(journal: Option<Arc<Journal>>) -> Option<Arc<Journal>> {
    CURRENT.replace(journal)
}

/// Makes an instance's lines known by its name on this thread, as timers call back for any of them.
pub(super) fn register(name: &str, journal: &Arc<Journal>) {
    NAMES.with_borrow_mut(|names| names.insert(name.to_owned(), Arc::downgrade(journal)));
}

/// Keeps a line for the instance that it names, or whose call this thread is in.
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

/// Keeps something that should not be among the lines that nobody wrote.
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

/// The lines of the instance whose name a line begins with: `[output:PLUGIN:NAME] `.
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
