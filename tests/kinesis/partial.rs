//! Requests of which the service accepts some records and fails others. Only failed records are sent again.

use std::collections::BTreeSet;

use cbindings::Level;
use support::aws::{Action, PartialFailure, Rule, StandIn};
use support::host::{Verdict, telling};
use support::output::{KINESIS_STREAM, Output, logs, ready};

use super::{assert_ok, stored};

const THROTTLED: &str = "ProvisionedThroughputExceededException";

fn fails(failure: PartialFailure) -> Rule {
    Rule::on("PutRecords", Action::PartialFailure(failure))
}

fn numbers() -> Vec<String> {
    (0..500).map(|n| n.to_string()).collect()
}

fn records_of_calls(aws: &StandIn) -> Vec<usize> {
    aws.calls().iter().map(|call| call.items).collect()
}

/// Asserts that every number is stored once.
fn assert_stored(aws: &StandIn) {
    let found = stored(aws);
    assert_eq!(found.len(), 500);
    let found: BTreeSet<_> = found.into_iter().collect();
    assert!(found == numbers().into_iter().collect());
}

#[test]
fn the_next_call_has_exactly_the_records_that_failed() {
    for code in [THROTTLED, "InternalFailure"] {
        let aws = ready();
        aws.script(fails(PartialFailure::at([0, 7, 499]).code(code)));
        let instance = Output::kinesis(&aws).with("log_key", "log").open();
        assert_ok(instance.flush("a.tag", logs(numbers())));
        assert_eq!(records_of_calls(&aws), [500, 3]);
        assert_stored(&aws);
        assert_eq!(stored(&aws)[497..], ["0", "7", "499"]);
    }
}

#[test]
fn several_rounds_store_every_record_once() {
    let aws = ready();
    for code in [THROTTLED, "InternalFailure", THROTTLED] {
        aws.script(fails(PartialFailure::every(2).code(code)));
    }
    let instance = Output::kinesis(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs(numbers())));
    assert_eq!(records_of_calls(&aws), [500, 250, 125, 62]);
    assert_stored(&aws);
}

#[test]
fn a_retry_sends_only_the_records_that_keep_failing() {
    for aggregation in ["off", "on"] {
        let aws = ready();
        let failure = || PartialFailure::of_partition_key("slow");
        aws.script(fails(failure()).forever());
        let output = Output::kinesis(&aws)
            .with("log_key", "log")
            .with("partition_key", "id")
            .with("aggregation", aggregation)
            .with("flush_timeout", "1s");
        let instance = output.open();
        let chunk = support::chunk::Chunk::new();
        let chunk = ["fast", "slow", "other"].iter().fold(chunk, |chunk, id| {
            chunk.v2(1, support::chunk::map([("id", *id), ("log", "text")]))
        });
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
        let keys = || {
            let records = aws.kinesis_records(KINESIS_STREAM).into_iter();
            records
                .map(|record| record.partition_key)
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(), ["fast", "other"]);
        let lines = instance.lines();
        let mut found = telling(&lines, THROTTLED);
        found.retain(|line| line.level == Some(Level::Warn));
        assert_eq!(found.len(), 1, "{lines:#?}");
        aws.clear();
        assert_ok(instance.flush("a.tag", &chunk));
        assert_eq!(keys(), ["fast", "other", "slow"]);
    }
}

/// Each aggregate has a new key, so a throttled shard does not also get the next aggregate.
#[test]
fn keyless_aggregates_of_one_chunk_have_different_keys() {
    let aws = ready();
    let output = Output::kinesis(&aws).with("aggregation", "on");
    let chunk = logs((0..40).map(|n| format!("{n} {}", "x".repeat(20_000))));
    assert_ok(output.open().flush("a.tag", chunk));
    let records = aws.kinesis_records(KINESIS_STREAM);
    let keys: BTreeSet<_> = records.iter().map(|record| &record.partition_key).collect();
    assert_eq!((records.len(), keys.len()), (4, 4));
}
