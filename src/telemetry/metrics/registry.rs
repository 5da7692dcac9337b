//! The counts themselves: atomics, one for each series.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cbindings::{Kind, Value};

/// One series' count.
#[derive(Debug)]
pub(super) enum Count {
    Number(AtomicU64),
    Histogram(Histogram),
}

impl Count {
    pub(super) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Counter | Kind::Gauge => Self::Number(AtomicU64::new(0)),
            Kind::Histogram(bounds) => Self::Histogram(Histogram::new(bounds)),
        }
    }

    pub(super) fn add(&self, count: u64) {
        if let Self::Number(number) = self {
            number.fetch_add(count, Relaxed);
        }
    }

    pub(super) fn subtract(&self, count: u64) {
        if let Self::Number(number) = self {
            number.fetch_sub(count, Relaxed);
        }
    }

    pub(super) fn set(&self, value: u64) {
        if let Self::Number(number) = self {
            number.store(value, Relaxed);
        }
    }

    pub(super) fn observe(&self, time: Duration) {
        if let Self::Histogram(histogram) = self {
            histogram.observe(time);
        }
    }

    /// The number of a counter or gauge; how many measures a histogram has.
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Number(number) => number.load(Relaxed),
            Self::Histogram(histogram) => histogram.buckets.iter().map(|n| n.load(Relaxed)).sum(),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, which no count reaches"
    )]
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Number(number) => Value::Number(number.load(Relaxed) as f64),
            Self::Histogram(histogram) => histogram.value(),
        }
    }
}

/// Times, by the bounds they are within.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// Measures above the bound before and not above this one; the last are above all.
    buckets: Box<[AtomicU64]>,
    micros: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            micros: AtomicU64::new(0),
        }
    }

    fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = self.bounds.partition_point(|&bound| bound < seconds);
        self.buckets[bucket].fetch_add(1, Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Relaxed);
    }

    fn value(&self) -> Value {
        let counts = self.buckets.iter().map(|count| count.load(Relaxed));
        let buckets = counts.scan(0, |all, count| {
            *all += count;
            Some(*all)
        });
        Value::Histogram {
            buckets: buckets.collect(),
            sum: Duration::from_micros(self.micros.load(Relaxed)).as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_is_at_most_each_bound() {
        let count = Count::new(Kind::Histogram(&[0.1, 1.0]));
        for millis in [100, 50, 200, 1000, 1001] {
            count.observe(Duration::from_millis(millis));
        }
        let expected = Value::Histogram {
            buckets: vec![2, 4, 5],
            sum: 2.351,
        };
        assert_eq!((count.value(), count.number()), (expected, 5));
    }
}
