//! The log queue: passes log lines and answers from the plugin's threads to Fluent Bit's threads.
//!
//! Fluent Bit's log (`log_level`, `log_file`, format) works on Fluent Bit's own threads only: on any
//! other thread a line goes to stderr and not to the user's `log_file`. So the plugin's threads push
//! lines into the instance's queue, and a Fluent Bit thread that waits for a flush prints them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::Waker;
use crate::host_api::FluentBitLog;
use crate::level::Level;

/// Writes an instance's lines into Fluent Bit's log, from any thread.
#[derive(Clone, Debug)]
pub struct Log(Arc<LogQueue>);

impl Log {
    pub(crate) fn new(queue: Arc<LogQueue>) -> Self {
        Self(queue)
    }

    /// A log that discards every line, for tests without Fluent Bit.
    #[cfg(any(test, feature = "host"))]
    #[must_use]
    pub fn muted() -> Self {
        Self(LogQueue::new(FluentBitLog::muted()))
    }

    /// Whether Fluent Bit prints lines of this level.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        self.0.log.enabled(level)
    }

    /// Writes a line if Fluent Bit prints its level.
    pub fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        if self.enabled(level) {
            self.0.push(Line {
                level,
                text: text.to_string(),
            });
        }
    }

    /// Writes an error: data was lost, or the start failed.
    pub fn error(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Error, text);
    }

    /// Writes a warning: something needs attention, no data is lost.
    pub fn warn(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Warn, text);
    }

    /// Writes information that a user needs once.
    pub fn info(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Info, text);
    }

    /// Writes a debug line, for support cases.
    pub fn debug(&self, text: fmt::Arguments<'_>) {
        self.write(Level::Debug, text);
    }
}

/// The lines of one instance, and the callers that wait for an answer.
#[derive(Debug)]
pub(crate) struct LogQueue {
    log: FluentBitLog,
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<Line>,
    overflow: usize,
    /// Triggers the event loop to print the lines, if a flush of the instance yielded.
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

impl LogQueue {
    pub(crate) fn new(log: FluentBitLog) -> Arc<Self> {
        Arc::new(Self {
            log,
            lines: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Prints the queued lines. Called on Fluent Bit's threads.
    pub(crate) fn print(&self) {
        drop(self.print_all(self.lock()));
    }

    /// Prints lines until `answer` returns a value. Calls `meanwhile` after each `every`. Called on Fluent
    /// Bit's threads.
    pub(crate) fn drain_until<T>(
        &self,
        answer: impl Fn() -> Option<T>,
        every: Duration,
        meanwhile: impl Fn(),
    ) -> T {
        let mut lines = self.lock();
        loop {
            lines = self.print_all(lines);
            if let Some(answer) = answer() {
                return answer;
            }
            let (woken, waited) = self
                .changed
                .wait_timeout(lines, every)
                .unwrap_or_else(PoisonError::into_inner);
            lines = woken;
            if waited.timed_out() {
                drop(lines);
                meanwhile();
                lines = self.lock();
            }
        }
    }

    /// Runs `change`, which changes what an `answer` of [`LogQueue::drain_until`] reads, and wakes callers.
    pub(crate) fn notify(&self, change: impl FnOnce()) {
        let lines = self.lock();
        change();
        drop(lines);
        self.changed.notify_all();
    }

    fn push(&self, line: Line) {
        let mut lines = self.lock();
        if lines.waiting.len() < MAX_WAITING {
            lines.waiting.push_back(line);
        } else {
            lines.overflow += 1;
        }
        let waker = lines.waker.clone();
        drop(lines);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Sets the waker that each further line triggers.
    pub(crate) fn set_waker(&self, waker: &Arc<Waker>) {
        self.lock().waker = Some(waker.clone());
    }

    /// Prints without holding the lock, so that the plugin's threads do not wait for Fluent Bit's log.
    fn print_all<'a>(&'a self, mut lines: MutexGuard<'a, Lines>) -> MutexGuard<'a, Lines> {
        while let Some(line) = lines.take() {
            drop(lines);
            self.log.print(line.level, &line.text);
            lines = self.lock();
        }
        lines
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The maximum number of queued lines while no thread of Fluent Bit prints them.
const MAX_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn every_caller_is_woken_by_its_answer_while_lines_are_pushed() {
        let queue = LogQueue::new(FluentBitLog::muted());
        let answered = AtomicUsize::new(0);
        thread::scope(|scope| {
            for caller in 1..=4 {
                let (queue, answered) = (&queue, &answered);
                let enough = move || (answered.load(Ordering::Acquire) >= caller).then_some(());
                scope.spawn(move || queue.drain_until(enough, Duration::from_secs(1), || ()));
                scope.spawn(move || {
                    queue.push(Line {
                        level: Level::Info,
                        text: format!("line {caller}"),
                    });
                    queue.notify(|| _ = answered.fetch_add(1, Ordering::Release));
                });
            }
        });
        queue.print();
        assert!(queue.lock().waiting.is_empty());
    }

    #[test]
    fn the_queue_is_bounded_and_left_out_lines_are_counted() {
        let queue = LogQueue::new(FluentBitLog::muted());
        for _ in 0..MAX_WAITING + 3 {
            queue.push(Line {
                level: Level::Info,
                text: String::new(),
            });
        }
        let mut lines = queue.lock();
        let left: Vec<String> = std::iter::from_fn(|| lines.take())
            .map(|line| line.text)
            .collect();
        assert_eq!(left.len(), MAX_WAITING + 1);
        assert_eq!(left[MAX_WAITING], "3 log lines were left out");
    }
}
