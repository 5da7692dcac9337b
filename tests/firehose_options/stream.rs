//! The options that say where records go and how long and how wide the way may be.

use std::thread;
use std::time::{Duration, Instant};

use support::aws::{Action, Rule, StandIn};
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
    ("flush_timeout", a_flush_that_is_not_answered_ends_in_time),
    ("concurrency", so_many_chunks_are_delivered_at_once),
    ("resume_path", what_is_delivered_is_noted_there),
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

fn a_flush_that_is_not_answered_ends_in_time() {
    let aws = ready();
    aws.script(Rule::on("PutRecordBatch", Action::Hang).forever());
    let instance = Output::firehose(&aws).with("flush_timeout", "1s").open();
    let began = Instant::now();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Retry);
    let took = began.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(9)).contains(&took),
        "{took:?}"
    );
}

fn so_many_chunks_are_delivered_at_once() {
    for concurrency in [1, 3] {
        let aws = ready();
        aws.set_latency(Duration::from_millis(100));
        let instance = Output::firehose(&aws)
            .with("concurrency", &concurrency.to_string())
            .open();
        thread::scope(|scope| {
            for number in 0..8 {
                let chunk = logs([number.to_string()]);
                let flush = || assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
                scope.spawn(flush);
            }
        });
        assert_eq!(aws.max_in_flight("PutRecordBatch"), concurrency);
    }
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

fn what_is_delivered_is_noted_there() {
    let aws = ready();
    let directory = std::env::temp_dir().join(format!("firehose-resume-{}", std::process::id()));
    let path = directory.to_str().expect("UTF-8");
    let files = || std::fs::read_dir(&directory).expect("made").count();
    let instance = Output::firehose(&aws).with("resume_path", path).open();
    assert_eq!(files(), 1);
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    drop(instance.exit());
    assert_eq!(files(), 0, "nothing is left to note");
    std::fs::remove_dir(&directory).expect("empty");
}
