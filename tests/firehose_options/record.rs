//! The options that shape a record's text and pack texts into Firehose records.

use serde_json::Value as Json;
use support::chunk::{Chunk, Random, Value, map};
use support::host::{Instance, Verdict};
use support::output::{DELIVERY_STREAM, Output, delivered, ready};

use super::{Case, flushed, texts, with};

pub(crate) const CASES: &[Case] = &[
    ("data_keys", only_listed_keys_stay),
    ("replace_dots", dots_of_keys_are_replaced_at_every_depth),
    ("log_key", the_value_alone_is_sent),
    (
        "simple_aggregation",
        records_are_joined_in_every_spelling_of_on,
    ),
    ("compression", each_firehose_record_is_compressed),
    ("oversize", a_record_too_large_is_split_or_cut),
];

fn one(record: Value) -> Chunk {
    Chunk::new().v2(1_700_000_000, record)
}

fn only_listed_keys_stay() {
    let chunk = one(map([
        ("log", Value::from("x")),
        ("n", 1.into()),
        ("o", 2.into()),
    ]));
    for (keys, expected) in [
        ("log, n", "{\"log\":\"x\",\"n\":1}\n"),
        (" o ,", "{\"o\":2}\n"),
        ("none", "{}\n"),
    ] {
        assert_eq!(texts(&[("data_keys", keys)], &chunk), [expected]);
    }
}

fn dots_of_keys_are_replaced_at_every_depth() {
    let inner = map([("c.d", Value::from("e.f"))]);
    let chunk = one(map([
        ("a.b", Value::Array(vec![inner])),
        ("a_b.", 1.into()),
    ]));
    for (text, expected) in [
        ("_", "{\"a_b\":[{\"c_d\":\"e.f\"}],\"a_b_\":1}\n"),
        ("..", "{\"a..b\":[{\"c..d\":\"e.f\"}],\"a_b..\":1}\n"),
    ] {
        assert_eq!(texts(&[("replace_dots", text)], &chunk), [expected]);
    }
    let selected = [("replace_dots", "_"), ("log_key", "a_b_")];
    assert_eq!(texts(&selected, &chunk), ["1\n"]);
}

fn the_value_alone_is_sent() {
    let chunk = one(map([
        ("log", Value::from("a \"b\"")),
        ("m", map([("k", "v")])),
    ]))
    .v2(1_700_000_000, map([("other", "x")]));
    assert_eq!(texts(&[("log_key", "log")], &chunk), ["a \"b\"\n"]);
    assert_eq!(texts(&[("log_key", "lo,m")], &chunk), ["{\"k\":\"v\"}\n"]);
    let aws = ready();
    let instance = Output::firehose(&aws).with("log_key", "log").open();
    assert_eq!(instance.flush("app.web", &chunk), Verdict::Ok);
    assert!(told(&instance, "1 records skipped"));
}

fn told(instance: &Instance, text: &str) -> bool {
    instance.lines().iter().any(|line| line.text.contains(text))
}

fn records_are_joined_in_every_spelling_of_on() {
    let chunk = ["a", "b", "c"].iter().fold(Chunk::new(), |chunk, text| {
        chunk.v2(1, map([("log", *text)]))
    });
    for (spelling, expected) in [
        ("true", 1),
        ("On", 1),
        ("YES", 1),
        ("1", 1),
        ("false", 3),
        ("off", 3),
        ("No", 3),
        ("0", 3),
    ] {
        let options = [("simple_aggregation", spelling), ("log_key", "log")];
        let texts = texts(&options, &chunk);
        assert_eq!(
            (texts.len(), texts.concat().as_str()),
            (expected, "a\nb\nc\n"),
            "{spelling}"
        );
    }
}

fn each_firehose_record_is_compressed() {
    let chunk = one(map([("log", "x".repeat(2_000_000))])).v2(1, map([("log", "y")]));
    for (compression, magic) in [
        ("gzip", &[0x1f, 0x8b][..]),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
        // The length of the text, as a varint.
        ("snappy", &[0x81, 0x89, 0x7a]),
        ("none", b"xxxx"),
    ] {
        let aws = flushed(&[("compression", compression), ("log_key", "log")], &chunk);
        let records = aws.records(DELIVERY_STREAM);
        assert!(
            records[0].starts_with(magic),
            "{compression}: {:x?}",
            &records[0][..8]
        );
        // Whole where it fits as it is sent, and in parts where it does not.
        assert_eq!(records.len(), if compression == "none" { 3 } else { 2 });
    }
}

