//! What happens to a chunk of many destinations when its flush's deadline comes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use support::aws::{Action, Rule, StandIn};
use support::chunk::{Chunk, Time, map};
use support::host::{Instance, Verdict};
use support::output::{GROUP, Output, now_ms};

/// One record for each of these destinations, which the record names.
fn one_each(names: &[String]) -> Chunk {
    let now = Time::millis(now_ms());
    names.iter().fold(Chunk::new(), |chunk, name| {
        chunk.v2(now, map([("name", name.as_str())]))
    })
}

fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("target-{number}"))
        .collect()
}

/// The stored copies of each destination's record, after as many flushes as it takes.
fn deliver(instance: &Instance, chunk: &Chunk) -> usize {
    let began = Instant::now();
    for flushes in 1.. {
        if instance.flush("a.tag", chunk) == Verdict::Ok {
            return flushes;
        }
        assert!(began.elapsed() < PATIENCE, "{flushes} flushes");
    }
    unreachable!("the loop ends with a flush that is answered OK")
}

/// The calls by their targets: how often each was asked for, where that is not once.
fn not_once(aws: &StandIn, operation: &str, names: &[String]) -> Vec<(String, usize)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for call in aws.calls() {
        let target = call.delivery_stream.or(call.stream);
        if let (true, Some(target)) = (call.operation == operation, target) {
            *counts.entry(target).or_default() += 1;
        }
    }
    let count = |name: &String| counts.get(name).copied().unwrap_or_default();
    let counted = names.iter().map(|name| (name.clone(), count(name)));
    counted.filter(|(_, count)| *count != 1).collect()
}

/// Each request is stored when it arrives and answered later, as by a slow service.
fn slow(operation: &str, answer: Duration) -> Rule {
    Rule::on(operation, Action::AcceptThenDelay(answer)).forever()
}

#[test]
fn three_hundred_slow_delivery_streams_get_each_record_once() {
    let (aws, names) = (StandIn::start(), names(300));
    names
        .iter()
        .for_each(|name| aws.create_delivery_stream(name));
    aws.script(slow("PutRecordBatch", Duration::from_secs(1)));
    let instance = Output::firehose(&aws)
        .with("delivery_stream", "$(name)")
        .with("default_delivery_stream", "unnamed")
        .open();
    let flushes = deliver(&instance, &one_each(&names));
    assert!(flushes > 1, "the deadline never came");
    assert_eq!(not_once(&aws, "PutRecordBatch", &names), []);
}

#[test]
fn a_thousand_slow_log_streams_get_each_event_once() {
    assert_each_stream_once(1_000, "10s", Duration::from_secs(1));
}

#[test]
fn five_thousand_log_streams_with_flushes_of_a_second_get_each_event_once() {
    assert_each_stream_once(5_000, "1s", Duration::from_millis(200));
}

fn assert_each_stream_once(count: usize, flush_timeout: &str, answer: Duration) {
    let (aws, names) = (StandIn::start(), names(count));
    names.iter().for_each(|name| aws.create_stream(GROUP, name));
    aws.script(slow("PutLogEvents", answer));
    let instance = Output::cloudwatch(&aws)
        .with("log_stream_name", "$(name)")
        .with("flush_timeout", flush_timeout)
        .open();
    let flushes = deliver(&instance, &one_each(&names));
    assert!(flushes > 1, "the deadline never came");
    assert_eq!(not_once(&aws, "PutLogEvents", &names), []);
}

/// More than the slowest of these takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);
