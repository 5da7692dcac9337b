//! What one output counts: what was delivered, what failed and how, what was lost.
//!
//! Each fact is counted where it arises and nowhere else, by an addition to an atomic. From here the
//! host's endpoint shows the counts (`cbindings` says how), `emf` sends them to CloudWatch, and on a
//! host that shows nothing `summary` writes a line.

pub mod descriptors;
pub mod emf;
mod flight;
mod registry;
mod request;
pub mod summary;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use cbindings::{Family, Value};

pub use self::flight::Flight;
pub use self::request::Request;
use crate::delivery::error::{Outcome, SendError};
use crate::delivery::ledger::Ledger;
use crate::telemetry::metrics::descriptors::{Id, Operation, Plugin, Series, Spec, TABLE};
use crate::telemetry::metrics::registry::Count;

/// One output's counts.
#[derive(Debug)]
pub struct Metrics {
    plugin: Plugin,
    counts: Vec<Vec<Count>>,
    shown: AtomicBool,
    ledger: Arc<Ledger>,
}

impl Metrics {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new(plugin: Plugin) -> Arc<Self> {
        let series = |spec: &Spec| series(spec, &plugin).len();
        let counts = |spec| (0..series(spec)).map(|_| Count::new(spec.kind)).collect();
        let metrics = Self {
            counts: TABLE.iter().map(counts).collect(),
            plugin,
            shown: AtomicBool::new(false),
            ledger: Arc::default(),
        };
        metrics.set(Id::Build, 1);
        Arc::new(metrics)
    }

    /// Adds to a counter.
    pub fn add(&self, series: impl Into<Series>, count: usize) {
        let Series { id, at } = series.into();
        self.counts[id as usize][at].add(count as u64);
    }

    /// Sets a gauge.
    pub fn set(&self, id: Id, value: u64) {
        self.counts[id as usize][0].set(value);
    }

    /// A request begins; it counts, without an answer, also when it is dropped.
    ///
    /// # Panics
    ///
    /// When the plugin has not named the operation.
    #[must_use]
    pub fn request(&self, operation: Operation) -> Request<'_> {
        let mut operations = self.plugin.operations.iter();
        let operation = operations.position(|known| *known == operation);
        let operation = operation.unwrap_or_else(|| unreachable!("not one of the plugin's"));
        self.add(Id::RequestsInFlight, 1);
        Request {
            metrics: self,
            operation,
            began: Instant::now(),
            outcome: Outcome::Unanswered,
        }
    }

    /// Counts one request of an operation.
    ///
    /// # Errors
    ///
    /// As the call.
    pub async fn counted<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        let request = self.request(operation);
        let answer = call.await;
        request.end(
            answer
                .as_ref()
                .map_or_else(|fault| fault.outcome, |_| Outcome::Ok),
        );
        answer
    }

    /// Counts a chunk in delivery.
    #[must_use]
    pub fn flight(&self) -> Flight<'_> {
        self.add(Id::Flushes, 1);
        Flight {
            metrics: self,
            began: Instant::now(),
        }
    }

    /// The chunks that are still to be delivered.
    #[must_use]
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    /// All series of a metric added up.
    #[must_use]
    pub fn total(&self, id: Id) -> u64 {
        self.counts[id as usize].iter().map(Count::number).sum()
    }

    /// Whether the host shows these counts on its endpoint.
    #[must_use]
    pub fn are_shown(&self) -> bool {
        self.shown.load(Relaxed)
    }

    /// Notes whether it does.
    pub fn shown(&self, shown: bool) {
        self.shown.store(shown, Relaxed);
    }

    /// How old the oldest event is that is still to be delivered.
    #[must_use]
    pub fn oldest_age(&self) -> Duration {
        let oldest = self.ledger.oldest(Instant::now());
        let age = oldest.map_or(0, |oldest| now_ms().saturating_sub(oldest));
        Duration::from_millis(u64::try_from(age).unwrap_or_default())
    }

    fn note_oldest(&self) {
        let oldest = self.ledger.oldest(Instant::now()).unwrap_or_default();
        self.set(Id::Oldest, u64::try_from(oldest / 1000).unwrap_or_default());
    }
}