fn a_record_too_large_is_split_or_cut() {
    let chunk = one(map([("log", "é".repeat(1_000_000))])).v2(1, map([("log", "y")]));
    let split = oversize("split", &chunk, "1 records sent in parts");
    assert_eq!(split.len(), 3);
    let mark = |number| format!("[Part {number}/2]\n");
    let whole = [1, 2].map(|number| {
        split[number - 1]
            .strip_suffix(&mark(number))
            .expect("a mark")
    });
    assert_eq!(whole.concat(), "é".repeat(1_000_000));
    let cut = oversize("truncate", &chunk, "1 records cut");
    assert!(cut[0].ends_with("é[Truncated...]\n") && cut[0].len() >= 1_023_999);
    assert_eq!((cut[1].as_str(), cut.len()), ("y\n", 2));
}

fn oversize(way: &str, chunk: &Chunk, line: &str) -> Vec<String> {
    let aws = ready();
    let output = Output::firehose(&aws)
        .with("oversize", way)
        .with("log_key", "log");
    let instance = output.open();
    assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
    assert!(told(&instance, line), "{:#?}", instance.lines());
    delivered(&aws)
}

/// Random bytes around the limits: what arrives is within them, or the stand-in would refuse it, and
/// adds up to what was sent.
#[test]
fn whatever_a_record_holds_all_of_it_arrives() {
    let mut random = Random::seeded(0x5eed_0004);
    for aggregation in ["on", "off"] {
        // Less than one request holds, as several travel side by side.
        let values: Vec<Vec<u8>> = [1_023_998, 10, 1_024_000, 1_023_999, 1_000_000]
            .map(|longest: usize| longest - random.below(3))
            .map(|len| bytes(&mut random, len))
            .into();
        let chunk = values.iter().fold(Chunk::new(), |chunk, value| {
            chunk.v2(1, map([("log", Value::Bin(value.clone()))]))
        });
        let options = [("simple_aggregation", aggregation), ("log_key", "log")];
        let aws = flushed(&options, &chunk);
        assert_eq!(aws.count("PutRecordBatch"), 1);
        let records = aws.records(DELIVERY_STREAM);
        assert!(records.iter().all(|record| record.ends_with(b"\n")));
        assert!(
            unmarked(&records.concat()) == values.concat(),
            "{aggregation}"
        );
    }
}

/// Random bytes without those that begin a mark and end a line.
fn bytes(random: &mut Random, len: usize) -> Vec<u8> {
    let plain = |byte: u8| {
        if byte == b'[' || byte == b'\n' {
            0xff
        } else {
            byte
        }
    };
    (0..len)
        .map(|_| plain(random.any().to_le_bytes()[0]))
        .collect()
}

fn unmarked(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n');
    let unmarked = lines.filter_map(|line| line.split(|byte| *byte == b'[').next());
    unmarked.flatten().copied().collect()
}

#[test]
fn values_keep_their_types_under_every_option() {
    let record = map([
        ("a.b", Value::from(1.5)),
        ("t", Value::from(true)),
        ("n", Value::Nil),
    ]);
    let options = [
        ("replace_dots", "-"),
        ("data_keys", "a.b,t,n"),
        ("simple_aggregation", "yes"),
    ];
    let texts = texts(&options, &one(record));
    let json: Json = serde_json::from_str(&texts[0]).expect("JSON");
    assert_eq!(json, serde_json::json!({"a-b": 1.5, "t": true, "n": null}));
}

#[test]
fn every_bad_value_is_told() {
    let bad = [
        ("simple_aggregation", "maybe", "true, on, yes, 1"),
        ("compression", "arrow", "none, gzip, snappy, zstd"),
        ("oversize", "drop", "split, truncate"),
        ("data_keys", ",", "it names no key"),
        (
            "delivery_stream",
            "$(log)",
            "`default_delivery_stream` must say",
        ),
    ];
    let aws = ready();
    let options: Vec<_> = bad.iter().map(|(key, value, _)| (*key, *value)).collect();
    let lines = with(Output::firehose(&aws), &options).refused();
    for (key, _, told) in bad {
        let named = |line: &str| line.contains(&format!("`{key}`")) && line.contains(told);
        assert!(
            lines.iter().any(|line| named(&line.text)),
            "{key}: {lines:#?}"
        );
    }
    assert_eq!(lines.len(), bad.len(), "{lines:#?}");
}
