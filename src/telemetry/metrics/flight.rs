//! One chunk in delivery, from Fluent Bit's call to the answer.

use std::time::Instant;

use super::Metrics;
use crate::telemetry::metrics::descriptors::Id;

/// Counts a chunk in delivery until it is dropped.
#[derive(Debug)]
pub struct Flight<'m> {
    pub(super) metrics: &'m Metrics,
    pub(super) began: Instant,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let counts = &self.metrics.counts;
        counts[Id::Flushes as usize][0].subtract(1);
        counts[Id::FlushDuration as usize][0].observe(self.began.elapsed());
    }
}
