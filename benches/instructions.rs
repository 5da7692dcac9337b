//! One case of the road, once, for valgrind to count: `tests/check/instructions`.
//!
//! Only what `measured` does is counted, on a chunk that is the same each time.

mod cases;

use std::env;
use std::hint::black_box;

use cases::{CloudWatch, Firehose, access, firelens, interleaved, structured, unlike};
use support::chunk::Chunk;

fn main() {
    let name = env::args().nth(1).unwrap_or_default();
    let case = CASES.iter().find(|(known, ..)| *known == name);
    let Some((_, chunk, road)) = case else {
        return CASES.iter().for_each(|(name, ..)| println!("{name}"));
    };
    let (chunk, road) = (chunk(), road());
    // The second time, memory comes from where it went the first time.
    black_box(road(chunk.bytes()));
    println!("{name}: {} bytes", measured(&road, &chunk));
    println!("{name}: {} records", chunk.records());
}

/// The symbol that valgrind looks for.
#[inline(never)]
fn measured(road: &Road, chunk: &Chunk) -> usize {
    black_box(road(black_box(chunk.bytes())))
}

type Road = Box<dyn Fn(&[u8]) -> usize>;
type Case = (&'static str, fn() -> Chunk, fn() -> Road);

const CASES: &[Case] = &[
    ("cloudwatch-whole", lines, || cloudwatch(&[])),
    ("cloudwatch-log_key", lines, || {
        cloudwatch(&[("log_key", "log")])
    }),
    (
        "cloudwatch-json-lines",
        || firelens(RECORDS, structured),
        || cloudwatch(&[]),
    ),
    ("cloudwatch-unlike", || unlike(RECORDS), || cloudwatch(&[])),
    (
        "cloudwatch-100-streams",
        || interleaved(RECORDS, 100),
        || cloudwatch(&[("log_stream_template", "$container_name")]),
    ),
    ("firehose-whole", lines, || firehose(&[])),
    ("firehose-log_key", lines, || {
        firehose(&[("log_key", "log")])
    }),
    ("firehose-time_key", lines, || {
        firehose(&[("time_key", "time")])
    }),
];

fn lines() -> Chunk {
    firelens(RECORDS, access)
}

fn cloudwatch(options: &[(&str, &str)]) -> Road {
    let road = CloudWatch::new(options);
    Box::new(move |chunk| road.encode(chunk))
}

fn firehose(options: &[(&str, &str)]) -> Road {
    let road = Firehose::new(options);
    Box::new(move |chunk| road.encode(chunk))
}

const RECORDS: usize = 10_000;
