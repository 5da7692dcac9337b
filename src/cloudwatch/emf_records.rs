//! `metric_namespace`: records of the inputs cpu and mem become CloudWatch embedded metrics.
//!
//! The C plugin converts every such record. Here a namespace must be set. An output does not know the
//! input of a record, so the record is recognized by its members. The record keeps its members and gets
//! one more in front, `_aws`.

use serde_json::{Value, json};

use crate::json::escape::{self, Depth};
use crate::record::chunk_reader::Record;
use crate::record::msgpack::{Cursor, Token};

/// Namespace and dimensions of metrics.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metrics {
    namespace: String,
    dimensions: Vec<Vec<String>>,
}

impl Metrics {
    /// `dimensions` are sets separated by `;`, of names separated by `,`.
    #[must_use]
    pub fn new(namespace: String, dimensions: &str) -> Self {
        let names = |set: &str| -> Vec<String> {
            let names = set.split(',').map(str::trim);
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Self {
            namespace,
            dimensions: dimensions
                .split(';')
                .map(names)
                .filter(|set| !set.is_empty())
                .collect(),
        }
    }

    /// Inserts the member after the opening brace of a record's text, which begins at `start` in `body`
    /// and is escaped twice. Returns the overhead of the member.
    pub(super) fn insert(
        &self,
        record: &Record<'_, '_>,
        start: usize,
        body: &mut Vec<u8>,
    ) -> usize {
        let Some((escaped, overhead)) = self.escaped(record) else {
            return 0;
        };
        body.splice(start + 1..start + 1, escaped);
        overhead
    }

    /// The member followed by a comma, escaped twice, and its overhead; `None` for other records.
    pub(super) fn escaped(&self, record: &Record<'_, '_>) -> Option<(Vec<u8>, usize)> {
        let (names, unit) = kind(record)?;
        let mut member = br#""_aws":"#.to_vec();
        member.extend(self.member(record, names, unit).to_string().bytes());
        member.push(b',');
        let mut escaped = Vec::new();
        let overhead = escape::append(&member, Depth::Once, &mut escaped);
        Some((escaped, overhead))
    }

    fn member(&self, record: &Record<'_, '_>, names: &[&str], unit: &str) -> Value {
        let metrics: Vec<Value> = names
            .iter()
            .filter(|name| is_number(record, name))
            .map(|name| json!({"Name": name, "Unit": unit}))
            .collect();
        json!({
            "Timestamp": record.time.millis(),
            "CloudWatchMetrics": [{
                "Namespace": self.namespace,
                "Dimensions": self.dimensions,
                "Metrics": metrics,
            }],
        })
    }
}

/// The names and the unit of a record's metrics; `None` if it is not a record of an input with metrics.
fn kind(record: &Record<'_, '_>) -> Option<(&'static [&'static str], &'static str)> {
    if record.value(b"_aws").is_some() {
        return None;
    }
    let kinds = [(&CPU[..], "Percent"), (&MEMORY[..], "Bytes")];
    kinds
        .into_iter()
        .find(|(names, _)| is_number(record, names[0]) && is_number(record, names[1]))
}

fn is_number(record: &Record<'_, '_>, name: &str) -> bool {
    let token = |raw| Cursor::new(raw).token();
    matches!(
        record.value(name.as_bytes()).map(token),
        Some(Ok(Token::Uint(_)
            | Token::Int(_)
            | Token::F32(_)
            | Token::F64(_)))
    )
}

const CPU: [&str; 3] = ["cpu_p", "user_p", "system_p"];
const MEMORY: [&str; 6] = [
    "Mem.total",
    "Mem.used",
    "Mem.free",
    "Swap.total",
    "Swap.used",
    "Swap.free",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::record::chunk_reader::Field;
    use crate::record::timestamp::Time;

    fn written(metrics: &Metrics, record: &Value) -> (Value, bool) {
        let bytes = rmp_serde::to_vec(record).unwrap();
        let mut cursor = Cursor::new(&bytes);
        let Ok(Token::Map(count)) = cursor.token() else {
            unreachable!("a map was written")
        };
        let fields: Vec<_> = (0..count)
            .map(|_| Field::read(&mut cursor).unwrap())
            .collect();
        let time = Time {
            seconds: 7,
            nanos: 5_000_000,
        };
        let mut body = b"\"".to_vec();
        let record = Record::alone(time, &fields);
        let mut overhead = Json::new(Depth::Twice).record(&record, &mut body);
        overhead += metrics.insert(&record, 1, &mut body);
        let length = body.len() - 1 - overhead;
        body.push(b'"');
        let message: String = serde_json::from_slice(&body).unwrap();
        (
            serde_json::from_str(&message).unwrap(),
            message.len() == length,
        )
    }

    #[test]
    fn a_cpu_record_becomes_embedded_metrics_and_keeps_its_members() {
        let metrics = Metrics::new("n\"s".into(), "host,cpu ; host;;");
        let record = json!({"cpu_p": 1.5, "user_p": 1.0, "system_p": 0.5, "host": "h"});
        let (text, counted) = written(&metrics, &record);
        assert!(counted, "the text's length is told");
        assert_eq!(
            text["_aws"],
            json!({"Timestamp": 7005, "CloudWatchMetrics": [{
                "Namespace": "n\"s",
                "Dimensions": [["host", "cpu"], ["host"]],
                "Metrics": [
                    {"Name": "cpu_p", "Unit": "Percent"},
                    {"Name": "user_p", "Unit": "Percent"},
                    {"Name": "system_p", "Unit": "Percent"},
                ],
            }]})
        );
        assert_eq!(text["host"], "h");
    }

    #[test]
    fn a_mem_record_has_bytes_and_no_dimensions_by_default() {
        let metrics = Metrics::new("n".into(), "");
        let (text, _) = written(
            &metrics,
            &json!({"Mem.total": 9, "Mem.used": 4, "Mem.free": 5}),
        );
        let directive = &text["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([]));
        assert_eq!(directive["Metrics"].as_array().map(Vec::len), Some(3));
        assert_eq!(directive["Metrics"][0]["Unit"], "Bytes");
    }

    #[test]
    fn other_records_stay_as_they_are() {
        let metrics = Metrics::new("n".into(), "");
        for record in [
            json!({"log": "x"}),
            json!({"cpu_p": "text", "user_p": 1.0}),
            json!({"cpu_p": 1.0, "user_p": 1.0, "_aws": {}}),
        ] {
            assert_eq!(written(&metrics, &record), (record, true));
        }
    }
}