impl cbindings::Metrics for Metrics {
    fn families(&self) -> Vec<Family> {
        let family = |spec: &Spec| Family {
            name: spec.name,
            help: spec.help,
            kind: spec.kind,
            labels: spec.labels.iter().map(|label| label.key()).collect(),
            series: series(spec, &self.plugin),
        };
        TABLE.iter().map(family).collect()
    }

    fn values(&self) -> Vec<Value> {
        self.note_oldest();
        self.counts.iter().flatten().map(Count::value).collect()
    }
}

/// The label values of each series of a metric; the last label varies first.
fn series(spec: &Spec, plugin: &Plugin) -> Vec<Vec<&'static str>> {
    let mut series = vec![Vec::new()];
    for label in spec.labels {
        let with = |value: &&'static str, known: &Vec<_>| [known.as_slice(), &[*value]].concat();
        let values = label.values(plugin);
        let extended = series
            .iter()
            .flat_map(|known| values.iter().map(move |v| with(v, known)));
        series = extended.collect();
    }
    series
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use cbindings::Metrics as _;

    use super::*;
    use crate::delivery::error::ErrorClass;
    use crate::telemetry::metrics::descriptors::RejectReason;

    const PLUGIN: Plugin = Plugin {
        operations: &[Operation::PutLogEvents, Operation::CreateLogGroup],
        targets: &["group"],
    };

    fn shown(metrics: &Metrics) -> Vec<(String, Value)> {
        let families = metrics.families();
        let names = families.iter().flat_map(|family| {
            let series = family.series.iter();
            series.map(|labels| format!("{} {}", family.name, labels.join(" ")))
        });
        names.zip(metrics.values()).collect()
    }

    #[test]
    fn a_count_is_shown_under_its_labels() {
        let metrics = Metrics::new(PLUGIN);
        metrics
            .request(Operation::CreateLogGroup)
            .end(Outcome::Exists);
        drop(metrics.request(Operation::PutLogEvents));
        metrics.add(RejectReason::Expired, 7);
        let shown = shown(&metrics);
        let not_zero = shown
            .iter()
            .filter(|(_, value)| *value != Value::Number(0.0));
        let counted: Vec<_> = not_zero
            .filter_map(|(name, value)| match value {
                Value::Number(number) => Some((name.as_str(), *number)),
                Value::Histogram { .. } => None,
            })
            .collect();
        let build = format!("build_info {}", crate::VERSION);
        let expected = [
            ("requests_total PutLogEvents unanswered", 1.0),
            ("requests_total CreateLogGroup exists", 1.0),
            ("rejected_events_total expired", 7.0),
            (build.as_str(), 1.0),
        ];
        assert_eq!(counted, expected);
        assert_eq!(shown.len(), metrics.counts.iter().flatten().count());
    }

    #[test]
    fn what_is_under_way_is_counted_until_it_ends() {
        let metrics = Metrics::new(PLUGIN);
        let (request, flush) = (metrics.request(Operation::PutLogEvents), metrics.flight());
        let under_way = || {
            (
                metrics.total(Id::RequestsInFlight),
                metrics.total(Id::Flushes),
            )
        };
        assert_eq!(under_way(), (1, 1));
        request.end(Outcome::Ok);
        drop(flush);
        assert_eq!(under_way(), (0, 0));
    }

    #[test]
    fn a_call_counts_by_what_its_fault_says() {
        let metrics = Metrics::new(PLUGIN);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let fault = || SendError::new(ErrorClass::Throttled, "Throttling", "slow down");
        let failed = runtime
            .block_on(metrics.counted(Operation::PutLogEvents, async { Err::<(), _>(fault()) }));
        assert!(failed.is_err());
        let at = Outcome::Throttled as usize;
        assert_eq!(metrics.counts[Id::Requests as usize][at].number(), 1);
    }
}
