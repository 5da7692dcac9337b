//! A recurring line in the log: at once the first time, then with a count once in a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a line of one kind was last written, and how often it would have been since.
#[derive(Debug)]
pub struct Notice {
    every: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    written: Option<Instant>,
    since: usize,
}

impl Notice {
    /// Lets a line be written so often at most.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self {
            every,
            state: Mutex::default(),
        }
    }

    /// Notes `count` occurrences at a time; the number to write when a line is due.
    pub fn due(&self, count: usize, now: Instant) -> Option<usize> {
        if count == 0 {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.since += count;
        if state
            .written
            .is_some_and(|written| now.duration_since(written) < self.every)
        {
            return None;
        }
        state.written = Some(now);
        Some(std::mem::take(&mut state.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_written_at_once_and_the_others_are_counted() {
        let notice = Notice::every(Duration::from_secs(60));
        let start = Instant::now();
        assert_eq!(notice.due(2, start), Some(2));
        assert_eq!(notice.due(3, start + Duration::from_secs(59)), None);
        assert_eq!(notice.due(0, start + Duration::from_secs(99)), None);
        assert_eq!(notice.due(1, start + Duration::from_secs(60)), Some(4));
    }
}
