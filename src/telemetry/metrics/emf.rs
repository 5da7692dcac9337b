//! Counts -> one document in CloudWatch's embedded metric format.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! A counter is sent as what was added since the last document that was delivered, so that CloudWatch's
//! sums are right over all tasks; nothing added is a 0, by which an alarm knows that the router lives.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::Metrics;
use crate::telemetry::metrics::descriptors::{Id, Spec, TABLE};

/// What the last delivered document told.
#[derive(Debug, Default)]
pub struct Told(Mutex<Totals>);

/// The totals that a document stands for.
pub type Totals = Vec<u64>;

/// Whose counts they are.
#[derive(Clone, Debug)]
pub struct Source {
    /// The namespace of the metrics.
    pub namespace: String,
    /// Name and value of each dimension; one set of them all.
    pub dimensions: Vec<(&'static str, String)>,
}

impl Told {
    /// A document of what was counted since; [`Told::delivered`] takes its totals.
    #[must_use]
    pub fn document(&self, metrics: &Metrics, source: &Source, now_ms: i64) -> (String, Totals) {
        let totals: Totals = TABLE.iter().map(|spec| metrics.total(spec.id)).collect();
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = |id: Id| before.get(id as usize).copied().unwrap_or_default();
        let value = |spec: &Spec| match spec.id {
            Id::Oldest => metrics.oldest_age().as_secs(),
            id => totals[id as usize] - before(id),
        };
        (document(source, now_ms, value).to_string(), totals)
    }

    /// The document with these totals was delivered.
    pub fn delivered(&self, totals: Totals) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }
}

fn document(source: &Source, now_ms: i64, value: impl Fn(&Spec) -> u64) -> Value {
    let names: Vec<_> = source.dimensions.iter().map(|(name, _)| *name).collect();
    let (mut metrics, mut members) = (Vec::new(), Map::new());
    for spec in TABLE {
        let Some((name, unit)) = spec.emf else {
            continue;
        };
        metrics.push(json!({"Name": name, "Unit": unit}));
        members.insert(name.to_owned(), value(spec).into());
    }
    for (name, value) in &source.dimensions {
        members.insert((*name).to_owned(), value.as_str().into());
    }
    let directive = json!({
        "Namespace": source.namespace, "Dimensions": [names], "Metrics": metrics,
    });
    let head = json!({"Timestamp": now_ms, "CloudWatchMetrics": [directive]});
    members.insert("_aws".to_owned(), head);
    Value::Object(members)
}

/// Whether CloudWatch takes a namespace: 1 to 255 of its characters, none of AWS's own.
#[must_use]
pub fn is_namespace(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " .-_/#:".contains(c);
    (1..=255).contains(&text.len())
        && text.chars().all(allowed)
        && !text.starts_with([':', ' '])
        && !text.starts_with("AWS/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudwatch::LABELS;
    use crate::telemetry::metrics::descriptors::DropReason;

    fn source() -> Source {
        let dimensions = [("Cluster", "prod"), ("Family", "shop"), ("Output", "logs")];
        let dimensions = dimensions.map(|(name, value)| (name, value.to_owned()));
        Source {
            namespace: "Router".into(),
            dimensions: dimensions.into(),
        }
    }

    fn made(told: &Told, metrics: &Metrics) -> (Value, Totals) {
        let (document, totals) = told.document(metrics, &source(), 1_700_000_000_123);
        (serde_json::from_str(&document).unwrap(), totals)
    }

    /// The rules of the specification, as it states them.
    fn assert_valid(document: &Value) {
        let root = document.as_object().expect("the root is an object");
        let head = root["_aws"].as_object().expect("_aws is an object");
        assert!(head["Timestamp"].as_i64().is_some_and(|millis| millis > 0));
        let directives = head["CloudWatchMetrics"]
            .as_array()
            .expect("directives are an array");
        assert!(!directives.is_empty());
        for directive in directives {
            assert!(is_namespace(directive["Namespace"].as_str().unwrap()));
            for set in directive["Dimensions"].as_array().unwrap() {
                let set = set.as_array().expect("a set is an array");
                assert!(set.len() <= 30);
                for name in set {
                    let value = root[name.as_str().unwrap()]
                        .as_str()
                        .expect("a string at the root");
                    assert!((1..=1024).contains(&value.len()) && value.is_ascii());
                }
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=100).contains(&metrics.len()));
            for metric in metrics {
                let name = metric["Name"].as_str().unwrap();
                assert!((1..=1024).contains(&name.len()));
                assert!(root[name].is_number(), "{name} is at the root");
                assert!(["Count", "Bytes", "Seconds"].contains(&metric["Unit"].as_str().unwrap()));
            }
        }
        assert!(document.to_string().len() < 256 * 1024);
    }

    #[test]
    fn a_document_is_valid_and_tells_what_was_added() {
        let (metrics, told) = (Metrics::new(LABELS), Told::default());
        metrics.add(Id::Delivered, 100);
        metrics.add(DropReason::Undecodable, 3);
        let (document, _) = made(&told, &metrics);
        assert_valid(&document);
        let counts = |document: &Value| {
            let count = |name: &str| document[name].as_u64().unwrap();
            (
                count("DeliveredEvents"),
                count("DroppedEvents"),
                count("Throttles"),
            )
        };
        assert_eq!(counts(&document), (100, 3, 0));
        metrics.add(Id::Delivered, 1);
        // The first was not delivered: its counts are in the second.
        let (document, totals) = made(&told, &metrics);
        assert_eq!(counts(&document), (101, 3, 0));
        told.delivered(totals);
        metrics.add(Id::Delivered, 5);
        assert_eq!(counts(&made(&told, &metrics).0), (5, 0, 0));
    }

    #[test]
    fn the_oldest_event_is_told_by_its_age() {
        let (metrics, told) = (Metrics::new(LABELS), Told::default());
        assert_eq!(made(&told, &metrics).0["OldestUndeliveredAge"], 0);
        let (ledger, then) = (
            metrics.ledger(),
            crate::telemetry::metrics::now_ms() - 90_000,
        );
        let key = || crate::delivery::ledger::Key::of(b"t", b"c");
        let (_number, known) =
            ledger.begin(ledger.arrive(), 1, key, std::time::Instant::now(), then);
        assert!(known.is_none());
        let age = made(&told, &metrics).0["OldestUndeliveredAge"]
            .as_u64()
            .unwrap();
        assert!((90..100).contains(&age), "{age}");
    }

    #[test]
    fn a_namespace_is_one_that_cloudwatch_takes() {
        assert!(is_namespace("Router/prod #1"));
        for text in ["", "AWS/Logs", ":x", "é", &"x".repeat(256)] {
            assert!(!is_namespace(text), "{text}");
        }
    }
}
