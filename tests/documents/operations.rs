//! `docs/operations.md`: its metrics are those of the code, its lines those that are written.

use cbindings::{Kind, PREFIX};
use router::PLUGINS;
use router::telemetry::metrics::descriptors::{Label, Spec, TABLE};

use crate::assert_has_parts;
use crate::read;

const DOCUMENT: &str = "docs/operations.md";

/// Lines and metrics of Fluent Bit itself, from its `flb_input_chunk.c`, `flb_engine.c`,
/// `flb_input.c`, `flb_output.c` and `fluent-bit.c`.
const OF_THE_HOST: [&str; 6] = [
    "[input] NAME paused (mem buf overlimit",
    "[engine] chunk 'NAME' cannot be retried",
    "[engine] caught signal (",
    "fluentbit_input_ingestion_paused",
    "fluentbit_output_retries_failed_total",
    "fluentbit_output_dropped_records_total",
];

#[test]
fn the_table_of_metrics_is_that_of_the_code() {
    let rows: String = TABLE.iter().map(row).collect();
    let head = "| Metric | Labels beside `name` | In CloudWatch | Meaning |\n|---|---|---|---|\n";
    assert_has_parts(DOCUMENT, &[("metrics", head.to_owned() + &rows)]);
}

fn row(spec: &Spec) -> String {
    let labels: Vec<_> = spec.labels.iter().map(|label| labels(*label)).collect();
    let kind = match spec.kind {
        Kind::Counter => "",
        Kind::Gauge => "Gauge. ",
        Kind::Histogram(_) => "Histogram. ",
    };
    let emf = spec
        .emf
        .map_or(String::new(), |(name, unit)| format!("`{name}`, {unit}"));
    let (name, help) = (spec.name, spec.help);
    format!(
        "| `{PREFIX}{name}` | {} | {emf} | {kind}{help} |\n",
        labels.join("; ")
    )
}

fn labels(label: Label) -> String {
    let mut values: Vec<_> = PLUGINS
        .iter()
        .flat_map(|plugin| label.values(&plugin.labels))
        .collect();
    values.dedup();
    let mut seen = Vec::new();
    values.retain(|value| {
        !seen.contains(value) && {
            seen.push(*value);
            true
        }
    });
    // A document does not change with each version.
    let shown = |value: &&str| match *value {
        router::VERSION => "the version".to_owned(),
        value => format!("`{value}`"),
    };
    let values: Vec<_> = values.iter().map(shown).collect();
    format!("`{}`: {}", label.key(), values.join(", "))
}

#[test]
fn every_line_and_metric_that_is_to_be_looked_for_is_one_that_is_there() {
    let golden = read("tests/lines/golden.txt");
    let text = read(DOCUMENT);
    let (_, table) = text.split_once("| Symptom |").expect("a table of symptoms");
    let rows: Vec<_> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() > 20);
    for row in rows {
        let signs = row.split('|').nth(2).unwrap();
        let signs: Vec<_> = signs.split('`').skip(1).step_by(2).collect();
        assert!(!signs.is_empty(), "nothing to look for: {row}");
        for sign in signs {
            let metric = TABLE
                .iter()
                .any(|spec| sign == format!("{PREFIX}{}", spec.name));
            let line = golden.contains(sign) || OF_THE_HOST.contains(&sign);
            assert!(metric || line, "`{sign}` is neither a line nor a metric");
        }
    }
}
