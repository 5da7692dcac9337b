//! Every option of `Name cloudwatch` does what its table says, through the built plugin.
//!
//! The cases are in a table by option, and the table is held against the one that the code reads: an
//! option without a case fails the test.

mod awslogs;
mod credentials;
mod delivery;
mod events;

mod groups;
mod names;
mod real;
mod self_metrics;

use std::collections::BTreeSet;

use router::cloudwatch::options::OPTIONS;
use support::aws::StandIn;
use support::chunk::{Chunk, Time, map};
use support::host::{Instance, Verdict};
use support::output::{GROUP, Output, STREAM, now_ms, ready};

/// An option and what shows that it counts.
type Case = (&'static str, fn());

#[test]
fn every_option_counts() {
    let cases = [
        awslogs::CASES,
        credentials::CASES,
        delivery::CASES,
        events::CASES,
        groups::CASES,
        names::CASES,
        self_metrics::CASES,
    ];
    let mut exercised = BTreeSet::new();
    for (option, case) in cases.concat() {
        println!("{option}");
        case();
        exercised.insert(option);
    }
    let options: BTreeSet<_> = OPTIONS.iter().map(|spec| spec.key).collect();
    println!(
        "cloudwatch: {} options, {} exercised",
        options.len(),
        exercised.len()
    );
    assert_eq!(exercised, options);
}

/// Delivers one record through a section with these options, to an account that has the group.
fn sent(options: &[(&str, &str)], record: Chunk) -> (StandIn, Instance) {
    let aws = ready();
    let instance = open(&aws, options);
    assert_eq!(
        instance.flush("app.web", record),
        Verdict::Ok,
        "{:#?}",
        instance.lines()
    );
    (aws, instance)
}

fn open(aws: &StandIn, options: &[(&str, &str)]) -> Instance {
    let output = Output::cloudwatch(aws);
    let with = |output: Output, (key, value): &(&str, &str)| output.with(key, value);
    options.iter().fold(output, with).open()
}

/// The messages that arrived in the usual stream.
fn messages(aws: &StandIn) -> Vec<String> {
    support::output::messages(aws, GROUP, STREAM)
}

/// A record of now.
fn record<V: Into<support::chunk::Value>>(
    members: impl IntoIterator<Item = (&'static str, V)>,
) -> Chunk {
    Chunk::new().v2(Time::millis(now_ms()), map(members))
}

/// The header of the first call of an operation.
fn header(aws: &StandIn, operation: &str, name: &str) -> Option<String> {
    let calls = aws.calls();
    let call = calls.iter().find(|call| call.operation == operation)?;
    call.header(name).map(str::to_owned)
}
