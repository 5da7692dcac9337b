//! Recurring lines in the log: at once the first time, then once in a while with a count.
//!
//! Lines are alike by a key that whoever writes them gives, not by their texts: request ids, tags and
//! numbers differ between lines that report one trouble. What was left out is reported with the next
//! such line, or by a reminder when none follows, so no loss goes unreported.
//!
//! A line that was left out may be no longer so when its time comes. Such lines are withdrawn: those
//! of a chunk that waits for a retry when it is delivered, and others by whoever knows that the
//! trouble is over.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cbindings::line::cut;
use cbindings::{Flush, Level};

/// Which lines are alike, and what they count.
#[derive(Clone, Copy, Debug)]
pub struct LogKey<'k> {
    /// What is told.
    pub what: &'static str,
    /// A part of it that has its own lines, such as an error's code.
    pub part: &'k str,
    /// What is counted, in the plural.
    pub unit: &'static str,
}

/// One instance's recurring lines.
#[derive(Debug, Default)]
pub struct LogLimiter(Mutex<HashMap<(&'static str, String), State>>);

#[derive(Debug)]
struct State {
    level: Level,
    unit: &'static str,
    written: Instant,
    /// The latest line that was left out, and how many it counts.
    latest: Option<(String, usize)>,
    /// What the lines before it count.
    before: usize,
    /// The lines that were left out, of chunks that are not delivered yet; the latest is the last.
    waiting: Vec<(Chunk, String)>,
}

/// A chunk, by its length and a hash of its tag and content. Two that share both are taken for one,
/// which costs a line and no event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chunk(usize, u64);

impl Chunk {
    /// The chunk of a flush.
    #[must_use]
    pub fn of(flush: &Flush) -> Self {
        let mut hasher = DefaultHasher::new();
        (flush.tag(), flush.chunk()).hash(&mut hasher);
        Self(flush.chunk().len(), hasher.finish())
    }
}

/// A line to be written.
pub type Line = (Level, String);

impl LogLimiter {
    /// The line, if it is due; it counts `count` of its unit.
    pub fn due(
        &self,
        level: Level,
        kind: LogKey<'_>,
        count: usize,
        text: fmt::Arguments<'_>,
        now: Instant,
    ) -> Option<Line> {
        self.line(level, kind, text, now, |state, text| {
            let left_out = state.latest.replace((text, count));
            state.before += left_out.map_or(0, |(_, count)| count);
        })
    }

    /// The line, if it is due, of a chunk that is kept for a retry. One that is left out is
    /// withdrawn when the chunk is delivered.
    pub fn postponed(
        &self,
        level: Level,
        kind: LogKey<'_>,
        chunk: Chunk,
        text: fmt::Arguments<'_>,
        now: Instant,
    ) -> Option<Line> {
        self.line(level, kind, text, now, |state, text| {
            state.wait(chunk, text)
        })
    }

    /// Whether a line was left out of a chunk of this length that is not delivered yet.
    #[must_use]
    pub fn may_wait(&self, len: usize) -> bool {
        let states = self.lock();
        let mut waiting = states.values().flat_map(|state| &state.waiting);
        waiting.any(|(chunk, _)| chunk.0 == len)
    }

    /// Withdraws what was left out of a chunk: it is delivered.
    pub fn delivered(&self, chunk: Chunk) {
        for state in self.lock().values_mut() {
            state.waiting.retain(|(waiting, _)| *waiting != chunk);
        }
    }

    /// Withdraws what was left out of this kind: the trouble is over.
    pub fn withdraw(&self, what: &'static str) {
        for ((kind, _), state) in self.lock().iter_mut() {
            if *kind == what {
                (state.latest, state.before) = (None, 0);
                state.waiting.clear();
            }
        }
    }

    fn line(
        &self,
        level: Level,
        kind: LogKey<'_>,
        text: fmt::Arguments<'_>,
        now: Instant,
        leave_out: impl FnOnce(&mut State, String),
    ) -> Option<Line> {
        let mut states = self.lock();
        let part = if states.len() < MOST_KINDS {
            cut(kind.part, MOST_PART_BYTES)
        } else {
            String::new()
        };
        let key = (kind.what, part);
        let Some(state) = states.get_mut(&key) else {
            states.insert(key, State::new(level, kind.unit, now));
            return Some((level, text.to_string()));
        };
        leave_out(state, text.to_string());
        state.tell_if_due(now)
    }

    /// The lines that were left out and are due; all that were left out, `at_the_end`.
    pub fn reminders(&self, now: Instant, at_the_end: bool) -> Vec<Line> {
        let mut states = self.lock();
        let lines = states.values_mut().filter_map(|state| {
            if at_the_end {
                state.tell()
            } else {
                state.tell_if_due(now)
            }
        });
        let lines = lines.collect();
        states.retain(|_, state| state.has_left_out() || !state.is_due(now));
        lines
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(&'static str, String), State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(level: Level, unit: &'static str, written: Instant) -> Self {
        Self {
            level,
            unit,
            written,
            latest: None,
            before: 0,
            waiting: Vec::new(),
        }
    }

    /// Notes the line of a chunk that waits, in place of an earlier one of this chunk. Beyond the
    /// bound chunks are only counted, as not delivered.
    fn wait(&mut self, chunk: Chunk, text: String) {
        self.waiting.retain(|(waiting, _)| *waiting != chunk);
        if self.waiting.len() == MOST_WAITING {
            self.waiting.remove(0);
            self.before += 1;
        }
        self.waiting.push((chunk, text));
    }

    fn has_left_out(&self) -> bool {
        self.latest.is_some() || !self.waiting.is_empty()
    }

    fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.written) >= EVERY
    }

    fn tell_if_due(&mut self, now: Instant) -> Option<Line> {
        if !self.is_due(now) {
            return None;
        }
        let line = self.tell()?;
        self.written = now;
        Some(line)
    }

    fn tell(&mut self) -> Option<Line> {
        let waiting = self.waiting.pop().map(|(_, text)| text);
        let text = waiting.or_else(|| self.latest.take().map(|(text, _)| text))?;
        let others = std::mem::take(&mut self.waiting).len();
        let more = std::mem::take(&mut self.before) + others;
        let unit = match more {
            1 => self.unit.trim_end_matches('s'),
            _ => self.unit,
        };
        Some(match more {
            0 => (self.level, text),
            _ => (
                self.level,
                format!("{text} (and {more} {unit} more since the last such line)"),
            ),
        })
    }
}

/// How often lines that are alike are written.
pub const EVERY: Duration = Duration::from_secs(30);
/// Kinds beyond so many share a line with those that have no part of their own.
const MOST_KINDS: usize = 64;
/// A service's code may be a part, and the service chooses its length.
const MOST_PART_BYTES: usize = 128;
/// Chunks whose lines are kept, for each kind.
const MOST_WAITING: usize = 256;

#[cfg(test)]
mod tests;
