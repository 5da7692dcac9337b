//! Recurring lines in the log: at once the first time, then once in a while with a count.
//!
//! Lines are alike by a key that whoever writes them gives, not by their texts: request ids, tags and
//! numbers differ between lines that tell one trouble. What was left out is told with the next such
//! line, or by a reminder when none follows, so no loss goes untold.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cbindings::Level;

/// Which lines are alike, and what they count.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'k> {
    /// What is told.
    pub what: &'static str,
    /// A part of it that has its own lines, such as an error's code.
    pub part: &'k str,
    /// What is counted, in the plural.
    pub unit: &'static str,
}

/// One instance's recurring lines.
#[derive(Debug, Default)]
pub struct Notices(Mutex<HashMap<(&'static str, String), State>>);

#[derive(Debug)]
struct State {
    level: Level,
    unit: &'static str,
    written: Instant,
    /// The latest line that was left out, and how many it counts.
    latest: Option<(String, usize)>,
    /// What the lines before it count.
    before: usize,
}

/// A line to be written.
pub type Line = (Level, String);

impl Notices {
    /// The line, if it is due; it counts `count` of its unit.
    pub fn due(
        &self,
        level: Level,
        kind: Kind<'_>,
        count: usize,
        text: fmt::Arguments<'_>,
        now: Instant,
    ) -> Option<Line> {
        let mut states = self.lock();
        let part = if states.len() < MOST_KINDS {
            kind.part
        } else {
            ""
        };
        let key = (kind.what, part.to_owned());
        let Some(state) = states.get_mut(&key) else {
            states.insert(key, State::new(level, kind.unit, now));
            return Some((level, text.to_string()));
        };
        let left_out = state.latest.replace((text.to_string(), count));
        state.before += left_out.map_or(0, |(_, count)| count);
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
        states.retain(|_, state| state.latest.is_some() || !state.is_due(now));
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
        }
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
        let (text, _) = self.latest.take()?;
        let (more, unit) = (std::mem::take(&mut self.before), self.unit);
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

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind<'_> = Kind {
        what: "dropped",
        part: "a",
        unit: "events",
    };

    fn due(notices: &Notices, kind: Kind<'_>, count: usize, now: Instant) -> Option<String> {
        let line = notices.due(
            Level::Error,
            kind,
            count,
            format_args!("dropped {count}"),
            now,
        );
        line.map(|(_, text)| text)
    }

    #[test]
    fn the_first_is_written_at_once_and_the_others_are_counted() {
        let (notices, start) = (Notices::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(due(&notices, KIND, 2, at(0)).unwrap(), "dropped 2");
        assert_eq!(due(&notices, KIND, 3, at(1)), None);
        assert_eq!(due(&notices, KIND, 4, at(29)), None);
        let told = due(&notices, KIND, 1, at(30)).unwrap();
        assert_eq!(
            told,
            "dropped 1 (and 7 events more since the last such line)"
        );
        assert_eq!(due(&notices, KIND, 1, at(59)), None);
        assert_eq!(
            due(&notices, KIND, 1, at(60)).unwrap(),
            "dropped 1 (and 1 events more since the last such line)"
        );
    }

    #[test]
    fn another_kind_is_written_at_once() {
        let (notices, now) = (Notices::default(), Instant::now());
        assert!(due(&notices, KIND, 1, now).is_some());
        assert!(due(&notices, Kind { part: "b", ..KIND }, 1, now).is_some());
        let many = (0..1000).filter(|n| {
            let part = n.to_string();
            due(
                &notices,
                Kind {
                    part: &part,
                    ..KIND
                },
                1,
                now,
            )
            .is_some()
        });
        assert!(many.count() <= MOST_KINDS);
    }

    #[test]
    fn what_was_left_out_is_told_also_when_nothing_follows() {
        let (notices, now) = (Notices::default(), Instant::now());
        for count in [1, 2, 3] {
            drop(due(&notices, KIND, count, now));
        }
        assert!(notices.reminders(now, false).is_empty());
        let expected = "dropped 3 (and 2 events more since the last such line)".to_owned();
        assert_eq!(
            notices.reminders(now + EVERY, false),
            [(Level::Error, expected)]
        );
        assert!(notices.reminders(now + EVERY * 2, false).is_empty());
        drop(due(&notices, KIND, 4, now + EVERY * 2));
        drop(due(&notices, KIND, 5, now + EVERY * 2));
        assert_eq!(notices.reminders(now + EVERY * 2, true).len(), 1);
    }
}
