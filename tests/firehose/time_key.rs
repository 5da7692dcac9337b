//! `time_key`: adds the record's time as a member.

use support::alone::alone;
use support::chunk::{Chunk, Time, Value, map};
use support::output::{Output, delivered, ready};

use super::assert_ok;

/// 2023-11-14T22:13:20Z and some nanoseconds.
const TIME: Time = Time::Event {
    seconds: 1_700_000_000,
    nanoseconds: 123_456_789,
};

/// The delivered record with these options.
fn record(body: Value, options: &[(&str, &str)]) -> String {
    let aws = ready();
    let output = Output::firehose(&aws).with("time_key_zone", "utc");
    let output = options
        .iter()
        .fold(output, |output, (key, value)| output.with(key, value));
    assert_ok(output.open().flush("a.tag", Chunk::new().v2(TIME, body)));
    let mut records = delivered(&aws);
    assert_eq!(records.len(), 1);
    records.remove(0).trim_end().to_owned()
}

#[test]
fn the_time_is_the_last_member_and_replaces_a_member_of_its_key() {
    let options = [("time_key", "time")];
    let expected = r#"{"log":"x","time":"2023-11-14T22:13:20"}"#;
    assert_eq!(record(map([("log", "x")]), &options), expected);
    assert_eq!(
        record(map([("time", "old"), ("log", "x")]), &options),
        expected
    );
    let empty = record(Value::Map(vec![]), &options);
    assert_eq!(empty, r#"{"time":"2023-11-14T22:13:20"}"#);
}

#[test]
fn every_precision_has_a_specifier() {
    for (format, expected) in [
        ("%Y-%m-%d %H:%M:%S", "2023-11-14 22:13:20"),
        ("%S.%L", "20.123"),
        ("%S.%3N", "20.123"),
        ("%S.%f", "20.123456"),
        ("%S.%6N", "20.123456"),
        ("%S.%9N", "20.123456789"),
        ("%s", "1700000000"),
        ("%d/%b/%Y:%T %z", "14/Nov/2023:22:13:20 +0000"),
        ("100%%", "100%"),
    ] {
        let options = [("time_key", "t"), ("time_key_format", format)];
        let expected = format!(r#"{{"log":"x","t":"{expected}"}}"#);
        assert_eq!(record(map([("log", "x")]), &options), expected, "{format}");
    }
}

#[test]
fn each_record_has_its_own_time() {
    let aws = ready();
    let output = Output::firehose(&aws)
        .with("time_key", "t")
        .with("time_key_zone", "utc");
    let instance = output.with("time_key_format", "%S.%L").open();
    let chunk = (0..3).fold(Chunk::new(), |chunk, n| {
        chunk.v2(
            Time::millis(1_700_000_000_000 + n * 1001),
            map([("n", n.cast_signed())]),
        )
    });
    assert_ok(instance.flush("a.tag", chunk));
    let expected = [
        "{\"n\":0,\"t\":\"20.000\"}\n",
        "{\"n\":1,\"t\":\"21.001\"}\n",
        "{\"n\":2,\"t\":\"22.002\"}\n",
    ];
    assert_eq!(delivered(&aws), expected);
}

#[test]
fn log_key_may_select_the_time_or_leave_it_out() {
    let body = || map([("log", "x"), ("time", "old")]);
    let both = |log_key| record(body(), &[("time_key", "time"), ("log_key", log_key)]);
    assert_eq!(both("time"), "2023-11-14T22:13:20");
    assert_eq!(both("log"), "x");
    assert_eq!(both("missing,time,log"), "2023-11-14T22:13:20");
}

/// The time zone is that of the process.
#[test]
fn the_local_zone_is_that_of_the_environment() {
    let test = "time_key::the_local_zone_is_that_of_the_environment";
    if !alone(test, &[("TZ", Some("JST-9"))]) {
        return;
    }
    let at = |zone| {
        let format = ("time_key_format", "%H:%M %z");
        record(
            Value::Map(vec![]),
            &[("time_key", "t"), format, ("time_key_zone", zone)],
        )
    };
    assert_eq!(at("local"), r#"{"t":"07:13 +0900"}"#);
    assert_eq!(at("utc"), r#"{"t":"22:13 +0000"}"#);
}
