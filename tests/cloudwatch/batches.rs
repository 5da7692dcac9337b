//! Batches of events: their order, and requests at the exact limits of the service.

use std::time::Duration;

use support::aws::{Call, StandIn};
use support::chunk::{Chunk, Random, Time, map};
use support::output::{GROUP, Output, STREAM, logs, messages, now_ms, ready};

use super::assert_ok;

/// Delivers a chunk whose events are the texts under `log`. Returns the calls of the delivery.
fn delivered(aws: &StandIn, chunk: &Chunk) -> Vec<Call> {
    let instance = Output::cloudwatch(aws).with("log_key", "log").open();
    assert_ok(instance.flush("a.tag", chunk));
    aws.calls()
}

fn at(times: impl IntoIterator<Item = u64>) -> Chunk {
    times.into_iter().fold(Chunk::new(), |chunk, time| {
        chunk.v2(Time::millis(time), map([("log", time.to_string())]))
    })
}

#[test]
fn events_are_sorted_by_time_and_keep_their_order_within_a_millisecond() {
    let (aws, now) = (ready(), now_ms());
    let order = [(3, "a"), (1, "b"), (2, "c"), (1, "d"), (3, "e"), (1, "f")];
    let chunk = order.iter().fold(Chunk::new(), |chunk, (ms, text)| {
        chunk.v2(Time::millis(now + ms), map([("log", *text)]))
    });
    assert_eq!(delivered(&aws, &chunk).len(), 1);
    assert_eq!(
        messages(&aws, GROUP, STREAM),
        ["b", "d", "f", "c", "a", "e"]
    );
}

/// Requests of one stream are sent at the same time if responses are slow. This is known after some chunks.
#[test]
fn requests_of_a_stream_are_concurrent_unless_they_share_a_time() {
    for (lines_per_time, concurrent) in [(10, true), (30_000, false)] {
        let aws = ready();
        aws.set_latency(Duration::from_millis(150));
        let instance = Output::cloudwatch(&aws).with("log_key", "log").open();
        let now = now_ms();
        let lines: Vec<String> = (0..30_000).map(|n| format!("{n:0100}")).collect();
        let chunk = (0..).zip(&lines).fold(Chunk::new(), |chunk, (n, line)| {
            let time = Time::millis(now + n / lines_per_time);
            chunk.v2(time, map([("log", line.as_str())]))
        });
        let mut max = 0;
        for _ in 0..4 {
            aws.forget();
            assert_ok(instance.flush("a.tag", &chunk));
            max = max.max(aws.max_in_flight("PutLogEvents"));
            // In the order of a query: by time, then by arrival.
            let mut events = aws.events(GROUP, STREAM);
            events.sort_by_key(|event| event.timestamp);
            let messages: Vec<String> = events.into_iter().map(|event| event.message).collect();
            assert!(messages == lines, "lost, or in another order");
        }
        assert_eq!(
            max > 1,
            concurrent,
            "{max} of {lines_per_time} lines a time"
        );
    }
}

#[test]
fn events_are_not_sorted_below_a_millisecond() {
    let aws = ready();
    let seconds = u32::try_from(now_ms() / 1000).expect("before 2106");
    let chunk = [900_000, 100_000]
        .iter()
        .fold(Chunk::new(), |chunk, nanoseconds| {
            let nanoseconds = *nanoseconds;
            let time = Time::Event {
                seconds,
                nanoseconds,
            };
            chunk.v2(time, map([("log", nanoseconds.to_string())]))
        });
    delivered(&aws, &chunk);
    assert_eq!(messages(&aws, GROUP, STREAM), ["900000", "100000"]);
}

#[test]
fn ten_thousand_events_fit_in_one_request() {
    for (events, expected) in [(10_000, vec![10_000]), (10_001, vec![10_000, 1])] {
        let aws = ready();
        let chunk = logs(vec!["x"; events]);
        let items: Vec<_> = delivered(&aws, &chunk)
            .iter()
            .map(|call| call.items)
            .collect();
        assert_eq!(items, expected);
    }
}

