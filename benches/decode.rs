//! A chunk's records by the cursor and by rmp-serde: nanoseconds a record.
//!
//! `cargo bench --bench decode`. Why the hot path has a cursor of its own: `walk` finds where each
//! record ends, `json` writes the record once escaped, as both plugins do with every record.

use std::fs;
use std::hint::black_box;

use router::decode::Records;
use router::escape::Depth;
use router::json::Json;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use support::chunk::{Chunk, Container, docker_line};

/// One way to do a job, over a whole chunk.
type Way = fn(&[u8]) -> usize;

fn main() {
    let container = Container::named("web");
    let chunk = (0..10_000).fold(Chunk::new(), |chunk, line| {
        let log = format!(
            "10.0.0.{} - - \"GET /orders/{line}?page=2\" 200 \"-\"",
            line % 250
        );
        chunk.v2(
            1_700_000_000 + line / 100,
            docker_line(&container, "stdout", log),
        )
    });
    let ways: [(&str, Way); 4] = [
        ("walk, cursor", walk_by_cursor),
        ("walk, rmp-serde", walk_by_serde),
        ("json, cursor", json_by_cursor),
        ("json, rmp-serde", json_by_serde),
    ];
    for (name, way) in ways {
        let began = on_processor();
        for _ in 0..ROUNDS {
            assert!(black_box(way(black_box(chunk.bytes()))) > 0);
        }
        let nanos = (on_processor() - began) as f64;
        println!(
            "{name:16} {:7.1} ns/record",
            nanos / (ROUNDS * chunk.records()) as f64
        );
    }
}

fn walk_by_cursor(chunk: &[u8]) -> usize {
    let mut records = Records::new(chunk);
    let mut fields = 0;
    while let Some(record) = records.next() {
        fields += record.fields.len();
    }
    fields
}

fn walk_by_serde(chunk: &[u8]) -> usize {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(chunk);
    let mut records = 0;
    while IgnoredAny::deserialize(&mut deserializer).is_ok() {
        records += 1;
    }
    records
}

fn json_by_cursor(chunk: &[u8]) -> usize {
    let (mut records, mut json, mut out) =
        (Records::new(chunk), Json::new(Depth::Once), Vec::new());
    while let Some(record) = records.next() {
        json.record(&record, &mut out);
    }
    out.len()
}

/// A tree of values, which also makes the last of equal keys win, and serde_json's text of it.
fn json_by_serde(chunk: &[u8]) -> usize {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(chunk);
    let mut out = Vec::new();
    while let Ok((_, body)) = <(IgnoredAny, Value)>::deserialize(&mut deserializer) {
        serde_json::to_writer(&mut out, &body).expect("a value has a text");
    }
    out.len()
}

/// Nanoseconds that this process has been on a processor.
fn on_processor() -> u64 {
    let stat = fs::read_to_string("/proc/self/schedstat").expect("a Linux kernel");
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.expect("a number")
}

const ROUNDS: usize = 30;
