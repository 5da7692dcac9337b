//! Each limit of PutLogEvents at its border, from both sides.

use serde_json::json;

use super::client::Client;
use super::{batch, now_ms, put, put_one, ready};

const REFUSED: (u16, &str) = (400, "InvalidParameterException");

fn accepts(events: &[(i64, &str)]) -> bool {
    let aws = ready();
    let reply = put(&aws, events);
    let stored = aws.events("/ecs/web", "web").len();
    if reply.is_ok() {
        assert_eq!(stored, events.len());
        return true;
    }
    assert_eq!(reply.outcome(), (REFUSED.0, REFUSED.1.to_owned()));
    assert_eq!(stored, 0, "a refused batch must leave nothing behind");
    false
}

#[test]
fn a_batch_holds_one_to_ten_thousand_events() {
    let events = vec![(now_ms(), "x"); 10_001];
    assert!(!accepts(&[]));
    assert!(accepts(&events[..1]));
    assert!(accepts(&events[..10_000]));
    assert!(!accepts(&events));
}

#[test]
fn a_batch_holds_a_mebibyte_with_twenty_six_bytes_an_event() {
    let (now, half) = (now_ms(), "x".repeat(1_048_576 / 2 - 26));
    assert!(accepts(&[(now, &half), (now, &half)]));
    let longer = format!("{half}x");
    assert!(!accepts(&[(now, &half), (now, &longer)]));
}

#[test]
fn bytes_are_counted_in_utf_8_and_not_in_characters() {
    let (now, third) = (now_ms(), "\u{20ac}".repeat((1_048_576 - 26) / 3));
    assert_eq!(third.len(), 1_048_548);
    assert!(accepts(&[(now, &format!("{third}xx"))]));
    assert!(!accepts(&[(now, &format!("{third}xxx"))]));
}

#[test]
fn an_event_holds_at_least_one_byte() {
    let now = now_ms();
    assert!(!accepts(&[(now, "x"), (now, "")]));
}

#[test]
fn events_come_in_order_and_may_share_a_time() {
    let now = now_ms();
    assert!(accepts(&[(now, "a"), (now, "b"), (now + 1, "c")]));
    assert!(!accepts(&[(now + 1, "a"), (now, "b")]));
}

#[test]
fn a_batch_spans_less_than_a_day() {
    let now = now_ms();
    assert!(accepts(&[(now - 86_399_999, "a"), (now, "b")]));
    assert!(!accepts(&[(now - 86_400_000, "a"), (now, "b")]));
}

#[test]
fn a_time_before_1970_is_refused() {
    assert!(!accepts(&[(-1, "x")]));
}

#[test]
fn events_out_of_time_are_refused_one_by_one_and_the_others_stored() {
    let (aws, now, hour) = (ready(), now_ms(), 3_600_000);
    let reply = put(
        &aws,
        &[(now, "now"), (now + hour, "soon"), (now + 3 * hour, "late")],
    );
    assert_eq!(
        reply.json()["rejectedLogEventsInfo"],
        json!({"tooNewLogEventStartIndex": 2})
    );
    let old = now - 14 * 24 * hour;
    let reply = put(
        &aws,
        &[
            (old - hour, "first"),
            (old - 1, "second"),
            (old + hour, "third"),
        ],
    );
    assert_eq!(
        reply.json()["rejectedLogEventsInfo"],
        json!({"tooOldLogEventEndIndex": 2})
    );
    let kept: Vec<_> = aws
        .events("/ecs/web", "web")
        .into_iter()
        .map(|event| event.message)
        .collect();
    assert_eq!(kept, ["now", "soon", "third"]);
}

#[test]
fn events_beyond_the_retention_of_their_group_are_expired() {
    let (aws, now) = (ready(), now_ms());
    aws.set_retention("/ecs/web", Some(1));
    let reply = put(&aws, &[(now - 86_401_000 + 3_000, "kept")]);
    assert!(reply.json()["rejectedLogEventsInfo"].is_null());
    let reply = put(
        &aws,
        &[(now - 86_401_000, "gone"), (now - 5_000_000, "kept")],
    );
    assert_eq!(
        reply.json()["rejectedLogEventsInfo"],
        json!({"expiredLogEventEndIndex": 1})
    );
    assert_eq!(aws.events("/ecs/web", "web").len(), 2);
}

#[test]
fn a_missing_group_and_a_missing_stream_are_told_apart() {
    let aws = ready();
    aws.delete_stream("/ecs/web", "web");
    let reply = put_one(&aws);
    assert_eq!(
        reply.outcome(),
        (400, "ResourceNotFoundException".to_owned())
    );
    assert_eq!(
        reply.json()["message"],
        "The specified log stream does not exist."
    );
    aws.delete_group("/ecs/web");
    let reply = put_one(&aws);
    assert_eq!(
        reply.json()["message"],
        "The specified log group does not exist."
    );
}

#[test]
fn a_body_that_cannot_be_read_is_a_serialization_exception() {
    let aws = ready();
    let whole = batch(&[(now_ms(), "x")]).to_string();
    let twice = whole.replacen('{', r#"{"logGroupName":"other","#, 1);
    let wrong_type = whole.replace(r#""x""#, "7");
    let surrogate = whole.replace(r#""x""#, r#""\ud800""#);
    let not_utf8: Vec<u8> = whole
        .replace('x', "\u{1}")
        .bytes()
        .map(|b| if b == 1 { 0xff } else { b })
        .collect();
    let bodies = [
        &whole.as_bytes()[1..],
        twice.as_bytes(),
        wrong_type.as_bytes(),
        surrogate.as_bytes(),
        &not_utf8,
    ];
    for body in bodies {
        let reply = Client::of(&aws)
            .json("Logs_20140328.PutLogEvents", "logs", body)
            .unwrap();
        assert_eq!(
            reply.outcome(),
            (400, "SerializationException".to_owned()),
            "{}",
            String::from_utf8_lossy(body)
        );
    }
    assert!(aws.events("/ecs/web", "web").is_empty());
}

#[test]
fn the_entity_and_the_logs_format_are_recorded() {
    let aws = ready();
    let mut body = batch(&[(now_ms(), "{}")]);
    body["entity"] = json!({"keyAttributes": {"Type": "Service", "Name": "web"}});
    let target = "Logs_20140328.PutLogEvents";
    let headers = "x-amzn-logs-format: json/emf\r\n";
    let signed = super::client::authorization("logs");
    Client::of(&aws)
        .json_with(target, &signed, headers, body.to_string().as_bytes())
        .unwrap();
    let call = &aws.calls()[0];
    assert_eq!(call.header("x-amzn-logs-format"), Some("json/emf"));
    assert_eq!(
        call.entity.as_ref().unwrap()["keyAttributes"]["Name"],
        "web"
    );
    assert_eq!((call.items, call.bytes), (1, 28));
}
