//! The options that shape a record's text and pack texts into Kinesis records.

use std::io::Read;

use support::aws::KinesisRecord;
use support::chunk::{Chunk, Value, map};
use support::host::{Instance, Verdict, telling};
use support::kpl::user_records;
use support::output::{KINESIS_STREAM, Output, logs, ready};

use super::{Case, records, texts, with};

pub(crate) const CASES: &[Case] = &[
    (
        "append_newline",
        a_text_ends_in_a_newline_if_it_is_asked_for,
    ),
    ("data_keys", only_listed_keys_stay),
    ("replace_dots", dots_of_keys_are_replaced),
    ("log_key", the_value_alone_is_sent),
    (
        "aggregation",
        records_share_a_kinesis_record_in_the_kpl_format,
    ),
    ("simple_aggregation", records_are_joined_by_newlines),
    ("compression", each_record_is_compressed),
    (
        "max_record_bytes",
        a_larger_record_is_whole_where_the_stream_takes_it,
    ),
    ("oversize", a_record_too_large_is_split_or_cut),
];

fn one(record: Value) -> Chunk {
    Chunk::new().v2(1_700_000_000, record)
}

fn a_text_ends_in_a_newline_if_it_is_asked_for() {
    for (value, expected) in [("false", "x"), ("True", "x\n")] {
        let options = [("append_newline", value), ("log_key", "log")];
        assert_eq!(records(&options, &logs(["x"]))[0].data, expected.as_bytes());
    }
}

fn only_listed_keys_stay() {
    let chunk = one(map([
        ("log", Value::from("x")),
        ("n", 1.into()),
        ("o", 2.into()),
    ]));
    for (keys, expected) in [("log, n", "{\"log\":\"x\",\"n\":1}\n"), ("none", "{}\n")] {
        assert_eq!(texts(&[("data_keys", keys)], &chunk), [expected]);
    }
}

fn dots_of_keys_are_replaced() {
    let chunk = one(map([
        ("a.b", map([("c.d", "e.f")])),
        ("g.", map([("", 1)])),
    ]));
    let expected = "{\"a_b\":{\"c_d\":\"e.f\"},\"g_\":{\"\":1}}\n";
    assert_eq!(texts(&[("replace_dots", "_")], &chunk), [expected]);
    let selected = [("replace_dots", "_"), ("log_key", "a_b")];
    assert_eq!(texts(&selected, &chunk), ["{\"c_d\":\"e.f\"}\n"]);
}

fn the_value_alone_is_sent() {
    let chunk = one(map([("log", "a \"b\"")])).v2(1, map([("other", "x")]));
    assert_eq!(texts(&[("log_key", "log")], &chunk), ["a \"b\"\n"]);
    let aws = ready();
    let instance = Output::kinesis(&aws).with("log_key", "log").open();
    assert_eq!(instance.flush("app.web", &chunk), Verdict::Ok);
    assert_eq!(telling(&instance.exit(), "1 records skipped").len(), 1);
}

/// Records of two keys, and some of none.
fn keyed() -> Chunk {
    (0..9).fold(Chunk::new(), |chunk, n: i64| {
        let owner = ["a", "b"].get(n as usize % 3).copied();
        let text = ("log", Value::from(n.to_string()));
        let members = owner.map(|owner| ("id", Value::from(owner)));
        chunk.v2(1, map(members.into_iter().chain([text])))
    })
}

/// The records of each key, joined by commas; `-` for random keys.
fn by_key(
    records: &[KinesisRecord],
    read: impl Fn(&KinesisRecord) -> String,
) -> Vec<(String, String)> {
    let key = |record: &KinesisRecord| match record.partition_key.len() {
        1 => record.partition_key.clone(),
        _ => "-".to_owned(),
    };
    records
        .iter()
        .map(|record| (key(record), read(record)))
        .collect()
}

fn records_share_a_kinesis_record_in_the_kpl_format() {
    let options = [
        ("aggregation", "true"),
        ("partition_key", "id"),
        ("log_key", "log"),
    ];
    let found = by_key(&records(&options, &keyed()), |record| {
        let found = user_records(&record.data).expect("an aggregate");
        assert!(found.iter().all(|(key, _)| *key == record.partition_key));
        let texts = found.into_iter().map(|(_, text)| String::from_utf8(text));
        texts
            .map(|text| text.expect("text"))
            .collect::<Vec<_>>()
            .join(",")
    });
    let expected = [("a", "0,3,6"), ("b", "1,4,7"), ("-", "2,5,8")];
    assert_eq!(
        found,
        expected.map(|(key, texts)| (key.to_owned(), texts.to_owned()))
    );
}

