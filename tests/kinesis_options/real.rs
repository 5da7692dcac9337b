//! The configurations under `conf`, run unchanged by the Fluent Bit that `FLUENT_BIT` names.

use std::env;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::aws::{Account, KinesisRecord, StandIn};
use support::host::built;
use support::kpl::user_records;

/// A Fluent Bit that runs until the test is done with it.
struct FluentBit(Child);

impl Drop for FluentBit {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The partition key and the texts of a record.
type Reader = fn(&KinesisRecord) -> Vec<(String, String)>;

/// Runs a configuration until each stream has the texts of four records.
fn run(configuration: &str, streams: [(&str, Reader); 2]) -> (StandIn, [Vec<(String, String)>; 2]) {
    let program = env::var_os("FLUENT_BIT").expect("FLUENT_BIT names a program");
    let aws = StandIn::builder().auto_create().start().expect("a port");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinesis_options/conf");
    let child = Command::new(program)
        .arg("-e")
        .arg(built("kinesis"))
        .arg("-c")
        .arg(directory.join(configuration))
        .env("ENDPOINT", aws.url())
        .env("TZ", "UTC0")
        .stdout(Stdio::null())
        .spawn()
        .expect("Fluent Bit starts");
    let _fluent_bit = FluentBit(child);
    let all = |account: &Account| {
        streams.map(|(name, read)| {
            let records = account.kinesis_records(name).iter();
            records.flat_map(read).collect::<Vec<_>>()
        })
    };
    let arrived = aws.wait_for(
        |account| all(account).iter().all(|texts| texts.len() == 4),
        Duration::from_secs(30),
    );
    let found = aws.look(all);
    assert!(arrived, "{found:?}");
    (aws, found)
}

fn plain(record: &KinesisRecord) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(&record.data).into_owned();
    vec![(record.partition_key.clone(), text)]
}

fn zstd(record: &KinesisRecord) -> Vec<(String, String)> {
    let data = zstd::stream::decode_all(&record.data[..]).expect("zstd");
    let text = String::from_utf8(data).expect("text");
    vec![(record.partition_key.clone(), text)]
}

/// Lines that are compressed together.
fn lines(record: &KinesisRecord) -> Vec<(String, String)> {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&record.data[..]);
    decoder.read_to_string(&mut text).expect("gzip");
    let lines = text.lines().map(str::to_owned);
    lines
        .map(|line| (record.partition_key.clone(), line))
        .collect()
}

/// User records that are each compressed.
fn aggregated(record: &KinesisRecord) -> Vec<(String, String)> {
    let records = user_records(&record.data)
        .expect("an aggregate")
        .into_iter();
    let read = |(key, data): (String, Vec<u8>)| {
        let mut text = String::new();
        let mut decoder = flate2::read::ZlibDecoder::new(&data[..]);
        decoder.read_to_string(&mut text).expect("zlib");
        (key, text)
    };
    records.map(read).collect()
}

/// Whether a text has digits where the pattern has nines, and else its very characters.
fn is_like(text: &str, pattern: &str) -> bool {
    let is_like = |(byte, like): (u8, u8)| byte == like || like == b'9' && byte.is_ascii_digit();
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(is_like)
}

#[test]
#[ignore = "needs a real Fluent Bit"]
fn a_configuration_for_the_go_plugin_runs_unchanged() {
    let streams = [
        ("go-style", plain as Reader),
        ("go-style-aggregated", aggregated),
    ];
    let (aws, [whole, values]) = run("go-style.conf", streams);
    let value = ("c-1".to_owned(), "line\n".to_owned());
    assert_eq!(values, vec![value; 4]);
    for (key, text) in whole {
        assert!(key == "web-1" && text.ends_with('\n'), "{key}: {text}");
        let mut json: Value = serde_json::from_str(&text).expect("JSON");
        let time = json["@timestamp"].take();
        let time = time.as_str().unwrap_or_default();
        assert!(is_like(&time[6..], "/9999:99:99:99.999999 +0000"), "{time}");
        let expected =
            json!({"log": "line", "kubernetes": {"pod_name": "web-1"}, "@timestamp": null});
        assert_eq!(json, expected);
    }
    let roles = aws.assumed_roles();
    assert_eq!(roles[0].role_arn, "arn:aws:iam::123456789012:role/writer");
}

#[test]
#[ignore = "needs a real Fluent Bit"]
fn a_configuration_for_the_c_plugin_runs_with_the_name_alone_changed() {
    let streams = [("c-style", lines as Reader), ("c-style-key", zstd)];
    let (aws, [whole, values]) = run("c-style.conf", streams);
    let keys: std::collections::HashSet<_> = values.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 4);
    assert!(values.iter().all(|(_, text)| text == "line"));
    for (_, text) in whole {
        let mut json: Value = serde_json::from_str(&text).expect("JSON");
        let time = json["time"].take();
        let time = time.as_str().unwrap_or_default();
        assert!(is_like(time, "9999-99-99T99:99:99.999 999999999"), "{time}");
        assert_eq!(json, json!({"log": "line", "n": 7, "time": null}));
    }
    assert_eq!(aws.assumed_roles()[0].external_id.as_deref(), Some("shop"));
}
