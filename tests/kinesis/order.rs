//! The order of records with one partition key, as far as the service keeps it.

use support::aws::{Action, PartialFailure, Rule, StandIn};
use support::chunk::{Chunk, map};
use support::kpl::user_records;
use support::output::{KINESIS_STREAM, Output, ready};

use super::assert_ok;

/// Numbered records of two keys in alternation.
fn chunk(count: usize, bytes: usize) -> Chunk {
    (0..count).fold(Chunk::new(), |chunk, n| {
        let text = format!("{n:06} {}", "x".repeat(bytes));
        let id = ["hot", "cold"][n % 2].to_owned();
        // Later requests have later times. They must still wait for earlier requests.
        chunk.v2(n as i64, map([("id", id), ("log", text)]))
    })
}

fn output(aws: &StandIn) -> Output {
    let output = Output::kinesis(aws).with("partition_key", "id");
    output.with("log_key", "log")
}

/// The numbers stored under a key, in stored order.
fn numbers(aws: &StandIn, key: &str) -> Vec<usize> {
    let records = aws.kinesis_records(KINESIS_STREAM).into_iter();
    let of_key = records.filter(|record| record.partition_key == key);
    let texts = of_key.flat_map(|record| match user_records(&record.data) {
        Some(records) => records.into_iter().map(|(_, text)| text).collect(),
        None => vec![record.data],
    });
    let number = |text: Vec<u8>| {
        String::from_utf8_lossy(&text[..6])
            .parse()
            .expect("a number")
    };
    texts.map(number).collect()
}

#[test]
fn later_requests_wait_for_a_failed_record() {
    let aws = ready();
    // All records of one key fail, in the first request and when they are sent again.
    let failure = PartialFailure::of_partition_key("hot");
    aws.script(Rule::on("PutRecords", Action::PartialFailure(failure)).times(2));
    assert_ok(output(&aws).open().flush("a.tag", chunk(2000, 10)));
    for (key, first) in [("hot", 0), ("cold", 1)] {
        let expected: Vec<usize> = (first..2000).step_by(2).collect();
        assert_eq!(numbers(&aws, key), expected, "{key}");
    }
    assert_eq!(aws.max_in_flight("PutRecords"), 1);
    let items: Vec<usize> = aws.calls().iter().map(|call| call.items).collect();
    assert_eq!(items, [500, 250, 250, 500, 500, 500]);
}

/// The service may accept the later record of a request and fail the earlier one. Therefore each
/// aggregate of a key has its own request.
#[test]
fn aggregates_of_a_key_keep_their_order_after_failures() {
    let aws = ready();
    for _ in 0..3 {
        aws.script(Rule::on(
            "PutRecords",
            Action::PartialFailure(PartialFailure::at([0])),
        ));
    }
    let output = output(&aws).with("aggregation", "true");
    assert_ok(output.open().flush("a.tag", chunk(100, 20_000)));
    for (key, first) in [("hot", 0), ("cold", 1)] {
        let expected: Vec<usize> = (first..100).step_by(2).collect();
        assert_eq!(numbers(&aws, key), expected, "{key}");
    }
}

#[test]
fn without_a_partition_key_requests_do_not_wait_for_each_other() {
    let aws = ready();
    aws.set_latency(std::time::Duration::from_millis(200));
    let output = output(&aws).without("partition_key");
    assert_ok(output.open().flush("a.tag", chunk(2000, 10)));
    assert_eq!(aws.count("PutRecords"), 4);
    assert!(aws.max_in_flight("PutRecords") > 1);
}
