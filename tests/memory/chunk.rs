//! The memory for encoding one chunk, for any content of the chunk.
//!
//! Only the encoders run here, without a service, so only their memory is measured.

use std::fs;

use router::batch::Batch;
use router::cloudwatch;
use router::destination::ChunkEncoder as _;
use router::firehose;
use router::kinesis;
use router::naming::variables::{Fixed, Variables};
use router::options::Reader;
use router::record::chunk_reader::Records;
use support::alone::alone;
use support::chunk::{Chunk, Value, map};

/// Settings with which the C library returns freed memory at once, so that it is not measured.
const EXACT: [(&str, Option<&str>); 3] = [
    ("MALLOC_ARENA_MAX", Some("1")),
    ("MALLOC_MMAP_THRESHOLD_", Some("65536")),
    ("MALLOC_TRIM_THRESHOLD_", Some("65536")),
];

#[test]
fn records_far_beyond_the_limit_take_the_memory_of_a_few_requests() {
    if !alone(
        "chunk::records_far_beyond_the_limit_take_the_memory_of_a_few_requests",
        &EXACT,
    ) {
        return;
    }
    for (bytes, records) in [(5_900_000, 2), (12_000_000, 1)] {
        let text = Value::Str(vec![1; bytes]);
        let chunk = (0..records).fold(Chunk::new(), |chunk, _| {
            chunk.v2(9, map([("log", text.clone())]))
        });
        for oversize in ["split", "truncate"] {
            for options in [&[][..], &[("log_key", "log")]] {
                let options = [&[("oversize", oversize)], options].concat();
                let ways = [
                    cloudwatch_peak(&options, &chunk),
                    firehose_peak(&options, &chunk),
                    kinesis_peak(&options, &chunk),
                ];
                println!("memory: {records} records of {bytes} bytes, {options:?}: {ways:?} KiB");
                assert!(ways.iter().all(|peak| *peak < 64 * 1024), "{ways:?} KiB");
            }
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_names() {
    if !alone(
        "chunk::memory_does_not_grow_with_the_number_of_names",
        &EXACT,
    ) {
        return;
    }
    let chunk = (0..300_000).fold(Chunk::new(), |chunk, n| {
        chunk.v2(9, map([("s", format!("stream-{n}"))]))
    });
    let names = [("log_stream_name", "$(s)"), ("delivery_stream", "$(s)")];
    let names = [&names[..], &[("default_delivery_stream", "rest")]].concat();
    let ways = [
        cloudwatch_peak(&names, &chunk),
        firehose_peak(&names, &chunk),
        kinesis_peak(&[("partition_key", "s")], &chunk),
        kinesis_peak(&[("partition_key", "s"), ("aggregation", "on")], &chunk),
    ];
    println!("memory: 300,000 names: {ways:?} KiB");
    assert!(ways.iter().all(|peak| *peak < 32 * 1024), "{ways:?} KiB");
}

/// Uses the maximum number of requests per round, as a delivery does if responses are slow.
fn cloudwatch_peak(options: &[(&str, &str)], chunk: &Chunk) -> u64 {
    let known = cloudwatch::options::OPTIONS;
    let reader = Reader::new(known, |key| option(key, options));
    let config = cloudwatch::options::Config::read(&reader);
    let fixed = Fixed::new("us-east-1");
    let variables = Variables::new(&fixed, None, "tag");
    let places = cloudwatch::route::LogStreams::new(&config.route, None, variables, "tag");
    let mut encoder = cloudwatch::encode::Encoder::new(&config, places, None);
    let mut records = Records::new(chunk.bytes());
    peak(|| encoder.round(&mut records, 4))
}

/// Like [`cloudwatch_peak`].
fn firehose_peak(options: &[(&str, &str)], chunk: &Chunk) -> u64 {
    let known = firehose::options::OPTIONS;
    let reader = Reader::new(known, |key| option(key, options));
    let config = firehose::options::Config::read(&reader);
    let fixed = Fixed::new("us-east-1");
    let variables = Variables::new(&fixed, None, "tag");
    let streams = firehose::route::Streams::new(&config.route, variables, "tag");
    let mut encoder = firehose::encode::Encoder::new(&config, streams, None);
    let mut records = Records::new(chunk.bytes());
    peak(|| encoder.round(&mut records, 8))
}

/// Like [`cloudwatch_peak`].
fn kinesis_peak(options: &[(&str, &str)], chunk: &Chunk) -> u64 {
    let known = kinesis::options::OPTIONS;
    let reader = Reader::new(known, |key| option(key, options));
    let config = kinesis::options::Config::read(&reader);
    let mut encoder = kinesis::encode::Encoder::new(&config, None);
    let mut records = Records::new(chunk.bytes());
    peak(|| encoder.round(&mut records, 8))
}

fn option(key: &str, options: &[(&str, &str)]) -> Option<String> {
    let needed = [
        ("region", "us-east-1"),
        ("log_group_name", "group"),
        ("log_stream_name", "stream"),
        ("delivery_stream", "stream"),
        ("stream", "stream"),
    ];
    let mut all = options.iter().chain(&needed);
    all.find(|(name, _)| *name == key)
        .map(|(_, value)| (*value).to_owned())
}

/// Maximum memory in KiB while all rounds are encoded. Each round is dropped before the next.
fn peak(mut round: impl FnMut() -> Vec<(usize, Batch)>) -> u64 {
    // Resets the peak memory to the current value.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = status("VmRSS:");
    while !round().is_empty() {}
    status("VmHWM:").saturating_sub(before)
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number of KiB")
}
