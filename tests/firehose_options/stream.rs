//! The options that say where records go and how long and how wide the way may be.

use std::time::Duration;

use support::aws::StandIn;
use support::chunk::{Chunk, map};
use support::host::Verdict;
use support::output::{Output, logs, ready};

use super::Case;

pub(crate) const CASES: &[Case] = &[
    ("delivery_stream", each_record_goes_to_the_stream_it_names),
    (
        "default_delivery_stream",
        what_names_no_stream_goes_to_the_default,
    ),
];

fn to(app: &str, number: i64) -> support::chunk::Value {
    map([
        ("app", app.into()),
        ("log", support::chunk::Value::from(number)),
    ])
}

fn varying() -> (StandIn, Output) {
    let aws = StandIn::builder().auto_create().start().expect("a port");
    let output = Output::firehose(&aws)
        .with("delivery_stream", "s-$(app)")
        .with("default_delivery_stream", "rest")
        .with("log_key", "log");
    (aws, output)
}

fn records(aws: &StandIn, name: &str) -> Vec<String> {
    let records = aws.records(name).into_iter();
    records
        .map(|data| String::from_utf8_lossy(&data).into_owned())
        .collect()
}

/// With and without aggregation: no Firehose record mixes delivery streams.
fn each_record_goes_to_the_stream_it_names() {
    for (aggregation, expected) in [("off", &["0\n", "3\n"][..]), ("on", &["0\n3\n"])] {
        let (aws, output) = varying();
        let apps = ["a", "b/c", "b/c", "a"].iter().zip(0..);
        let chunk = apps.fold(Chunk::new(), |chunk, (app, n)| chunk.v2(1, to(app, n)));
        let instance = output.with("simple_aggregation", aggregation).open();
        assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
        assert_eq!(records(&aws, "s-a"), expected);
        assert_eq!(records(&aws, "s-b.c").concat(), "1\n2\n");
    }
}

fn what_names_no_stream_goes_to_the_default() {
    let (aws, output) = varying();
    let chunk = Chunk::new().v2(1, map([("log", "x")])).v2(1, to("a", 1));
    let instance = output.open();
    assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
    assert_eq!(
        (records(&aws, "rest"), records(&aws, "s-a")),
        (vec!["x\n".into()], vec!["1\n".into()])
    );
    let told = instance.lines().iter().any(|line| {
        line.text
            .contains("1 records went to the default delivery stream")
            && line.text.contains("`$(app)`")
    });
    assert!(told, "{:#?}", instance.lines());
}

#[test]
fn requests_of_one_chunk_travel_side_by_side() {
    let aws = ready();
    aws.set_latency(Duration::from_millis(200));
    let chunk = logs((0..2000).map(|n| n.to_string()));
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    assert_eq!(instance.flush("app.web", &chunk), Verdict::Ok);
    assert_eq!(aws.count("PutRecordBatch"), 4);
    assert!(aws.max_in_flight("PutRecordBatch") > 1);
}

#[test]
fn records_keep_their_order_within_a_request_whatever_their_times() {
    let chunk = [5, 3, 9, 1].iter().fold(Chunk::new(), |chunk, time: &i64| {
        chunk.v2(*time, map([("log", time.to_string())]))
    });
    assert_eq!(
        super::texts(&[("log_key", "log")], &chunk),
        ["5\n", "3\n", "9\n", "1\n"]
    );
}
