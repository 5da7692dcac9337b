//! `log_key`: which part of a record is sent.

use cbindings::Level;
use support::chunk::{Chunk, Time, Value, map};
use support::host::telling;
use support::output::{GROUP, Output, STREAM, messages, now_ms, ready};

use super::assert_ok;

fn chunk(records: impl IntoIterator<Item = Value>) -> Chunk {
    let now = Time::millis(now_ms());
    records
        .into_iter()
        .fold(Chunk::new(), |chunk, record| chunk.v2(now, record))
}

fn selected(log_key: &str, records: Vec<Value>) -> Vec<String> {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).with("log_key", log_key).open();
    assert_ok(instance.flush("a.tag", chunk(records)));
    messages(&aws, GROUP, STREAM)
}

#[test]
fn text_is_sent_unchanged_and_other_values_as_json() {
    let values = [
        (Value::from("a \"quoted\"\n line"), "a \"quoted\"\n line"),
        (Value::Bin(b"binary".to_vec()), "binary"),
        (Value::from(-7), "-7"),
        (Value::UInt(u64::MAX), "18446744073709551615"),
        (Value::from(0.5), "0.5"),
        (Value::from(true), "true"),
        (Value::Nil, "null"),
        (map([("a", 1)]), r#"{"a":1}"#),
        (Value::from(vec!["x".into(), Value::Nil]), r#"["x",null]"#),
    ];
    let (values, expected): (Vec<_>, Vec<_>) = values.into_iter().unzip();
    let records = values.into_iter().map(|value| map([("log", value)]));
    assert_eq!(selected("log", records.collect()), expected);
}

#[test]
fn the_first_configured_key_of_a_record_is_sent() {
    let records = vec![
        map([("b", "b"), ("a", "a")]),
        map([("c", "c"), ("b", "b")]),
        map([("c", "c")]),
    ];
    assert_eq!(selected("a, b,c", records), ["a", "b", "c"]);
}

#[test]
fn the_last_of_equal_keys_is_sent() {
    let record = map([("log", "first"), ("x", "x"), ("log", "last")]);
    assert_eq!(selected("log", vec![record]), ["last"]);
}

#[test]
fn records_without_the_key_are_skipped_and_counted() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).with("log_key", "log").open();
    let records = [
        map([("log", "one")]),
        map([("other", "two")]),
        map([("Log", "three")]),
    ];
    assert_ok(instance.flush("a.tag", chunk(records)));
    assert_eq!(messages(&aws, GROUP, STREAM), ["one"]);
    let lines = instance.exit();
    let reported = telling(&lines, "2 records skipped");
    assert_eq!(reported.len(), 1, "{lines:#?}");
    assert_eq!(reported[0].level, Some(Level::Warn));
}

#[test]
fn empty_text_is_skipped() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).with("log_key", "log").open();
    let records = [
        map([("log", "")]),
        map([("log", "one")]),
        map([("log", "")]),
    ];
    assert_ok(instance.flush("a.tag", chunk(records)));
    assert_eq!(messages(&aws, GROUP, STREAM), ["one"]);
    assert_ok(instance.flush("a.tag", chunk([map([("log", "")])])));
    assert_eq!(
        aws.calls().len(),
        1,
        "an empty request is refused by the service"
    );
}