fn records_are_joined_by_newlines() {
    for (newline, end) in [("off", ""), ("on", "\n")] {
        let options = [
            ("simple_aggregation", "Yes"),
            ("append_newline", newline),
            ("partition_key", "id"),
            ("log_key", "log"),
        ];
        let text = |record: &KinesisRecord| String::from_utf8_lossy(&record.data).into_owned();
        let found = by_key(&records(&options, &keyed()), text);
        let expected = [("a", "0\n3\n6"), ("b", "1\n4\n7"), ("-", "2\n5\n8")];
        let expected = expected.map(|(key, texts)| (key.to_owned(), texts.to_owned() + end));
        assert_eq!(found, expected);
    }
}

fn plain(compression: &str, data: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match compression {
        "zlib" => {
            _ = flate2::read::ZlibDecoder::new(data)
                .read_to_end(&mut text)
                .expect("zlib")
        }
        "gzip" => {
            _ = flate2::read::GzDecoder::new(data)
                .read_to_end(&mut text)
                .expect("gzip")
        }
        "snappy" => {
            text = snap::raw::Decoder::new()
                .decompress_vec(data)
                .expect("snappy")
        }
        "zstd" => text = zstd::stream::decode_all(data).expect("zstd"),
        _ => text = data.to_vec(),
    }
    text
}

/// Each user record of an aggregate is compressed, as the Go plugin does; lines are compressed together,
/// as the C plugin does.
fn each_record_is_compressed() {
    for compression in ["none", "zlib", "gzip", "snappy", "zstd", "ZLIB", "Gzip"] {
        let kind = compression.to_ascii_lowercase();
        let found = |option| {
            let options = [
                ("compression", compression),
                ("log_key", "log"),
                (option, "on"),
            ];
            records(&options, &logs(["one", "two"]))
        };
        let alone = found("append_newline");
        let alone: Vec<_> = alone
            .iter()
            .map(|record| plain(&kind, &record.data))
            .collect();
        assert_eq!(alone, [b"one\n", b"two\n"], "{compression}");
        let lines = found("simple_aggregation");
        assert_eq!(plain(&kind, &lines[0].data), b"one\ntwo", "{compression}");
        let aggregate = user_records(&found("aggregation")[0].data).expect("an aggregate");
        let texts = aggregate.into_iter().map(|(_, data)| plain(&kind, &data));
        assert_eq!(texts.collect::<Vec<_>>(), [b"one", b"two"], "{compression}");
    }
}

fn a_larger_record_is_whole_where_the_stream_takes_it() {
    let aws = ready();
    aws.create_kinesis_stream_for(KINESIS_STREAM, 3_000_000);
    let text = "x".repeat(2_999_992);
    let chunk = logs([&text, "y"]);
    let options = [("max_record_bytes", "3000000"), ("log_key", "log")];
    let instance = with(Output::kinesis(&aws), &options).open();
    assert_eq!(instance.flush("app.web", &chunk), Verdict::Ok);
    let records = aws.kinesis_records(KINESIS_STREAM);
    assert!(records.len() == 2 && records[0].data == text.as_bytes());
}

fn a_record_too_large_is_split_or_cut() {
    let chunk = one(map([("log", "é".repeat(1_000_000))])).v2(1, map([("log", "y")]));
    let split = oversize("split", &chunk, "1 records sent in parts");
    assert_eq!(split.len(), 3);
    let mark = |number| format!("[Part {number}/2]");
    let whole = [1, 2].map(|number| {
        let part = split[number - 1].strip_suffix(&mark(number));
        part.expect("a mark")
    });
    assert_eq!(whole.concat(), "é".repeat(1_000_000));
    let cut = oversize("truncate", &chunk, "1 records cut");
    assert!(cut[0].ends_with("é[Truncated...]") && cut[0].len() >= 1_048_560);
    assert_eq!((cut[1].as_str(), cut.len()), ("y", 2));
}

fn oversize(way: &str, chunk: &Chunk, line: &str) -> Vec<String> {
    let aws = ready();
    let options = [("oversize", way), ("log_key", "log")];
    let instance: Instance = with(Output::kinesis(&aws), &options).open();
    assert_eq!(instance.flush("app.web", chunk), Verdict::Ok);
    assert_eq!(telling(&instance.exit(), line).len(), 1);
    let records = aws.kinesis_records(KINESIS_STREAM).into_iter();
    records
        .map(|record| String::from_utf8(record.data).expect("text"))
        .collect()
}
