//! Chunks of real Fluent Bits, and the request bodies that they become, byte for byte.
//!
//! `tests/fixtures/README.md` says where the chunks come from.

use std::fs;
use std::path::Path;

use support::aws::StandIn;
use support::host::Verdict;
use support::output::{Output, ready};

/// Compares the one request that a fixture becomes with what is expected of it.
///
/// The records are of 2023, which the stand-in takes for refused; what counts is what it was sent.
fn assert_golden(fixture: &str, case: &str, output: fn(&StandIn) -> Output) {
    let aws = ready();
    let chunk = fs::read(directory().join(format!("{fixture}.msgpack"))).expect("the fixture");
    assert_eq!(output(&aws).open().flush("app.log", chunk), Verdict::Ok);
    let calls = aws.calls();
    assert_eq!(calls.len(), 1, "{calls:#?}");
    let name = format!("{fixture}.{case}.json");
    let expected = fs::read(directory().join(&name)).unwrap_or_default();
    if calls[0].body != expected {
        let found = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        fs::write(&found, &calls[0].body).expect("the target directory is writable");
        panic!("{name} is not what was sent: see {}", found.display());
    }
}

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}

#[test]
fn whole_records_become_log_events() {
    for fixture in FIXTURES {
        assert_golden(fixture, "cloudwatch", Output::cloudwatch);
    }
}

#[test]
fn a_selected_key_becomes_log_events() {
    for fixture in FIXTURES {
        assert_golden(fixture, "log_key", |aws| {
            Output::cloudwatch(aws).with("log_key", "log")
        });
    }
}

#[test]
fn records_with_their_time_become_firehose_records() {
    for fixture in FIXTURES {
        assert_golden(fixture, "firehose", |aws| {
            Output::firehose(aws)
                .with("time_key", "time")
                .with("time_key_format", "%Y-%m-%dT%H:%M:%S.%LZ")
                .with("time_key_zone", "utc")
        });
    }
}

/// Each generation of hosts writes the same records in another form.
#[test]
fn all_generations_of_hosts_lead_to_the_same_request() {
    let read = |name| fs::read(directory().join(name)).expect("the expectation");
    for case in ["cloudwatch", "log_key", "firehose"] {
        let hosts = ["1.9.10", "4.2.8", "5.1.1"];
        let [old, wide, new] = hosts.map(|host| format!("forward-{host}.{case}.json"));
        assert_eq!(read(old), read(new.clone()), "{case}");
        assert_eq!(read(wide), read(new), "{case}");
    }
}

const FIXTURES: [&str; 7] = [
    "dummy-1.9.10",
    "dummy-4.2.8",
    "dummy-5.1.1",
    "forward-1.9.10",
    "forward-4.2.8",
    "forward-5.1.1",
    "otlp-5.1.1",
];
