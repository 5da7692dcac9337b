//! The monitoring kit looks for lines that are written and for metrics that are sent.

use router::telemetry::metrics::descriptors::TABLE;

use crate::read;

/// Lines of Fluent Bit itself, as its `flb_engine.c` and `flb_input_chunk.c` write them, from 1.9 on.
const OF_THE_HOST: [&str; 4] = [
    "[2026/11/21 11:42:58] [ warn] [engine] chunk '7-1.flb' cannot be retried: task_id=0, input=forward.0 > output=logs",
    "[2026/11/21 11:42:58.098] [error] [engine] chunk '7-1.flb' cannot be retried: task_id=0, input=forward.0 > output=logs (out_id=0)",
    "[2026/11/21 11:42:58] [ warn] [input] forward.1 paused (mem buf overlimit)",
    "[2026/11/21 11:42:58.098] [ warn] [input] forward.1 paused (mem buf overlimit - event of size 9B exceeded limit 9 to 9B)",
];

/// A metric, the lines that it counts, and how many of them there are at least.
type Expected = (&'static str, fn(&str) -> bool, usize);

#[test]
fn each_metric_filter_finds_its_lines_and_no_others() {
    let golden = read("tests/lines/golden.txt");
    let lines = golden.lines().filter(|line| line.starts_with('['));
    let lines: Vec<_> = lines.chain(OF_THE_HOST).collect();
    let expected: [Expected; 3] = [
        (
            "Dropped",
            |line| line.starts_with("[error]") && line.contains("dropped"),
            6,
        ),
        ("RetriesFailed", |line| line.contains("] [engine] chunk"), 2),
        (
            "PausedInput",
            |line| line.contains("] [input] forward.1 paused"),
            2,
        ),
    ];
    let filters = filters();
    assert_eq!(filters.len(), expected.len());
    for ((name, pattern), (wanted, is_meant, least)) in filters.iter().zip(expected) {
        assert_eq!(name, wanted);
        let found = lines.iter().filter(|line| matches(pattern, line));
        let meant: Vec<_> = lines.iter().filter(|line| is_meant(line)).collect();
        assert_eq!(found.collect::<Vec<_>>(), meant, "{pattern}");
        assert!(meant.len() >= least, "{pattern}: {meant:#?}");
    }
}

#[test]
fn each_metric_of_an_alarm_is_sent() {
    let template = read("examples/monitoring/alarms.yaml");
    let own: Vec<_> = filters().into_iter().map(|(name, _)| name).collect();
    let of_aws = ["TriggeredRules"];
    let sent: Vec<_> = TABLE.iter().filter_map(|spec| Some(spec.emf?.0)).collect();
    let named: Vec<_> = values(&template, "MetricName: ");
    assert!(named.len() > 12, "{named:?}");
    for name in named {
        let known = sent.contains(&name) || own.iter().any(|own| own == name);
        assert!(known || of_aws.contains(&name), "nobody sends {name}");
    }
    let graphs = template.split('"').skip(1).step_by(2);
    let graphs: Vec<_> = graphs.filter(|word| sent.contains(word)).collect();
    assert!(graphs.len() >= 10, "{graphs:?}");
}

/// The names and patterns of the metric filters.
fn filters() -> Vec<(String, String)> {
    let template = read("examples/monitoring/alarms.yaml");
    let patterns = values(&template, "FilterPattern: ").into_iter();
    let filters = patterns.map(|quoted| {
        let after = template
            .split(quoted)
            .nth(1)
            .expect("a filter has a metric");
        let name = values(after, "MetricName: ")[0].to_owned();
        (name, quoted.trim_matches('\'').to_owned())
    });
    filters.collect()
}

fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let lines = text.lines().map(str::trim_start);
    lines
        .filter_map(|line| line.strip_prefix(key))
        .map(str::trim)
        .collect()
}

/// CloudWatch's terms: each must be in the line as it is written, quoted ones with all they hold.
fn matches(pattern: &str, line: &str) -> bool {
    let mut terms = Vec::new();
    for (at, part) in pattern.split('"').enumerate() {
        if at % 2 == 1 {
            terms.push(part);
        } else {
            terms.extend(part.split_whitespace());
        }
    }
    !terms.is_empty() && terms.iter().all(|term| line.contains(term))
}
