//! Records of every form, compared with a second, simple implementation (the oracle).

use support::chunk::{Chunk, Random, Time, Value, map};
use support::host::{telling, warnings};
use support::oracle;
use support::output::{GROUP, Output, STREAM, logs, messages, now_ms, ready};

use super::assert_ok;

#[test]
fn every_form_of_time_is_the_time_of_its_event() {
    let aws = ready();
    let seconds = i64::try_from(now_ms() / 1000).expect("64 bits") - 60;
    let short = u32::try_from(seconds).expect("before 2106");
    let nanoseconds = 123_456_789;
    let times = [
        (Time::Seconds(seconds), 0),
        (Time::Float(f64::from(short) + 1.5), 1500),
        (
            Time::Event {
                seconds: short + 2,
                nanoseconds,
            },
            2123,
        ),
        (
            Time::EventLong {
                seconds: short + 3,
                nanoseconds,
            },
            3123,
        ),
    ];
    let chunk = times.iter().fold(Chunk::new(), |chunk, (time, _)| {
        let body = map([("log", format!("{time:?}"))]);
        chunk
            .v1(*time, body.clone())
            .v2_with(*time, map([("meta", 1)]), body)
    });
    assert_ok(Output::cloudwatch(&aws).open().flush("a.tag", &chunk));
    let stored = aws
        .events(GROUP, STREAM)
        .into_iter()
        .map(|event| event.timestamp);
    let expected = times.iter().flat_map(|(_, ms)| [seconds * 1000 + ms; 2]);
    assert_eq!(stored.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn group_markers_are_not_sent_as_events() {
    let aws = ready();
    let now = Time::millis(now_ms());
    let chunk = Chunk::new()
        .group_start(0, 0, map([("resource", 1)]))
        .v2(now, map([("log", "one")]))
        .group_end()
        .v2(-1_i64, map([("log", "a marker as an integer")]))
        .v1(-2_i64, map([("log", "another")]))
        .v2(now, map([("log", "two")]));
    let instance = Output::cloudwatch(&aws).open();
    assert_ok(instance.flush("a.tag", chunk));
    assert_eq!(
        messages(&aws, GROUP, STREAM),
        [r#"{"log":"one"}"#, r#"{"log":"two"}"#]
    );
    // As events the service would refuse them for their times, with a warning.
    assert!(warnings(&instance.exit()).is_empty());
}

#[test]
fn values_that_are_not_records_are_skipped_and_counted() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).open();
    let chunk = logs(["one"])
        .record(Value::from("no record"))
        .record(Value::from(vec![Value::Nil, Value::Nil]))
        .raw(logs(["two"]).bytes());
    assert_ok(instance.flush("a.tag", chunk));
    assert_eq!(
        messages(&aws, GROUP, STREAM),
        [r#"{"log":"one"}"#, r#"{"log":"two"}"#]
    );
    assert_eq!(telling(&instance.exit(), "dropped 2 values").len(), 1);
}

#[test]
fn special_values_have_a_defined_text() {
    let odd = [
        (
            Value::Str(b"a\xffb\xed\xa0\x80".to_vec()),
            "\"a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\"",
        ),
        (
            Value::from("\0\u{1}\u{7f}\u{2028}"),
            "\"\\u0000\\u0001\u{7f}\u{2028}\"",
        ),
        (Value::F64(f64::NAN), "null"),
        (Value::F64(f64::NEG_INFINITY), "null"),
        (Value::F32(0.1), "0.1"),
        (Value::Ext(7, vec![1, 2]), r#"{"ext":7,"data":"AQI="}"#),
        (Value::Int(i64::MIN), "-9223372036854775808"),
    ];
    let aws = ready();
    let now = Time::millis(now_ms());
    let chunk = odd.iter().fold(Chunk::new(), |chunk, (value, _)| {
        chunk.v2(now, map([("k", value.clone())]))
    });
    assert_ok(Output::cloudwatch(&aws).open().flush("a.tag", &chunk));
    let expected: Vec<_> = odd
        .iter()
        .map(|(_, text)| format!(r#"{{"k":{text}}}"#))
        .collect();
    assert_eq!(messages(&aws, GROUP, STREAM), expected);
}

#[test]
fn keys_become_text_and_the_last_of_equal_keys_stays() {
    let entries = vec![
        (Value::from(7), Value::from("number")),
        (Value::Nil, Value::from("nil")),
        (Value::from(vec![true.into()]), Value::from("array")),
        (Value::from("7"), Value::from("text")),
        (Value::from("a"), Value::from(1)),
        (Value::Bin(b"a".to_vec()), Value::from(2)),
    ];
    let aws = ready();
    let chunk = Chunk::new().v2(Time::millis(now_ms()), Value::Map(entries));
    assert_ok(Output::cloudwatch(&aws).open().flush("a.tag", &chunk));
    let expected = r#"{"null":"nil","[true]":"array","7":"text","a":2}"#;
    assert_eq!(messages(&aws, GROUP, STREAM), [expected]);
}

#[test]
fn nesting_beyond_the_limit_is_replaced_and_reported() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).open();
    let record = map([("log", Value::from("x")), ("deep", Value::Nil)]);
    let chunk = Chunk::new().v2(Time::millis(now_ms()), record).torn(1);
    let deep = [vec![ARRAY_OF_ONE; 100_000], vec![NIL]].concat();
    assert_ok(instance.flush("a.tag", chunk.raw(&deep)));
    let stored = messages(&aws, GROUP, STREAM);
    let record: serde_json::Value = serde_json::from_str(&stored[0]).expect("JSON");
    assert_eq!(record["log"], "x");
    assert!(stored[0].contains("[nested too deeply]"));
    assert_eq!(telling(&instance.exit(), "nested too deeply").len(), 1);
}

#[test]
fn random_records_are_stored_as_the_oracle_says() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).open();
    let mut random = Random::from_environment();
    for _ in 0..100 {
        aws.forget();
        let records: Vec<_> = (0..=random.below(20))
            .map(|_| (recent(&mut random), random.map(4)))
            .collect();
        let chunk = records.iter().fold(Chunk::new(), |chunk, (time, body)| {
            if random.once_in(2) {
                chunk.v1(Time::millis(*time), body.clone())
            } else {
                chunk.v2_with(Time::millis(*time), random.map(2), body.clone())
            }
        });
        assert_ok(instance.flush("a.tag", &chunk));
        let mut sorted = records;
        sorted.sort_by_key(|(time, _)| *time);
        let expected: Vec<_> = sorted.iter().map(|(_, body)| oracle::json(body)).collect();
        assert_eq!(messages(&aws, GROUP, STREAM), expected);
        let stored = aws.events(GROUP, STREAM).into_iter();
        let times: Vec<_> = stored
            .map(|event| event.timestamp.cast_unsigned())
            .collect();
        assert_eq!(
            times,
            sorted.iter().map(|(time, _)| *time).collect::<Vec<_>>()
        );
    }
}

/// A time within the last second, so that some times are equal.
fn recent(random: &mut Random) -> u64 {
    now_ms() - random.below(1000) as u64
}

#[test]
fn selected_values_of_random_records_are_stored_as_the_oracle_says() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).with("log_key", "log").open();
    let mut random = Random::from_environment();
    for _ in 0..50 {
        aws.forget();
        let values: Vec<_> = (0..20).map(|_| random.value(3)).collect();
        let now = Time::millis(now_ms());
        let chunk = values.iter().fold(Chunk::new(), |chunk, value| {
            chunk.v2(now, map([("log", value.clone())]))
        });
        assert_ok(instance.flush("a.tag", &chunk));
        let text = |value: &Value| match value {
            Value::Str(text) | Value::Bin(text) => String::from_utf8_lossy(text).into_owned(),
            other => oracle::json(other),
        };
        let expected: Vec<_> = values
            .iter()
            .map(text)
            .filter(|text| !text.is_empty())
            .collect();
        assert_eq!(messages(&aws, GROUP, STREAM), expected);
    }
}

/// MessagePack bytes, for deeper nesting than a [`Value`] supports.
const ARRAY_OF_ONE: u8 = 0x91;
const NIL: u8 = 0xc0;
