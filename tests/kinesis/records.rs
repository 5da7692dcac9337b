//! Records of every form, compared with a second, simple implementation (the oracle).

use std::collections::BTreeMap;

use support::chunk::{Chunk, Random, Time, Value, map};
use support::host::telling;
use support::kpl::user_records;
use support::oracle;
use support::output::{KINESIS_STREAM, Output, logs, ready};

use super::{assert_ok, stored};

#[test]
fn random_records_are_stored_as_the_oracle_says() {
    let aws = ready();
    let instance = Output::kinesis(&aws).open();
    let mut random = Random::from_environment();
    for _ in 0..100 {
        aws.forget();
        let (chunk, records) = random.chunk(20);
        assert_ok(instance.flush("a.tag", &chunk));
        let expected = records.iter().map(|record| oracle::json(&record.body));
        assert_eq!(stored(&aws), expected.collect::<Vec<_>>());
    }
}

#[test]
fn aggregates_of_random_records_are_stored_as_the_oracle_says() {
    let aws = ready();
    let instance = Output::kinesis(&aws).with("aggregation", "on").open();
    let mut random = Random::from_environment();
    for _ in 0..100 {
        aws.forget();
        let (chunk, records) = random.chunk(20);
        assert_ok(instance.flush("a.tag", &chunk));
        let stored = aws.kinesis_records(KINESIS_STREAM).into_iter();
        let texts = stored.flat_map(|record| user_records(&record.data).expect("an aggregate"));
        let texts: Vec<_> = texts.map(|(_, text)| text).collect();
        let expected = records
            .iter()
            .map(|record| oracle::json(&record.body).into_bytes());
        assert_eq!(texts, expected.collect::<Vec<_>>());
    }
}

#[test]
fn selected_bytes_are_sent_unchanged() {
    let aws = ready();
    let instance = Output::kinesis(&aws).with("log_key", "log").open();
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
    let expected: [&[u8]; 4] = [b"not \xff UTF-8", b"\0\x01\xff", b"{\"a\":1}", b""];
    let found = aws.kinesis_records(KINESIS_STREAM).into_iter();
    assert!(found.map(|record| record.data).eq(expected));
}

#[test]
fn a_truncated_chunk_delivers_its_complete_records_and_reports_the_rest() {
    let aws = ready();
    let instance = Output::kinesis(&aws).open();
    assert_ok(instance.flush("a.tag", logs(["one", "two"]).torn(2)));
    assert_eq!(stored(&aws), ["{\"log\":\"one\"}"]);
    assert_eq!(telling(&instance.exit(), "that are torn").len(), 1);
}

/// The records of each container are in one shard, in order.
#[test]
fn records_of_a_key_are_in_one_shard_in_order() {
    for aggregation in ["off", "on"] {
        let aws = ready();
        let output = Output::kinesis(&aws)
            .with("partition_key", "id")
            .with("log_key", "log")
            .with("aggregation", aggregation);
        let chunk = (0..3000).fold(Chunk::new(), |chunk, n: i64| {
            // Later records have earlier times.
            let time = Time::Seconds(5000 - n);
            let id = format!("container-{}", n % 17);
            chunk.v2(time, map([("id", id), ("log", format!("{n:04}"))]))
        });
        assert_ok(output.open().flush("a.tag", chunk));
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut shards = BTreeMap::new();
        for record in aws.kinesis_records(KINESIS_STREAM) {
            let (key, data) = (record.partition_key, record.data);
            let shard = *shards.entry(key.clone()).or_insert(record.shard);
            assert_eq!(shard, record.shard);
            let records = user_records(&data);
            assert_eq!(records.is_some(), aggregation == "on");
            let records = records.unwrap_or_else(|| vec![(key.clone(), data)]);
            for (owner, text) in records {
                assert_eq!(owner, key);
                let texts = found.entry(owner).or_default();
                texts.push(String::from_utf8(text).expect("text"));
            }
        }
        assert_eq!(found.len(), 17);
        assert_eq!(found.values().map(Vec::len).sum::<usize>(), 3000);
        assert!(
            found.values().all(|texts| texts.is_sorted()),
            "{aggregation}"
        );
    }
}
