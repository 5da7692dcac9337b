//! Records to finished requests: nanoseconds an event.
//!
//! `cargo bench --bench firehose_encode [NAME]`. What is measured is the time on the processor, as a
//! shared machine adds to any other.

use std::env;
use std::fs;
use std::hint::black_box;

use router::firehose::encode::Encoder;
use router::firehose::options::{Config, OPTIONS};
use router::firehose::route::Streams;
use router::options::Reader;
use router::variables::{Fixed, Variables};
use support::chunk::{Chunk, Container, docker_line};

fn main() {
    let chunk = chunk(10_000);
    let wanted = env::args().nth(1).filter(|name| !name.starts_with('-'));
    let is_wanted = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    for (name, options) in CASES.iter().filter(|(name, _)| is_wanted(name)) {
        let reader = Reader::new(OPTIONS, |key| option(options, key));
        let config = Config::read(&reader, |_| None);
        assert_eq!(reader.problems(), Vec::<String>::new());
        let fixed = Fixed::new("us-east-1");
        let variables = Variables::new(&fixed, None, "tag");
        let began = on_processor();
        for _ in 0..ROUNDS {
            let streams = Streams::new(&config.route, variables, "tag");
            black_box(Encoder::new(&config, streams, None).chunk(black_box(chunk.bytes())));
        }
        let events = (ROUNDS * chunk.records()) as f64;
        let nanos = (on_processor() - began) as f64;
        println!("{name:20} {:7.1} ns/event", nanos / events);
    }
}

/// Nanoseconds that this process has been on a processor.
fn on_processor() -> u64 {
    let stat = fs::read_to_string("/proc/self/schedstat").expect("a Linux kernel");
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.expect("a number")
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
    let found = options.iter().chain(&always).find(|(name, _)| *name == key);
    found.map(|(_, value)| (*value).to_owned())
}

const CASES: &[(&str, &[(&str, &str)])] = &[
    ("whole record", &[]),
    ("log_key", &[("log_key", "log")]),
    ("time_key", &[("time_key", "time")]),
    ("data_keys", &[("data_keys", "log,container_id,source")]),
    ("replace_dots", &[("replace_dots", "_")]),
    (
        "delivery_stream",
        &[
            ("delivery_stream", "$(source)"),
            ("default_delivery_stream", "d"),
        ],
    ),
    ("aggregation", &[("simple_aggregation", "on")]),
    ("aggregation, gzip", &[AGGREGATED, ("compression", "gzip")]),
    (
        "aggregation, snappy",
        &[AGGREGATED, ("compression", "snappy")],
    ),
    ("aggregation, zstd", &[AGGREGATED, ("compression", "zstd")]),
];

const AGGREGATED: (&str, &str) = ("simple_aggregation", "on");
const ROUNDS: usize = 50;
