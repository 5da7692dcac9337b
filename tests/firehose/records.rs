//! Records of every form, compared with a second, simple implementation (the oracle).

use support::chunk::{Chunk, Random, Time, Value, map};
use support::host::telling;
use support::oracle;
use support::output::{Output, delivered, logs, ready};

use super::assert_ok;

#[test]
fn random_records_are_delivered_as_the_oracle_says() {
    let aws = ready();
    let instance = Output::firehose(&aws).open();
    let mut random = Random::from_environment();
    for _ in 0..100 {
        aws.forget();
        let (chunk, records) = random.chunk(20);
        assert_ok(instance.flush("a.tag", &chunk));
        let expected: Vec<_> = records
            .iter()
            .map(|record| oracle::json(&record.body) + "\n")
            .collect();
        assert_eq!(delivered(&aws), expected);
    }
}

#[test]
fn selected_bytes_are_sent_unchanged() {
    let aws = ready();
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    let values = [
        Value::Str(b"not \xff UTF-8".to_vec()),
        Value::Bin(vec![0, 1, 255]),
        map([("a", 1)]),
        Value::from(""),
    ];
    let chunk = values.iter().fold(Chunk::new(), |chunk, value| {
        chunk.v2(Time::Seconds(1), map([("log", value.clone())]))
    });
    assert_ok(instance.flush("a.tag", chunk));
    let expected: [&[u8]; 4] = [b"not \xff UTF-8\n", b"\0\x01\xff\n", b"{\"a\":1}\n", b"\n"];
    assert_eq!(aws.records("orders"), expected);
}

#[test]
fn a_truncated_chunk_delivers_its_complete_records_and_reports_the_rest() {
    let aws = ready();
    let instance = Output::firehose(&aws).open();
    assert_ok(instance.flush("a.tag", logs(["one", "two"]).torn(2)));
    assert_eq!(delivered(&aws), ["{\"log\":\"one\"}\n"]);
    assert_eq!(telling(&instance.exit(), "that are torn").len(), 1);
}

#[test]
fn group_markers_are_not_sent_as_records() {
    let aws = ready();
    let chunk = Chunk::new()
        .group_start(0, 0, map([("resource", 1)]))
        .v2(Time::Seconds(1), map([("log", "one")]))
        .group_end();
    assert_ok(Output::firehose(&aws).open().flush("a.tag", chunk));
    assert_eq!(delivered(&aws), ["{\"log\":\"one\"}\n"]);
}
