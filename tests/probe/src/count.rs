//! What the probe counts: its flushes, as each kind of metric.

use std::sync::atomic::{AtomicU32, Ordering};

use cbindings::{Family, Kind, Metrics, Value};

#[derive(Default)]
pub(crate) struct Flushes(AtomicU32);

impl Flushes {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Metrics for Flushes {
    fn families(&self) -> Vec<Family> {
        let family = |name, kind, series: &[&'static str]| Family {
            name,
            help: "Flushes.",
            kind,
            labels: series.first().map(|_| "half").into_iter().collect(),
            series: match series {
                [] => vec![Vec::new()],
                values => values.iter().map(|value| vec![*value]).collect(),
            },
        };
        vec![
            family("flushes_total", Kind::Counter, &["first", "second"]),
            family("flushes", Kind::Gauge, &[]),
            family("flush_seconds", Kind::Histogram(&[0.5, 1.0]), &[]),
        ]
    }

    fn values(&self) -> Vec<Value> {
        let count = self.0.load(Ordering::Relaxed);
        let number = Value::Number(count.into());
        let histogram = Value::Histogram {
            buckets: vec![0, count.into(), count.into()],
            sum: f64::from(count) * 0.75,
        };
        vec![number.clone(), number.clone(), number, histogram]
    }
}
