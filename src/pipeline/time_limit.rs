//! The time limit of encoding.

use tokio::time::Instant;

use crate::record::chunk_reader::Records;

/// The time limit of encoding. The clock is read once per `CLOCK_BYTES` of the chunk.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeLimit {
    deadline: Option<Instant>,
    /// The length of the undecoded rest of the chunk when the clock was last read.
    rest: usize,
    is_up: bool,
}

impl TimeLimit {
    /// Sets the time at which encoding stops.
    pub fn stop_at(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Whether encoding must stop before the next record.
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

/// Bytes of the chunk between two reads of the clock: some hundred small records, less than 1 ms.
const CLOCK_BYTES: usize = 4096;
