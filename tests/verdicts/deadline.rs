//! A chunk with many targets at the deadline of its flush.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use support::aws::{Action, Rule, StandIn};
use support::chunk::{Chunk, Time, map};
use support::host::{Instance, Verdict};
use support::output::{GROUP, Output, now_ms};

/// A chunk with one record for each of these targets. The record names its target.
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

/// Flushes until the chunk is delivered. Returns the number of flushes.
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

/// The targets that were not requested exactly once, with their numbers of calls.
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

/// Each request is stored when it arrives and answered later, like a slow service.
fn slow(operation: &str, answer: Duration) -> Rule {
    Rule::on(operation, Action::AcceptThenDelay(answer)).forever()
}

#[test]
fn three_hundred_slow_delivery_streams_store_each_record_once() {
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
fn a_thousand_slow_log_streams_store_each_event_once() {
    assert_each_stream_once(1_000, "10s", Duration::from_secs(1));
}

#[test]
fn five_thousand_log_streams_with_one_second_flushes_store_each_event_once() {
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

/// More than the slowest of these tests takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);
