//! Publishes the plugin's metrics on Fluent Bit's metrics endpoint.
//!
//! Fluent Bit keeps an output's metrics in a cmetrics context. `flb_me_get_cmetrics` copies the whole
//! context for each response, on other threads than those that flush. In cmetrics, setting the value of
//! an existing series is atomic (`cmt_metric.c`). Creating a series is not: it extends a list that the
//! copy iterates. So every series is created with value 0 in the instance's init, where Fluent Bit
//! creates its own. Later, values are only set, by one thread at a time that is in a flush of the
//! instance. Fluent Bit frees the context after the last flush has returned, so it is valid during each
//! update. A concurrent copy may contain some buckets of a histogram from before the update.

use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use crate::cmetrics::{Cmetrics, Family as CmetricsFamily};
use crate::metric_types::{self, Value};

/// The metrics of an output, for Fluent Bit's endpoint.
pub trait Metrics: Send + Sync + 'static {
    /// The families. Called once, before the first flush.
    fn families(&self) -> Vec<metric_types::Family>;

    /// The current value of each series, in the order of the families and their series.
    ///
    /// Runs on the coroutine stack of 24 KiB. Counters and histograms never decrease.
    fn values(&self) -> Vec<Value>;
}

/// The series of one output in Fluent Bit.
pub(crate) struct MetricsPublisher {
    source: Arc<dyn Metrics>,
    series: Vec<Series>,
    last: Mutex<Option<Instant>>,
}

struct Series {
    family: Arc<CmetricsFamily>,
    labels: Vec<CString>,
}

impl MetricsPublisher {
    /// Creates every series; called in the instance's init. `None` when cmetrics rejects one.
    pub(crate) fn new(cmetrics: &Cmetrics, name: &str, source: Arc<dyn Metrics>) -> Option<Self> {
        let mut series = Vec::new();
        for family in source.families() {
            let created = Arc::new(cmetrics.family(&family)?);
            for labels in &family.series {
                let labels = [name].into_iter().chain(labels.iter().copied());
                let labels = labels.map(|value| CString::new(value.replace('\0', "")));
                series.push(Series {
                    family: created.clone(),
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

    /// Sets every value. Called by Fluent Bit's threads that are in a call of this instance.
    pub(crate) fn publish(&self) {
        self.set(self.last.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// As [`MetricsPublisher::publish`], unless another thread does so now or did less than 1 s ago.
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

    /// Reads and sets the values while the lock is held, so that an older value never replaces a newer one.
    fn set(&self, mut last: MutexGuard<'_, Option<Instant>>) {
        *last = Some(Instant::now());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = u64::try_from(now.unwrap_or_default().as_nanos()).unwrap_or_default();
        for (series, value) in self.series.iter().zip(self.source.values()) {
            series.family.set(&series.labels, &value, now);
        }
    }
}

/// How often a waiting flush sets the values.
pub(crate) const EVERY: Duration = Duration::from_secs(1);
