//! Damaged chunks: the plugin returns a result, the process continues, and the next chunk is delivered.

use support::aws::StandIn;
use support::chunk::Random;
use support::host::{Instance, telling};
use support::output::{GROUP, Output, STREAM, logs, messages, ready};

use super::{OK, assert_ok};

/// Asserts that a valid chunk is delivered afterwards.
fn assert_delivers(aws: &StandIn, instance: &Instance) {
    assert_ok(instance.flush("a.tag", logs(["the next one"])));
    let stored = messages(aws, GROUP, STREAM);
    assert_eq!(
        stored.last().map(String::as_str),
        Some(r#"{"log":"the next one"}"#)
    );
    let refused: Vec<_> = aws
        .calls()
        .into_iter()
        .filter(|call| !call.succeeded())
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn an_empty_chunk_is_delivered_at_once() {
    let aws = ready();
    for output in [
        Output::cloudwatch(&aws),
        Output::firehose(&aws),
        Output::kinesis(&aws),
    ] {
        let host = output.host();
        let instance = host.library().instance(output.section()).expect("opens");
        assert_eq!(instance.flush_null().code, OK);
        assert_eq!(instance.flush("", b"").code, OK);
        assert_eq!(instance.exit().code, OK);
    }
    assert!(aws.calls().is_empty());
}

#[test]
fn an_undecodable_chunk_is_dropped_with_one_line() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).open();
    let chunk = Random::seeded(11).bytes(4000);
    assert_ok(instance.flush("a.tag", &chunk));
    assert_eq!(telling(&instance.lines(), "that are torn").len(), 1);
    assert_delivers(&aws, &instance);
}

#[test]
fn a_chunk_truncated_anywhere_delivers_its_complete_records() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).open();
    let one = logs(["before"]).bytes().len();
    let whole = logs(["before", "torn"]);
    for tear in 1..=whole.bytes().len() - one {
        aws.forget();
        assert_ok(instance.flush("a.tag", whole.clone().torn(tear)));
        assert_eq!(
            messages(&aws, GROUP, STREAM),
            [r#"{"log":"before"}"#],
            "torn by {tear}"
        );
    }
    let lines = instance.exit();
    let torn = telling(&lines, "that are torn");
    // One line for the first chunk, one at the end for the others. The last chunk is cut between two records,
    // where no damage can be detected.
    let others = whole.bytes().len() - one - 3;
    assert_eq!(torn.len(), 2, "{lines:#?}");
    assert!(
        torn[1].text.contains(&format!("(and {others} values more")),
        "{lines:#?}"
    );
}

#[test]
fn chunks_with_flipped_bits_do_not_crash_the_plugin() {
    let aws = ready();
    let instances = [
        Output::cloudwatch(&aws).open(),
        Output::firehose(&aws).open(),
        Output::kinesis(&aws).open(),
    ];
    let mut random = Random::from_environment();
    for _ in 0..150 {
        let mut chunk = random.chunk(12).0.bytes().to_vec();
        for _ in 0..=random.below(8) {
            if !chunk.is_empty() {
                let at = random.below(chunk.len());
                chunk[at] ^= 1 << random.below(8);
            }
        }
        for instance in &instances {
            assert_ok(instance.flush("a.tag", &chunk));
        }
    }
    assert_delivers(&aws, &instances[0]);
}

#[test]
fn random_bytes_do_not_crash_the_plugin() {
    let aws = ready();
    let instances = [
        Output::cloudwatch(&aws).open(),
        Output::firehose(&aws).open(),
        Output::kinesis(&aws).open(),
    ];
    let mut random = Random::from_environment();
    for _ in 0..150 {
        let chunk = random.bytes(300);
        for instance in &instances {
            assert_ok(instance.flush(random.bytes(20).escape_ascii().to_string(), &chunk));
        }
    }
    assert_delivers(&aws, &instances[0]);
}
