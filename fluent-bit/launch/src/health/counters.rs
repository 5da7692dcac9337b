//! Fluent Bit's counters of its outputs, from its metrics in Prometheus's text.

use std::collections::BTreeMap;

/// The outputs that a Fluent Bit tells of, by their names.
#[derive(Debug, Default)]
pub struct Outputs(pub BTreeMap<String, Counters>);

/// What an output has done since its start, and whether it has something left to do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Records delivered.
    pub delivered: u64,
    /// Tries that failed: retries, errors, chunks given up.
    pub failed: u64,
    /// Whether events wait to be delivered; only this project's outputs tell.
    pub waiting: Option<bool>,
}

impl Outputs {
    /// Reads the metrics; what is no counter of an output is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut outputs = BTreeMap::<String, Counters>::new();
        for (metric, name, value) in text.lines().filter_map(sample) {
            let counters = outputs.entry(name.to_owned()).or_default();
            match metric {
                DELIVERED => counters.delivered = value,
                OLDEST => counters.waiting = Some(value > 0),
                _ => counters.failed += value,
            }
        }
        Self(outputs)
    }
}

/// `fluentbit_output_METRIC{name="OUTPUT"} VALUE`, of a metric that counts here.
fn sample(line: &str) -> Option<(&str, &str, u64)> {
    let (metric, rest) = line.strip_prefix("fluentbit_output_")?.split_once('{')?;
    let (labels, rest) = rest.split_once("} ")?;
    let name = labels.strip_prefix("name=\"")?.strip_suffix('"')?;
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counters and times are whole and positive"
    )]
    let value = value as u64;
    let counts = metric == DELIVERED || metric == OLDEST || FAILED.contains(&metric);
    counts.then_some((metric, name, value))
}

const DELIVERED: &str = "proc_records_total";
const FAILED: [&str; 3] = ["retries_total", "errors_total", "retries_failed_total"];
/// The time of the oldest event that is not delivered, 0 when there is none.
const OLDEST: &str = "aws_oldest_undelivered_event_timestamp_seconds";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_output_has_what_it_delivered_and_how_often_it_failed() {
        let text = "# TYPE fluentbit_output_proc_records_total counter\n\
            fluentbit_output_proc_records_total{name=\"cloudwatch.0\"} 12\n\
            fluentbit_output_retries_total{name=\"cloudwatch.0\"} 2\n\
            fluentbit_output_errors_total{name=\"cloudwatch.0\"} 3 1700000000000\n\
            fluentbit_output_retries_failed_total{name=\"cloudwatch.0\"} 1\n\
            fluentbit_output_proc_records_total{name=\"shop logs\"} 1e+06\n\
            fluentbit_output_latency_seconds_sum{input=\"dummy.0\",output=\"null.0\"} 0.9\n\
            fluentbit_output_aws_oldest_undelivered_event_timestamp_seconds{name=\"cloudwatch.0\"} 1795261444\n\
            fluentbit_output_aws_requests_total{name=\"cloudwatch.0\",operation=\"PutLogEvents\"} 9\n\
            fluentbit_output_upstream_busy_connections{name=\"http.0\"} 1\n\
            fluentbit_input_records_total{name=\"dummy.0\"} 5\n";
        let Outputs(outputs) = Outputs::parse(text);
        let counters = |delivered, failed, waiting| Counters {
            delivered,
            failed,
            waiting,
        };
        assert_eq!(outputs["cloudwatch.0"], counters(12, 6, Some(true)));
        assert_eq!(outputs["shop logs"], counters(1_000_000, 0, None));
        assert_eq!(outputs.len(), 2);
    }
}
