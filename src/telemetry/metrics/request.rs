//! One request, counted when it ends or is given up.

use std::time::Instant;

use super::Metrics;
use crate::delivery::error::Outcome;
use crate::telemetry::metrics::descriptors::Id;

/// One request on its way.
#[derive(Debug)]
pub struct Request<'m> {
    pub(super) metrics: &'m Metrics,
    pub(super) operation: usize,
    pub(super) began: Instant,
    pub(super) outcome: Outcome,
}

impl Request<'_> {
    /// The request has ended.
    pub fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let Self {
            metrics,
            operation,
            began,
            outcome,
        } = *self;
        metrics.counts[Id::RequestsInFlight as usize][0].subtract(1);
        let at = operation * Outcome::NAMES.len() + outcome as usize;
        metrics.counts[Id::Requests as usize][at].add(1);
        metrics.counts[Id::RequestDuration as usize][operation].observe(began.elapsed());
    }
}
