//! Batches of records: requests at the exact limits of the service.

use cbindings::Level;
use support::host::telling;
use support::output::{DELIVERY_STREAM, Output, delivered, logs, ready};

use super::assert_ok;

/// The number of items and bytes of the requests for these texts.
fn requests(texts: &[String]) -> Vec<(usize, usize)> {
    let aws = ready();
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs(texts)));
    let calls = aws.calls();
    assert!(
        calls.iter().all(support::aws::Call::succeeded),
        "{calls:#?}"
    );
    let mut stored = delivered(&aws);
    let mut expected: Vec<_> = texts.iter().map(|text| format!("{text}\n")).collect();
    stored.sort_unstable();
    expected.sort_unstable();
    assert!(stored == expected, "other records than were sent");
    let mut requests: Vec<_> = calls.iter().map(|call| (call.items, call.bytes)).collect();
    // The requests are sent at the same time.
    requests.sort_unstable_by_key(|(items, _)| usize::MAX - items);
    requests
}

#[test]
fn five_hundred_records_fit_in_one_request() {
    let texts = vec!["x".to_owned(); 501];
    assert_eq!(requests(&texts[1..]), [(500, 1000)]);
    assert_eq!(requests(&texts), [(500, 1000), (1, 2)]);
}

#[test]
fn a_request_is_full_at_4_mib_before_base64() {
    let mut texts = vec!["x".repeat(FULL / 8 - 1); 8];
    assert_eq!(requests(&texts), [(8, FULL)]);
    texts[0].push('x');
    assert_eq!(requests(&texts), [(7, FULL / 8 * 7 + 1), (1, FULL / 8)]);
}

#[test]
fn a_record_beyond_the_limit_is_truncated_between_characters() {
    for (text, whole) in [
        ("x".repeat(RECORD - 1), true),
        ("x".repeat(RECORD), false),
        ("\u{1f600}".repeat(RECORD / 4), false),
        (format!("x{}", "\u{20ac}".repeat(RECORD / 3)), false),
        (format!("xy{}", "\u{e9}".repeat(RECORD)), false),
    ] {
        let aws = ready();
        let output = Output::firehose(&aws).with("log_key", "log");
        let instance = output.with("oversize", "truncate").open();
        assert_ok(instance.flush("a.tag", logs([&text])));
        let stored = delivered(&aws).remove(0);
        let lines = instance.exit();
        let reported = telling(&lines, "records cut");
        if whole {
            assert_eq!((stored, reported.len()), (text + "\n", 0));
            continue;
        }
        assert_eq!(reported.len(), 1);
        assert_eq!(reported[0].level, Some(Level::Warn));
        assert!(
            (RECORD - 3..=RECORD).contains(&stored.len()),
            "{}",
            stored.len()
        );
        let kept = stored
            .strip_suffix("[Truncated...]\n")
            .expect("a mark and a newline");
        assert!(text.starts_with(kept));
    }
}

#[test]
fn a_record_beyond_the_limit_is_split_into_parts_that_concatenate() {
    let text = "\u{20ac}x".repeat(RECORD / 2);
    let aws = ready();
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", logs([&text])));
    let parts = delivered(&aws);
    assert_eq!(parts.len(), 3);
    let text_of = |(index, part): (usize, &String)| {
        let mark = format!("[Part {}/3]\n", index + 1);
        part.strip_suffix(&mark)
            .expect("a mark and a newline")
            .to_owned()
    };
    let joined: String = parts.iter().enumerate().map(text_of).collect();
    assert!(joined == text, "the parts do not add up");
    let lines = instance.exit();
    assert_eq!(
        telling(&lines, "1 records sent in parts").len(),
        1,
        "{lines:#?}"
    );
}

#[test]
fn a_chunk_beyond_every_limit_is_delivered_completely() {
    let texts: Vec<_> = (0..3000)
        .map(|n| format!("{n} {}", "x".repeat(n * 3)))
        .collect();
    let requests = requests(&texts);
    let items: usize = requests.iter().map(|(items, _)| items).sum();
    assert_eq!(items, 3000);
    assert!(requests.len() <= 9, "{requests:?}");
}

#[test]
fn a_missing_delivery_stream_is_named_and_retried() {
    let aws = support::aws::StandIn::start();
    let instance = Output::firehose(&aws).open();
    let chunk = logs(["one"]);
    assert_eq!(
        instance.flush("a.tag", &chunk),
        support::host::Verdict::Retry
    );
    let lines = instance.lines();
    let reported = telling(&lines, "delivery stream `orders` does not exist");
    assert_eq!(reported.len(), 1, "{lines:#?}");
    assert_eq!(reported[0].level, Some(Level::Warn));
    aws.create_delivery_stream(DELIVERY_STREAM);
    assert_ok(instance.flush("a.tag", &chunk));
    assert_eq!(delivered(&aws), ["{\"log\":\"one\"}\n"]);
}

const FULL: usize = 4 * 1024 * 1024;
/// Maximum size of a record in bytes, with its newline.
const RECORD: usize = 1_024_000;
