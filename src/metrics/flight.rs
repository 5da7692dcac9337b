//! One chunk in delivery, from the host's call to its answer.

use std::time::Instant;

use cbindings::{Flush, Verdict};

use super::table::Id;
use super::waiting::Flying;
use super::{Metrics, now_ms};
use crate::report::Report;

/// A chunk in delivery.
#[derive(Debug)]
pub struct Flight<'m> {
    pub(super) metrics: &'m Metrics,
    pub(super) flying: Flying,
    pub(super) began: Instant,
}

impl Flight<'_> {
    /// Whether the host has brought this chunk before, so that what is in it has been counted.
    #[must_use]
    pub fn came_again(&self) -> bool {
        self.flying.tries > 0
    }

    /// The time of the chunk's oldest event is known.
    pub fn holds(&self, oldest: Option<i64>) {
        if let Some(oldest) = oldest {
            self.metrics.waiting.holds(self.flying, oldest);
        }
    }

    /// The host is asked to bring the chunk again, of which an event of this time is left.
    pub fn wait(&self, flush: &Flush, oldest: i64) {
        let Self {
            metrics, flying, ..
        } = self;
        metrics.add(Id::Retries, 1);
        let (tag, chunk) = (flush.tag(), flush.chunk());
        metrics
            .waiting
            .wait(*flying, oldest, tag, chunk, Instant::now());
    }

    /// The chunk was worked on: what is left of it will come again.
    pub fn land(&self, flush: &Flush, report: &Report) {
        if report.verdict() == Verdict::Retry {
            self.wait(flush, report.oldest_left.unwrap_or_else(now_ms));
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let counts = &self.metrics.counts;
        counts[Id::Flushes as usize][0].subtract(1);
        counts[Id::FlushDuration as usize][0].observe(self.began.elapsed());
        self.metrics.waiting.end(self.flying);
    }
}
