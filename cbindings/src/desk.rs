//! Lines and answers on their way from our threads to the host's.
//!
//! Fluent Bit's log (`log_level`, `log_file`, format) works on the host's own threads only: on any
//! other a line would go to stderr past the user's `log_file`. So our threads leave lines on the
//! instance's desk, and whichever host thread waits for a flush of that instance prints them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::engine::Waker;
use crate::host_api::HostLog;
use crate::metrics;

/// How serious a line is, with the host's numbers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(i32)]
pub enum Level {
    /// Data was lost, or the start failed.
    Error = 1,
    /// Something needs attention; nothing is lost.
    Warn = 2,
    /// What a user wants to know once.
    Info = 3,
    /// What a support case needs.
    Debug = 4,
}

/// Writes an instance's lines into the host's log, from any thread.
#[derive(Clone, Debug)]
pub struct Log(Arc<Desk>);

impl Log {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    /// A log that takes no line, for tests of what needs one but no host.
    #[cfg(any(test, feature = "host"))]
    #[must_use]
    pub fn muted() -> Self {
        Self(Desk::new(HostLog::muted()))
    }

    /// Whether the host prints lines of this level.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        self.0.host.enabled(level)
    }

    /// Writes a line if the host prints its level.
    pub fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        if self.enabled(level) {
            self.0.leave(Line {
                level,
                text: text.to_string(),
            });
        }
    }

    /// Writes that data was lost or the start failed.
    pub fn error(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Error, text);
    }

    /// Writes what needs attention.
    pub fn warn(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Warn, text);
    }

    /// Writes what a user wants to know once.
    pub fn info(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Info, text);
    }

    /// Writes what a support case needs.
    pub fn debug(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Debug, text);
    }
}

/// One instance's lines and its waiting callers.
#[derive(Debug)]
pub(crate) struct Desk {
    host: HostLog,
    lines: Mutex<Lines>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<Line>,
    overflow: usize,
    /// What prints them, where a flush of the instance yielded.
    waker: Option<Arc<Waker>>,
}

impl Lines {
    fn take(&mut self) -> Option<Line> {
        let overflow = std::mem::take(&mut self.overflow);
        if overflow > 0 {
            let text = format!("{overflow} log lines were left out");
            self.waiting.push_back(Line {
                level: Level::Warn,
                text,
            });
        }
        self.waiting.pop_front()
    }
}

#[derive(Debug)]
struct Line {
    level: Level,
    text: String,
}

impl Desk {
    pub(crate) fn new(host: HostLog) -> Arc<Self> {
        Arc::new(Self {
            host,
            lines: Mutex::default(),
            news: Condvar::new(),
        })
    }

    /// Prints what is waiting; for the host's threads.
    pub(crate) fn print(&self) {
        drop(self.print_all(self.lock()));
    }

    /// Prints lines until `answer` has one, and does something else `meanwhile`, once in a while; for
    /// the host's threads.
    pub(crate) fn serve<T>(&self, answer: impl Fn() -> Option<T>, meanwhile: impl Fn()) -> T {
        let mut lines = self.lock();
        loop {
            lines = self.print_all(lines);
            if let Some(answer) = answer() {
                return answer;
            }
            let (woken, waited) = self
                .news
                .wait_timeout(lines, metrics::EVERY)
                .unwrap_or_else(PoisonError::into_inner);
            lines = woken;
            if waited.timed_out() {
                drop(lines);
                meanwhile();
                lines = self.lock();
            }
        }
    }

    /// Changes what an `answer` of [`Desk::serve`] looks at, and wakes the waiting callers.
    pub(crate) fn announce(&self, change: impl FnOnce()) {
        let lines = self.lock();
        change();
        drop(lines);
        self.news.notify_all();
    }

    fn leave(&self, line: Line) {
        let mut lines = self.lock();
        if lines.waiting.len() < MAX_WAITING {
            lines.waiting.push_back(line);
        } else {
            lines.overflow += 1;
        }
        let waker = lines.waker.clone();
        drop(lines);
        self.news.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Has this woken by each line from now on.
    pub(crate) fn set_waker(&self, waker: &Arc<Waker>) {
        self.lock().waker = Some(waker.clone());
    }

    /// Prints without holding the lock, so that our threads never wait for the host's log.
    fn print_all<'a>(&'a self, mut lines: MutexGuard<'a, Lines>) -> MutexGuard<'a, Lines> {
        while let Some(line) = lines.take() {
            drop(lines);
            self.host.print(line.level, &line.text);
            lines = self.lock();
        }
        lines
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines kept while no host thread is there to print them.
const MAX_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn every_caller_is_woken_by_its_answer_while_others_leave_lines() {
        let desk = Desk::new(HostLog::muted());
        let answered = AtomicUsize::new(0);
        thread::scope(|scope| {
            for caller in 1..=4 {
                let (desk, answered) = (&desk, &answered);
                let enough = move || (answered.load(Ordering::Acquire) >= caller).then_some(());
                scope.spawn(move || desk.serve(enough, || ()));
                scope.spawn(move || {
                    desk.leave(Line {
                        level: Level::Info,
                        text: format!("line {caller}"),
                    });
                    desk.announce(|| _ = answered.fetch_add(1, Ordering::Release));
                });
            }
        });
        desk.print();
        assert!(desk.lock().waiting.is_empty());
    }

    #[test]
    fn what_nobody_prints_is_bounded_and_what_is_left_out_is_said() {
        let desk = Desk::new(HostLog::muted());
        for _ in 0..MAX_WAITING + 3 {
            desk.leave(Line {
                level: Level::Info,
                text: String::new(),
            });
        }
        let mut lines = desk.lock();
        let left: Vec<String> = std::iter::from_fn(|| lines.take())
            .map(|line| line.text)
            .collect();
        assert_eq!(left.len(), MAX_WAITING + 1);
        assert_eq!(left[MAX_WAITING], "3 log lines were left out");
    }
}
