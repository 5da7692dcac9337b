//! The options that say where records go and how they are sent.

use std::thread;
use std::time::{Duration, Instant};

use support::aws::{Action, Rule, StandIn};
use support::chunk::{Chunk, Value, map};
use support::host::{Instance, Verdict, telling};
use support::output::{KINESIS_STREAM, Output, logs, ready};

use super::{Case, records, with};

pub(crate) const CASES: &[Case] = &[
    ("stream", records_go_to_the_stream),
    ("partition_key", records_go_under_their_keys),
    ("http_request_timeout", a_request_is_given_up_in_time),
    (
        "experimental_concurrency",
        so_many_chunks_are_delivered_at_once,
    ),
];

fn records_go_to_the_stream() {
    let aws = StandIn::builder().kinesis_stream("a.b_C-9").start();
    let aws = aws.expect("a port");
    let instance = Output::kinesis(&aws).with("stream", "a.b_C-9").open();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    assert_eq!(aws.kinesis_records("a.b_C-9")[0].data, b"{\"log\":\"x\"}");
}

/// The key under which a record with these members is stored.
fn key(option: &str, record: Value) -> String {
    let chunk = Chunk::new().v2(1, record);
    records(&[("partition_key", option)], &chunk)
        .remove(0)
        .partition_key
}

fn records_go_under_their_keys() {
    let pod = |name: Value| map([("kubernetes", map([("pod_name", name)]))]);
    assert_eq!(key("id", map([("id", "web 1")])), "web 1");
    let bytes = Value::Bin(b"by\xfftes".to_vec());
    assert_eq!(key("id", map([("id", bytes)])), "by\u{fffd}tes");
    assert_eq!(key("kubernetes->pod_name", pod("w-1".into())), "w-1");
    let long = key("kubernetes->pod_name", pod("é".repeat(300).into()));
    assert_eq!(long, "é".repeat(128));
    let missing = key("id", map([("log", "x")]));
    assert!(missing.len() == 8 && missing.is_ascii());
    assert_ne!(key("id", map([("log", "x")])), missing);
    a_key_that_is_missing_is_reported();
}

fn a_key_that_is_missing_is_reported() {
    let aws = ready();
    let chunk = Chunk::new()
        .v2(1, map([("id", Value::from(7))]))
        .v2(1, map([("log", "x")]))
        .v2(1, map([("id", "7")]));
    let instance = Output::kinesis(&aws).with("partition_key", "id").open();
    assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
    let lines = instance.exit();
    let text = "2 records went to shards chosen at random: they have no text under `partition_key`, which is `id`";
    assert_eq!(telling(&lines, text).len(), 1, "{lines:#?}");
}

fn a_request_is_given_up_in_time() {
    // Without the option it is a share of `flush_timeout`.
    for (limit, least, most) in [("1", 1000, 2000), ("0", 2000, 4000)] {
        let aws = ready();
        aws.script(Rule::on("PutRecords", Action::Hang));
        let options = [("http_request_timeout", limit), ("flush_timeout", "4s")];
        let instance = with(Output::kinesis(&aws), &options).open();
        let began = Instant::now();
        assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
        let took = began.elapsed().as_millis();
        assert!((least..most).contains(&took), "{limit}: {took} ms");
        assert_eq!(aws.count("PutRecords"), 2, "{limit}");
    }
}

/// 0 is the Go plugin's word for one chunk after another.
fn so_many_chunks_are_delivered_at_once() {
    for (option, concurrency) in [("0", 1), ("3", 3)] {
        let aws = ready();
        aws.set_latency(Duration::from_millis(100));
        let output = Output::kinesis(&aws);
        let instance = output.with("experimental_concurrency", option).open();
        thread::scope(|scope| {
            for number in 0..8 {
                let chunk = logs([number.to_string()]);
                let flush = || assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
                scope.spawn(flush);
            }
        });
        assert_eq!(aws.max_in_flight("PutRecords"), concurrency);
    }
}

#[test]
fn a_key_of_the_go_plugin_without_effect_is_named_with_what_has_it() {
    let aws = ready();
    let output = Output::kinesis(&aws);
    let instance: Instance = output.with("experimental_concurrency_retries", "4").open();
    let lines = instance.exit();
    let text = "`experimental_concurrency_retries` has no effect here";
    let found = telling(&lines, text);
    assert!(
        found.len() == 1 && found[0].text.contains("Retry_Limit"),
        "{lines:#?}"
    );
}

#[test]
fn every_bad_value_is_reported() {
    let bad = [
        ("stream", "a/b", "1 to 128 letters"),
        ("partition_key", "log", "cannot be the partition key"),
        ("append_newline", "perhaps", "true, on, yes, 1"),
        ("compression", "arrow", "none, zlib, gzip, snappy, zstd"),
        ("oversize", "drop", "split, truncate"),
        ("data_keys", ",", "it names no key"),
        ("http_request_timeout", "-1", "a time from"),
        ("max_record_bytes", "1000", "from 1048576 to 10485760"),
        ("experimental_concurrency", "65", "from 1 to 64"),
    ];
    let aws = ready();
    let options: Vec<_> = bad.iter().map(|(key, value, _)| (*key, *value)).collect();
    let lines = with(Output::kinesis(&aws), &options).refused();
    for (key, _, reason) in bad {
        let named = |line: &str| line.contains(&format!("`{key}`")) && line.contains(reason);
        assert!(
            lines.iter().any(|line| named(&line.text)),
            "{key}: {lines:#?}"
        );
    }
    assert_eq!(lines.len(), bad.len(), "{lines:#?}");
    assert!(aws.kinesis_records(KINESIS_STREAM).is_empty());
}
