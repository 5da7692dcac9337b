//! Every option of `firehose.so`, each seen in what the stand-in receives or the host is told.

mod golden;
mod identity;
mod real;
mod record;
mod shared;
mod stream;
mod time;

use router::firehose::options::OPTIONS;
use support::aws::StandIn;
use support::chunk::Chunk;
use support::host::Verdict;
use support::output::{Output, delivered, ready};

/// One way to see that an option has its effect.
type Case = (&'static str, fn());

const CASES: [&[Case]; 5] = [
    identity::CASES,
    record::CASES,
    shared::CASES,
    stream::CASES,
    time::CASES,
];

/// An option without a case, or a case without an option, fails.
#[test]
fn every_option_is_exercised() {
    let cases = || CASES.iter().copied().flatten();
    for (option, _) in cases() {
        assert!(OPTIONS.iter().any(|spec| spec.key == *option), "{option}");
    }
    let exercised = OPTIONS.iter().filter(|spec| {
        let mut of_option = cases().filter(|(option, _)| *option == spec.key).peekable();
        let exercised = of_option.peek().is_some();
        of_option.for_each(|(option, case)| {
            println!("firehose: {option}");
            case();
        });
        exercised
    });
    let (exercised, options) = (exercised.count(), OPTIONS.len());
    println!("firehose: {options} options, {exercised} exercised");
    let missing = |key: &str| cases().all(|(option, _)| *option != key);
    let missing: Vec<_> = OPTIONS
        .iter()
        .map(|spec| spec.key)
        .filter(|key| missing(key))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// The service, as its hosts and signatures name it.
const SERVICE: &str = "firehose";
/// The operation by which records are sent.
const OPERATION: &str = "PutRecordBatch";

/// A section with the options that every case sets.
fn output(aws: &StandIn) -> Output {
    Output::firehose(aws)
}

/// Delivers a chunk with these options to a stand-in of its own.
fn flushed(options: &[(&str, &str)], chunk: &Chunk) -> StandIn {
    let aws = ready();
    let output = with(output(&aws), options);
    assert_eq!(output.open().flush("app.web", chunk), Verdict::Ok);
    aws
}

/// The texts that arrive with these options.
fn texts(options: &[(&str, &str)], chunk: &Chunk) -> Vec<String> {
    delivered(&flushed(options, chunk))
}

fn with(output: Output, options: &[(&str, &str)]) -> Output {
    let set = |output: Output, (key, value): &(&str, &str)| output.with(key, value);
    options.iter().fold(output, set)
}
