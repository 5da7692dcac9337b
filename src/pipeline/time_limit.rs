//! When encoding stops.

use tokio::time::Instant;

use crate::record::chunk_reader::Records;

/// When encoding stops, looked at once for so many bytes of the chunk.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeLimit {
    deadline: Option<Instant>,
    /// How much of the chunk was not decoded when the clock was read last.
    rest: usize,
    is_up: bool,
}

impl TimeLimit {
    /// Encoding stops at this moment.
    pub fn stop_at(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Whether to stop before the next record.
    #[inline]
    pub fn is_up(&mut self, records: &Records<'_>) -> bool {
        let rest = records.torn();
        if self.rest.abs_diff(rest) >= CLOCK_BYTES {
            self.rest = rest;
            let is_past = |deadline| Instant::now() >= deadline;
            self.is_up |= self.deadline.is_some_and(is_past);
        }
        self.is_up
    }

    /// Whether encoding was stopped.
    #[must_use]
    pub fn was_up(&self) -> bool {
        self.is_up
    }
}

/// Some hundred small records, which take less than a millisecond.
const CLOCK_BYTES: usize = 4096;
