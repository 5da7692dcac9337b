//! A line a minute for hosts that have no metrics endpoint, when something bad was counted.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Metrics;
use crate::telemetry::metrics::descriptors::{Id, TABLE};

/// What the line before told.
#[derive(Debug)]
pub struct Summary(Mutex<Told>);

#[derive(Debug)]
struct Told {
    at: Instant,
    totals: [u64; BAD.len()],
}

/// What is told, when it moves.
const BAD: [Id; 9] = [
    Id::Dropped,
    Id::Rejected,
    Id::Retries,
    Id::Throttles,
    Id::Ambiguous,
    Id::Truncated,
    Id::Skipped,
    Id::Fallbacks,
    Id::Forgotten,
];

impl Summary {
    /// Nothing is told before the first minute is over.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let totals = [0; BAD.len()];
        Self(Mutex::new(Told { at: now, totals }))
    }

    /// What was counted since the line before; `None` before a minute is over, and when nothing was.
    pub fn due(&self, metrics: &Metrics, now: Instant) -> Option<String> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let took = now.saturating_duration_since(told.at);
        if took < EVERY {
            return None;
        }
        let totals = BAD.map(|id| metrics.total(id));
        let before = std::mem::replace(&mut *told, Told { at: now, totals }).totals;
        let moved = BAD.iter().zip(totals).zip(before);
        let moved = moved.filter(|((_, now), before)| now > before);
        let moved = moved.map(|((id, now), before)| (*id, now - before, now));
        line(took, moved)
    }
}

fn line(took: Duration, moved: impl Iterator<Item = (Id, u64, u64)>) -> Option<String> {
    let mut line = String::new();
    for (id, more, all) in moved {
        let name = TABLE[id as usize].name.trim_end_matches("_total");
        let separator = if line.is_empty() { "" } else { ", " };
        write!(line, "{separator}{name} {more} ({all} in all)").ok()?;
    }
    let seconds = took.as_secs();
    (!line.is_empty()).then(|| format!("counted in the last {seconds} s: {line}"))
}

const EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudwatch::LABELS;
    use crate::telemetry::metrics::descriptors::RejectReason;

    #[test]
    fn what_moved_is_told_once_a_minute() {
        let (metrics, start) = (Metrics::new(LABELS), Instant::now());
        let summary = Summary::new(start);
        let at = |seconds| summary.due(&metrics, start + Duration::from_secs(seconds));
        metrics.add(Id::Throttles, 3);
        metrics.add(RejectReason::Expired, 2);
        metrics.add(Id::Delivered, 100);
        assert_eq!(at(59), None);
        let told = "counted in the last 61 s: rejected_events 2 (2 in all), throttles 3 (3 in all)";
        assert_eq!(at(61).as_deref(), Some(told));
        assert_eq!(at(121), None);
        metrics.add(Id::Throttles, 1);
        assert_eq!(at(125), None);
        let told = "counted in the last 60 s: throttles 1 (4 in all)";
        assert_eq!(at(181).as_deref(), Some(told));
    }
}
