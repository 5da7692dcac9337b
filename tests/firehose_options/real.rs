//! The configurations under `conf`, run unchanged by the Fluent Bit that `FLUENT_BIT` names.

use std::env;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::aws::StandIn;
use support::host::built;

/// A Fluent Bit that runs until the test is done with it.
struct FluentBit(Child);

impl Drop for FluentBit {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a configuration until each delivery stream has the texts of four records.
fn run(configuration: &str, streams: [(&str, Reader); 2]) -> (StandIn, [Vec<String>; 2]) {
    let program = env::var_os("FLUENT_BIT").expect("FLUENT_BIT names a program");
    let aws = StandIn::builder().auto_create().start().expect("a port");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/firehose_options/conf");
    let child = Command::new(program)
        .arg("-e")
        .arg(built("firehose"))
        .arg("-c")
        .arg(directory.join(configuration))
        .env("ENDPOINT", aws.url())
        .env("TZ", "UTC0")
        .stdout(Stdio::null())
        .spawn()
        .expect("Fluent Bit starts");
    let _fluent_bit = FluentBit(child);
    let texts = |records: &[Vec<u8>], read: Reader| -> Vec<String> {
        let text = records.iter().map(|data| read(data)).collect::<String>();
        text.lines().map(str::to_owned).collect()
    };
    let all = |account: &support::aws::Account| {
        streams.map(|(name, read)| texts(account.records(name), read))
    };
    let arrived = aws.wait_for(
        |account| all(account).iter().all(|texts| texts.len() == 4),
        Duration::from_secs(30),
    );
    let found = aws.look(all);
    assert!(arrived, "{found:?}");
    (aws, found)
}

/// Reads a Firehose record's text.
type Reader = fn(&[u8]) -> String;

fn plain(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

fn gzip(data: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(data);
    decoder.read_to_string(&mut text).expect("gzip");
    text
}

fn zstd(data: &[u8]) -> String {
    plain(&zstd::stream::decode_all(data).expect("zstd"))
}

/// Whether a text has digits where the pattern has nines, and else its very characters.
fn is_like(text: &str, pattern: &str) -> bool {
    let is_like = |(byte, like): (u8, u8)| byte == like || like == b'9' && byte.is_ascii_digit();
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(is_like)
}

#[test]
#[ignore = "needs a real Fluent Bit"]
fn a_configuration_for_the_go_plugin_runs_unchanged() {
    let streams = [("go-style", plain as Reader), ("go-style-whole", plain)];
    let (aws, [keys, whole]) = run("go-style.conf", streams);
    assert_eq!(keys, [r#"{"app-name":"shop"}"#; 4]);
    for text in whole {
        let json: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (json["log"].as_str(), json.as_object().map(|map| map.len())),
            (Some("line"), Some(2))
        );
        let time = json["@timestamp"].as_str().unwrap_or_default();
        assert!(is_like(&time[6..], "/9999:99:99:99.999999 +0000"), "{time}");
    }
    let roles = aws.assumed_roles();
    assert_eq!(roles[0].role_arn, "arn:aws:iam::123456789012:role/writer");
}

#[test]
#[ignore = "needs a real Fluent Bit"]
fn a_configuration_for_the_c_plugin_runs_with_the_name_alone_changed() {
    let streams = [("c-style", gzip as Reader), ("c-style-key", zstd)];
    let (aws, [whole, values]) = run("c-style.conf", streams);
    assert_eq!(values, ["line"; 4]);
    for text in whole {
        let mut json: Value = serde_json::from_str(&text).expect("JSON");
        let time = json["time"].take();
        let time = time.as_str().unwrap_or_default();
        assert!(is_like(time, "9999-99-99T99:99:99.999 999999999"), "{time}");
        assert_eq!(json, json!({"log": "line", "n": 7, "time": null}));
    }
    assert_eq!(aws.assumed_roles()[0].external_id.as_deref(), Some("shop"));
}
