//! A rate limit for recurring log lines: the first line is logged at once, further lines every 30 s with
//! a count.
//!
//! Lines are grouped by a key that the caller gives and not by their text, as request ids, tags and
//! numbers differ between lines about one cause. Suppressed lines are counted in the next line of the
//! key. If no line follows, the last suppressed line is logged when it is due, so every loss is reported.
//!
//! A suppressed line may be obsolete when it is due. Such lines are discarded: those about a chunk that
//! waits for a retry when the chunk is delivered, and others when the caller reports that the cause has
//! ended.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cbindings::line::cut;
use cbindings::{Flush, Level};

/// The key of recurring lines, and the unit that they count.
#[derive(Clone, Copy, Debug)]
pub struct LogKey<'k> {
    /// The subject of the lines.
    pub what: &'static str,
    /// A part of the subject with a rate limit of its own, for example an error code.
    pub part: &'k str,
    /// The unit that is counted, in the plural.
    pub unit: &'static str,
}

/// The recurring lines of one instance.
#[derive(Debug, Default)]
pub struct LogLimiter(Mutex<HashMap<(&'static str, String), State>>);

#[derive(Debug)]
struct State {
    level: Level,
    unit: &'static str,
    written: Instant,
    /// The latest suppressed line, and its count.
    latest: Option<(String, usize)>,
    /// The total count of the suppressed lines before it.
    before: usize,
    /// Suppressed lines about chunks that are not delivered yet; the latest is the last.
    waiting: Vec<(Chunk, String)>,
}

/// Identifies a chunk by its length and a hash of its tag and content. Two chunks with the same hash are
/// treated as one; a line may then be missing, but no event is lost.
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

/// A line to log.
pub type Line = (Level, String);

impl LogLimiter {
    /// Returns the line if it is due. `count` is the number of units that it reports.
    pub fn due(
        &self,
        level: Level,
        key: LogKey<'_>,
        count: usize,
        text: fmt::Arguments<'_>,
        now: Instant,
    ) -> Option<Line> {
        self.line(level, key, text, now, |state, text| {
            let previous = state.latest.replace((text, count));
            state.before += previous.map_or(0, |(_, count)| count);
        })
    }

    /// Returns a line about a chunk that is kept for a retry, if it is due. A suppressed line is discarded
    /// when the chunk is delivered.
    pub fn postponed(
        &self,
        level: Level,
        key: LogKey<'_>,
        chunk: Chunk,
        text: fmt::Arguments<'_>,
        now: Instant,
    ) -> Option<Line> {
        self.line(level, key, text, now, |state, text| state.wait(chunk, text))
    }

    /// Whether there is a suppressed line about an undelivered chunk of this length.
    #[must_use]
    pub fn may_wait(&self, len: usize) -> bool {
        let states = self.lock();
        let mut waiting = states.values().flat_map(|state| &state.waiting);
        waiting.any(|(chunk, _)| chunk.0 == len)
    }

    /// Discards the suppressed lines about a chunk that is delivered.
    pub fn delivered(&self, chunk: Chunk) {
        for state in self.lock().values_mut() {
            state.waiting.retain(|(waiting, _)| *waiting != chunk);
        }
    }

    /// Discards the suppressed lines of a subject after its cause has ended.
    pub fn withdraw(&self, what: &'static str) {
        for ((key, _), state) in self.lock().iter_mut() {
            if *key == what {
                (state.latest, state.before) = (None, 0);
                state.waiting.clear();
            }
        }
    }

    fn line(
        &self,
        level: Level,
        key: LogKey<'_>,
        text: fmt::Arguments<'_>,
        now: Instant,
        suppress: impl FnOnce(&mut State, String),
    ) -> Option<Line> {
        let mut states = self.lock();
        let part = if states.len() < MAX_KEYS {
            cut(key.part, MAX_PART_BYTES)
        } else {
            String::new()
        };
        let unit = key.unit;
        let key = (key.what, part);
        let Some(state) = states.get_mut(&key) else {
            states.insert(key, State::new(level, unit, now));
            return Some((level, text.to_string()));
        };
        suppress(state, text.to_string());
        state.take_line_if_due(now)
    }

    /// Returns the suppressed lines that are due; with `at_the_end`, all suppressed lines.
    pub fn take_due(&self, now: Instant, at_the_end: bool) -> Vec<Line> {
        let mut states = self.lock();
        let lines = states.values_mut().filter_map(|state| {
            if at_the_end {
                state.take_line()
            } else {
                state.take_line_if_due(now)
            }
        });
        let lines = lines.collect();
        states.retain(|_, state| state.has_suppressed() || !state.is_due(now));
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

    /// Stores the suppressed line about a waiting chunk and replaces an earlier line about it. Beyond
    /// [`MAX_WAITING`] chunks, the oldest is only counted, as not delivered.
    fn wait(&mut self, chunk: Chunk, text: String) {
        self.waiting.retain(|(waiting, _)| *waiting != chunk);
        if self.waiting.len() == MAX_WAITING {
            self.waiting.remove(0);
            self.before += 1;
        }
        self.waiting.push((chunk, text));
    }

    fn has_suppressed(&self) -> bool {
        self.latest.is_some() || !self.waiting.is_empty()
    }

    fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.written) >= EVERY
    }

    fn take_line_if_due(&mut self, now: Instant) -> Option<Line> {
        if !self.is_due(now) {
            return None;
        }
        let line = self.take_line()?;
        self.written = now;
        Some(line)
    }

    fn take_line(&mut self) -> Option<Line> {
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

/// The minimum time between two lines of a key.
pub const EVERY: Duration = Duration::from_secs(30);
/// The maximum number of keys. Further keys are limited by their subject only.
const MAX_KEYS: usize = 64;
/// The maximum length of the part of a key, in bytes: the part may be an error code of a service.
const MAX_PART_BYTES: usize = 128;
/// The maximum number of chunks whose lines are kept, for each key.
const MAX_WAITING: usize = 256;

#[cfg(test)]
mod tests;
