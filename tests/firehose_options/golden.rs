//! Joined and compressed records against bytes that other programs have read: see `golden/verify`.

use std::fs;
use std::path::{Path, PathBuf};

use support::chunk::{Chunk, Value, map};
use support::output::DELIVERY_STREAM;

use super::flushed;

/// Texts of every kind, among them empty ones and such as are no UTF-8.
fn chunk() -> Chunk {
    (0..2000_i64).fold(Chunk::new(), |chunk, n| {
        let text = match n % 5 {
            0 => format!("{n} GET /orders/{} 200", n * 7919 % 1000).into_bytes(),
            1 => format!("{n} <a href=\"x\">&amp;</a> \\ é € 😀").into_bytes(),
            2 => vec![0xff, 0xfe, (n % 256) as u8, b'\t'],
            3 => Vec::new(),
            _ => "tail ".repeat(n as usize % 40).into_bytes(),
        };
        chunk.v2(1, map([("log", Value::Bin(text))]))
    })
}

fn record(compression: &str) -> Vec<u8> {
    let options = [
        ("simple_aggregation", "on"),
        ("log_key", "log"),
        ("compression", compression),
    ];
    let mut records = flushed(&options, &chunk()).records(DELIVERY_STREAM);
    assert_eq!(records.len(), 1);
    records.remove(0)
}

fn golden(name: &str) -> Vec<u8> {
    let path = directory().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/firehose_options/golden")
}

/// Each text and a newline, one after another: what the Go plugin sends for these values.
#[test]
fn joined_texts_are_the_golden_bytes() {
    assert!(record("none") == golden("aggregated.txt"));
}

/// A library's next version may choose other bytes: then write them anew, and run `golden/verify`.
#[test]
fn compressed_texts_are_the_golden_bytes() {
    for (compression, name) in [("snappy", "aggregated.snappy"), ("zstd", "aggregated.zst")] {
        assert!(record(compression) == golden(name), "{compression}");
    }
}

/// Which bytes gzip chooses is the processor's matter as well, so they are read back.
#[test]
fn gzip_holds_the_golden_text() {
    let text = |data: &[u8]| {
        let mut text = Vec::new();
        let read = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(data), &mut text);
        read.map(|_| text).expect("gzip")
    };
    assert!(text(&record("gzip")) == golden("aggregated.txt"));
    assert!(text(&golden("aggregated.gz")) == golden("aggregated.txt"));
}

/// Writes the golden bytes anew: `cargo test --test firehose_options write_golden -- --ignored`.
#[test]
#[ignore = "it writes files"]
fn write_golden() {
    let names = [
        ("none", "txt"),
        ("gzip", "gz"),
        ("snappy", "snappy"),
        ("zstd", "zst"),
    ];
    for (compression, ending) in names {
        let path = directory().join(format!("aggregated.{ending}"));
        fs::write(path, record(compression)).expect("the directory is there");
    }
}
