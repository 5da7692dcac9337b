//! Counts of ours on the host's own metrics endpoint.
//!
//! Fluent Bit keeps an output's metrics in a cmetrics context, of which `flb_me_get_cmetrics` copies
//! all into each answer, on other threads than those that flush. To set a value that is there is
//! atomic in cmetrics (`cmt_metric.c`), to make one is not: it grows a list that the copy walks. So
//! every series is made, at zero, in the instance's init, where the host makes its own; from then on
//! values are only set, by a thread that the host has in a flush of this instance, one at a time. The
//! host frees the context after the last flush has returned, so it is there for as long as we write.
//! A copy that is made meanwhile may have some buckets of a histogram as they were just before.

use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use crate::cmetrics::{Cmetrics, Family as HostFamily};
use crate::metric_types::{self, Value};

/// What an output counts, for the host to show.
pub trait Metrics: Send + Sync + 'static {
    /// The families; asked for once, before the first flush.
    fn families(&self) -> Vec<metric_types::Family>;

    /// The value of each series now, in the order of the families and of their series.
    ///
    /// Runs on the host's small stack. A counter or a histogram never goes back.
    fn values(&self) -> Vec<Value>;
}

/// One output's series in the host.
pub(crate) struct MetricsPublisher {
    source: Arc<dyn Metrics>,
    series: Vec<Series>,
    last: Mutex<Option<Instant>>,
}

struct Series {
    family: Arc<HostFamily>,
    labels: Vec<CString>,
}

impl MetricsPublisher {
    /// Makes every series; for the instance's init. `None` when the host refuses one.
    pub(crate) fn new(cmetrics: &Cmetrics, name: &str, source: Arc<dyn Metrics>) -> Option<Self> {
        let mut series = Vec::new();
        for family in source.families() {
            let host = Arc::new(cmetrics.family(&family)?);
            for labels in &family.series {
                let labels = [name].into_iter().chain(labels.iter().copied());
                let labels = labels.map(|value| CString::new(value.replace('\0', "")));
                series.push(Series {
                    family: host.clone(),
                    labels: labels.collect::<Result<_, _>>().ok()?,
                });
            }
        }
        let publisher = Self {
            source,
            series,
            last: Mutex::default(),
        };
        publisher.publish();
        Some(publisher)
    }

    /// Sets every value; for threads that the host has in a call of this instance.
    pub(crate) fn publish(&self) {
        self.set(self.last.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// As [`MetricsPublisher::publish`], unless somebody does so now or did a moment ago.
    pub(crate) fn publish_if_due(&self) {
        let last = match self.last.try_lock() {
            Ok(last) => last,
            Err(TryLockError::Poisoned(last)) => last.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if last.is_none_or(|last| last.elapsed() >= EVERY) {
            self.set(last);
        }
    }

    /// With the lock held while values are read and set, an older value never follows a newer one.
    fn set(&self, mut last: MutexGuard<'_, Option<Instant>>) {
        *last = Some(Instant::now());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = u64::try_from(now.unwrap_or_default().as_nanos()).unwrap_or_default();
        for (series, value) in self.series.iter().zip(self.source.values()) {
            series.family.set(&series.labels, &value, now);
        }
    }
}

/// How often a flush that waits for its answer sets the values.
pub(crate) const EVERY: Duration = Duration::from_secs(1);