#[test]
fn a_request_is_full_at_1_048_576_bytes() {
    // A quote has one byte for the service and two bytes in the request.
    for letter in ["x", "\"", "\u{e9}"] {
        let text = letter.repeat((FULL / 4 - EVENT_OVERHEAD) / letter.len());
        let spare = FULL / 4 - EVENT_OVERHEAD - text.len();
        let full: Vec<String> = (0..4).map(|_| text.clone() + &"x".repeat(spare)).collect();
        let aws = ready();
        let calls = delivered(&aws, &logs(&full));
        let sent: Vec<_> = calls.iter().map(|call| (call.items, call.bytes)).collect();
        assert_eq!(sent, [(4, FULL)], "of {letter}");
        let mut more = full.clone();
        more[0].push('x');
        let aws = ready();
        let calls = delivered(&aws, &logs(&more));
        let items: Vec<_> = calls.iter().map(|call| call.items).collect();
        assert_eq!(items, [3, 1], "of {letter}");
        assert_eq!(messages(&aws, GROUP, STREAM), more);
    }
}

#[test]
fn a_request_spans_less_than_24_hours() {
    let now = now_ms();
    for (span, expected) in [(DAY - 1, vec![3]), (DAY, vec![2, 1])] {
        let aws = ready();
        let times = [now - span, now - 1, now];
        let calls = delivered(&aws, &at(times));
        let mut items: Vec<_> = calls.iter().map(|call| call.items).collect();
        // Requests whose times do not overlap are sent at the same time.
        items.sort_by_key(|count| std::cmp::Reverse(*count));
        assert_eq!(items, expected);
        let mut stored = messages(&aws, GROUP, STREAM);
        stored.sort();
        assert_eq!(stored, times.map(|time| time.to_string()));
    }
}

#[test]
fn events_of_thirteen_days_in_any_order_are_delivered() {
    let (aws, now) = (ready(), now_ms());
    let mut random = Random::from_environment();
    let span = usize::try_from(13 * DAY).expect("64 bits");
    let times: Vec<u64> = (0..500).map(|_| now - random.below(span) as u64).collect();
    let calls = delivered(&aws, &at(times.clone()));
    assert!(calls.iter().all(Call::succeeded), "{calls:#?}");
    let mut stored = messages(&aws, GROUP, STREAM);
    let mut expected: Vec<_> = times.iter().map(u64::to_string).collect();
    stored.sort_unstable();
    expected.sort_unstable();
    assert_eq!(stored, expected);
}

#[test]
fn a_backlog_of_ten_days_in_any_order_takes_eleven_requests() {
    let (aws, now) = (ready(), now_ms());
    let mut random = Random::from_environment();
    let span = usize::try_from(10 * DAY).expect("64 bits");
    let times: Vec<u64> = (0..5000).map(|_| now - random.below(span) as u64).collect();
    let calls = delivered(&aws, &at(times.clone()));
    assert!(calls.iter().all(Call::succeeded), "{calls:#?}");
    assert!(calls.len() <= 11, "{} requests", calls.len());
    let mut stored = messages(&aws, GROUP, STREAM);
    let mut expected: Vec<_> = times.iter().map(u64::to_string).collect();
    stored.sort_unstable();
    expected.sort_unstable();
    assert_eq!(stored, expected);
}

#[test]
fn interleaved_streams_take_one_request_each() {
    let aws = StandIn::start();
    let names: Vec<String> = (0..7).map(|n| format!("stream-{n}")).collect();
    names.iter().for_each(|name| aws.create_stream(GROUP, name));
    let output = Output::cloudwatch(&aws).with("log_stream_name", "$(log)");
    let interleaved = (0..1400).map(|n| &names[n % 7]);
    assert_ok(output.open().flush("a.tag", logs(interleaved)));
    assert_eq!(aws.count("PutLogEvents"), 7);
    for name in &names {
        assert_eq!(messages(&aws, GROUP, name).len(), 200);
    }
}

/// The service's limit of a request in bytes, and the bytes that it adds to each event.
const FULL: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;
const DAY: u64 = 24 * 3600 * 1000;
