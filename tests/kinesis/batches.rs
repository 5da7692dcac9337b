//! Batches of records: requests at the exact limits of the service.

use cbindings::Level;
use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::host::{Verdict, telling};
use support::output::{KINESIS_STREAM, Output, logs, ready};

use super::{assert_ok, stored};

/// The number of items and bytes of the requests for these texts, the largest first.
fn requests(texts: &[String]) -> Vec<(usize, usize)> {
    let aws = ready();
    let instance = Output::kinesis(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs(texts)));
    let calls = aws.calls();
    assert!(
        calls.iter().all(support::aws::Call::succeeded),
        "{calls:#?}"
    );
    let mut found = stored(&aws);
    found.sort_unstable();
    let mut expected = texts.to_vec();
    expected.sort_unstable();
    assert!(found == expected, "other records than were sent");
    let mut requests: Vec<_> = calls.iter().map(|call| (call.items, call.bytes)).collect();
    // The requests are sent at the same time.
    requests.sort_unstable_by_key(|(items, _)| usize::MAX - items);
    requests
}

#[test]
fn five_hundred_records_fit_in_one_request() {
    let texts = vec!["x".to_owned(); 501];
    assert_eq!(requests(&texts[1..]), [(500, 500 * (1 + KEY))]);
    assert_eq!(requests(&texts), [(500, 500 * (1 + KEY)), (1, 1 + KEY)]);
}

#[test]
fn a_request_is_full_at_10_mib_with_its_partition_keys() {
    let mut texts = vec!["x".repeat(RECORD - KEY); 10];
    assert_eq!(requests(&texts), [(10, 10 * RECORD)]);
    texts.push("x".to_owned());
    assert_eq!(requests(&texts), [(10, 10 * RECORD), (1, 1 + KEY)]);
}

#[test]
fn a_record_beyond_the_limit_is_split_into_parts_that_concatenate() {
    let text = "\u{20ac}x".repeat(RECORD / 2);
    let aws = ready();
    let instance = Output::kinesis(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs([&text])));
    let parts = stored(&aws);
    assert_eq!(parts.len(), 3);
    let text_of = |(index, part): (usize, &String)| {
        let mark = format!("[Part {}/3]", index + 1);
        part.strip_suffix(&mark).expect("a mark").to_owned()
    };
    let joined: String = parts.iter().enumerate().map(text_of).collect();
    assert!(joined == text, "the parts do not add up");
}

#[test]
fn a_missing_stream_is_named_and_retried() {
    let aws = StandIn::start();
    let instance = Output::kinesis(&aws).open();
    let chunk = logs(["one"]);
    assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
    let lines = instance.lines();
    let found = telling(&lines, "stream `clicks` does not exist");
    assert_eq!(found.len(), 1, "{lines:#?}");
    assert_eq!(found[0].level, Some(Level::Warn));
    aws.create_kinesis_stream(KINESIS_STREAM);
    assert_ok(instance.flush("a.tag", &chunk));
    assert_eq!(stored(&aws), ["{\"log\":\"one\"}"]);
}

#[test]
fn a_missing_permission_is_named_and_retried() {
    let aws = ready();
    let denied = ErrorAnswer::new(400, "AccessDeniedException", "");
    aws.script(Rule::on("PutRecords", Action::Error(denied)));
    let instance = Output::kinesis(&aws).open();
    let chunk = logs(["one"]);
    assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
    let lines = instance.lines();
    let mut found = telling(&lines, "kinesis:PutRecords");
    found.retain(|line| line.level == Some(Level::Warn));
    assert_eq!(found.len(), 1, "{lines:#?}");
    assert_eq!(aws.count("PutRecords"), 1);
    assert_ok(instance.flush("a.tag", &chunk));
}

#[test]
fn only_a_refused_record_is_dropped() {
    let aws = ready();
    aws.script(Rule::poison("poison", "InvalidArgumentException"));
    let instance = Output::kinesis(&aws).with("log_key", "log").open();
    let texts: Vec<_> = (0..100)
        .map(|n| match n {
            42 => "poison".to_owned(),
            _ => n.to_string(),
        })
        .collect();
    assert_ok(instance.flush("a.tag", logs(&texts)));
    let mut found = stored(&aws);
    found.sort_by_key(|text| text.parse::<u32>().expect("a number"));
    let expected = texts.into_iter().filter(|text| text != "poison");
    assert_eq!(found, expected.collect::<Vec<_>>());
    let lines = instance.exit();
    let found = telling(&lines, "stream `clicks`: dropped 1 event");
    assert_eq!(found.len(), 1, "{lines:#?}");
    assert_eq!(found[0].level, Some(Level::Error));
}

const RECORD: usize = 1024 * 1024;
/// The length of a random partition key in bytes.
const KEY: usize = 8;
