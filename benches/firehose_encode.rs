//! Records to finished requests: nanoseconds an event.
//!
//! `cargo bench --bench firehose_encode`; the best of several rounds counts, as a shared machine
//! only ever adds to the time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use router::firehose::encode::Encoder;
use router::firehose::options::{Config, OPTIONS};
use router::options::Reader;
use support::chunk::{Chunk, Container, docker_line};

fn main() {
    let chunk = chunk(10_000);
    for (name, options) in CASES {
        let reader = Reader::new(OPTIONS, |key| option(options, key));
        let config = Config::read(&reader, |_| None);
        assert_eq!(reader.problems(), Vec::<String>::new());
        let best = (0..ROUNDS).map(|_| round(&config, chunk.bytes())).min();
        let nanos = best.unwrap_or_default().as_nanos() as f64;
        println!("{name:20} {:7.1} ns/event", nanos / chunk.records() as f64);
    }
}

fn round(config: &Config, chunk: &[u8]) -> Duration {
    let began = Instant::now();
    black_box(Encoder::new(config).chunk(black_box(chunk)));
    began.elapsed()
}

/// Lines as Docker's log driver and FireLens make them.
fn chunk(lines: i64) -> Chunk {
    let container = Container::named("web");
    (0..lines).fold(Chunk::new(), |chunk, line| {
        let log = format!(
            "10.0.{}.{} - - \"GET /orders/{line}?page=2 HTTP/1.1\" 200 {} \"-\" \"curl/8.5.0\"",
            line % 200,
            line % 250,
            line * 37
        );
        chunk.v2(
            1_700_000_000 + line / 100,
            docker_line(&container, "stdout", log),
        )
    })
}

fn option(options: &[(&str, &str)], key: &str) -> Option<String> {
    let always = [("region", "us-east-1"), ("delivery_stream", "bench")];
    let found = always.iter().chain(options).find(|(name, _)| *name == key);
    found.map(|(_, value)| (*value).to_owned())
}

const CASES: &[(&str, &[(&str, &str)])] = &[
    ("whole record", &[]),
    ("log_key", &[("log_key", "log")]),
    ("time_key", &[("time_key", "time")]),
];

const ROUNDS: usize = 30;
