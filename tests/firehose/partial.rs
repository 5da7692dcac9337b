//! Requests of which the service accepts some records and fails others.

use support::aws::{Action, PartialFailure, Rule, StandIn};
use support::host::Verdict;
use support::output::{Output, delivered, logs, ready};

use super::assert_ok;

fn fails(failure: PartialFailure) -> Rule {
    Rule::on("PutRecordBatch", Action::PartialFailure(failure))
}

fn numbers() -> Vec<String> {
    (0..500).map(|n| n.to_string()).collect()
}

fn records_of_calls(aws: &StandIn) -> Vec<usize> {
    aws.calls().iter().map(|call| call.items).collect()
}

/// Asserts that every number is stored once, and that those of `late` are stored last, in order.
fn assert_stored(aws: &StandIn, late: &[usize]) {
    let early = (0..500).filter(|n| !late.contains(n));
    let expected: Vec<_> = early
        .chain(late.iter().copied())
        .map(|n| format!("{n}\n"))
        .collect();
    assert_eq!(delivered(aws), expected);
}

#[test]
fn the_next_call_has_exactly_the_records_that_failed() {
    let aws = ready();
    aws.script(fails(PartialFailure::at([0, 7, 499])));
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs(numbers())));
    assert_eq!(records_of_calls(&aws), [500, 3]);
    assert_stored(&aws, &[0, 7, 499]);
}

#[test]
fn a_call_with_only_failed_records_is_retried() {
    let aws = ready();
    aws.script(fails(PartialFailure::every(1)));
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs(numbers())));
    assert_eq!(records_of_calls(&aws), [500, 500]);
    assert_stored(&aws, &[]);
}

#[test]
fn several_rounds_store_every_record_once() {
    let aws = ready();
    for code in [
        "ServiceUnavailableException",
        "InternalFailure",
        "InternalFailure",
    ] {
        aws.script(fails(PartialFailure::every(2).code(code)));
    }
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs(numbers())));
    assert_eq!(records_of_calls(&aws), [500, 250, 125, 62]);
    let mut stored: Vec<usize> = delivered(&aws)
        .iter()
        .map(|text| text.trim_end().parse().expect("a number"))
        .collect();
    stored.sort_unstable();
    assert_eq!(stored, (0..500).collect::<Vec<_>>());
}

#[test]
fn a_retry_sends_only_the_records_that_keep_failing() {
    let aws = ready();
    let failure = PartialFailure::at([1]).code("InternalFailure");
    aws.script(fails(failure));
    aws.script(fails(PartialFailure::every(1).code("InternalFailure")).forever());
    let output = Output::firehose(&aws).with("log_key", "log");
    let instance = output.with("flush_timeout", "1s").open();
    let chunk = logs(["zero", "one", "two"]);
    assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
    assert_eq!(delivered(&aws), ["zero\n", "two\n"]);
    aws.clear();
    assert_ok(instance.flush("a.tag", &chunk));
    assert_eq!(delivered(&aws), ["zero\n", "two\n", "one\n"]);
}
