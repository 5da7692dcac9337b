//! One case of the road, once, for valgrind to count: `tests/check/instructions`.
//!
//! Only what `measured` does is counted, on a chunk that is the same each time. With a number behind the
//! case's name it is done so often, and the least time of one is said, to compare two builds in turn.

mod cases;

use std::env;
use std::hint::black_box;
use std::time::Instant;

use cases::lines::{
    access, backslashes, chinese, colours, mixed, plain, quotes, structured, trace,
};
use cases::requests::Requests;
use cases::{CloudWatch, Firehose, Kinesis, firelens, interleaved, unlike};
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
    if let Some(times) = env::args().nth(2).and_then(|times| times.parse().ok()) {
        let took = (0..times).map(|_| {
            let began = Instant::now();
            measured(&road, &chunk);
            began.elapsed()
        });
        let least = took.min().unwrap_or_default().as_nanos();
        let records = chunk.records() as u128;
        println!("{name}: {} ns a record", least / records);
    }
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
    ("cloudwatch-whole", lines, || cloudwatch(WHOLE)),
    ("cloudwatch-log_key", lines, || cloudwatch(LOG_KEY)),
    ("cloudwatch-json-lines", json, || cloudwatch(WHOLE)),
    ("cloudwatch-unlike", records_unlike, || cloudwatch(WHOLE)),
    ("cloudwatch-100-streams", of_100_containers, || {
        cloudwatch(&[("log_stream_template", "$container_name")])
    }),
    ("firehose-whole", lines, || firehose(WHOLE)),
    ("firehose-log_key", lines, || firehose(LOG_KEY)),
    ("firehose-time_key", lines, || {
        firehose(&[("time_key", "time")])
    }),
    ("firehose-request", one_request, || {
        let batch = Firehose::new(LOG_KEY).first(one_request().bytes());
        let requests = Requests::firehose(batch);
        Box::new(move |_| requests.send())
    }),
    ("kinesis-request", one_request, || {
        let kinesis = Kinesis::new(LOG_KEY);
        let batch = kinesis.first(one_request().bytes());
        let requests = Requests::kinesis(&kinesis.config, batch);
        Box::new(move |_| requests.send())
    }),
    ("kinesis-whole", lines, || kinesis(WHOLE)),
    ("kinesis-log_key", lines, || kinesis(LOG_KEY)),
    ("lines-backslashes", of_backslashes, || cloudwatch(WHOLE)),
    ("lines-chinese", of_chinese, || cloudwatch(WHOLE)),
    ("lines-colours", of_colours, || cloudwatch(WHOLE)),
    ("lines-mixed", of_mixed, || cloudwatch(WHOLE)),
    ("lines-plain", of_plain, || cloudwatch(WHOLE)),
    ("lines-quotes", of_quotes, || cloudwatch(WHOLE)),
    ("lines-trace", of_trace, || cloudwatch(WHOLE)),
    ("log_key-backslashes", of_backslashes, || {
        cloudwatch(LOG_KEY)
    }),
    ("log_key-chinese", of_chinese, || cloudwatch(LOG_KEY)),
    ("log_key-colours", of_colours, || cloudwatch(LOG_KEY)),
    ("log_key-json", json, || cloudwatch(LOG_KEY)),
    ("log_key-mixed", of_mixed, || cloudwatch(LOG_KEY)),
    ("log_key-plain", of_plain, || cloudwatch(LOG_KEY)),
    ("log_key-quotes", of_quotes, || cloudwatch(LOG_KEY)),
    ("log_key-trace", of_trace, || cloudwatch(LOG_KEY)),
];

const WHOLE: &[(&str, &str)] = &[];
const LOG_KEY: &[(&str, &str)] = &[("log_key", "log")];

fn lines() -> Chunk {
    firelens(RECORDS, access)
}

/// As many records as a request has.
fn one_request() -> Chunk {
    firelens(500, access)
}

fn json() -> Chunk {
    firelens(RECORDS, structured)
}

fn records_unlike() -> Chunk {
    unlike(RECORDS)
}

fn of_100_containers() -> Chunk {
    interleaved(RECORDS, 100)
}

fn of_backslashes() -> Chunk {
    firelens(RECORDS, backslashes)
}

fn of_chinese() -> Chunk {
    firelens(RECORDS, chinese)
}

fn of_colours() -> Chunk {
    firelens(RECORDS, colours)
}

fn of_mixed() -> Chunk {
    firelens(RECORDS, mixed)
}

fn of_plain() -> Chunk {
    firelens(RECORDS, plain)
}

fn of_quotes() -> Chunk {
    firelens(RECORDS, quotes)
}

fn of_trace() -> Chunk {
    firelens(RECORDS, trace)
}

fn cloudwatch(options: &[(&str, &str)]) -> Road {
    let road = CloudWatch::new(options);
    Box::new(move |chunk| road.encode(chunk))
}

fn firehose(options: &[(&str, &str)]) -> Road {
    let road = Firehose::new(options);
    Box::new(move |chunk| road.encode(chunk))
}

fn kinesis(options: &[(&str, &str)]) -> Road {
    let road = Kinesis::new(options);
    Box::new(move |chunk| road.encode(chunk))
}

const RECORDS: usize = 10_000;
