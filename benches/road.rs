//! Each step of the road, and all of it: `make bench`, or `cargo bench --bench road -- NAME`.
//!
//! All but `flush` is measured on the processor's clock, as a shared machine adds to any other;
//! `flush` goes through the built plugin to a stand-in of the service in the same process.

mod cases;

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use cases::lines::{access, long, mixed, structured, worldly};
use cases::{CloudWatch, Firehose, firelens, interleaved, unlike};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use router::batch::{BatchBuilder, Limits};
use router::json::Json;
use router::json::escape::Depth;
use router::record::chunk_reader::Records;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use support::aws::StandIn;
use support::chunk::Chunk;
use support::host::PluginHost;

type Bench = Criterion<OnProcessor>;

fn throughput(chunk: &Chunk) -> Throughput {
    Throughput::ElementsAndBytes {
        elements: chunk.records() as u64,
        bytes: chunk.bytes().len() as u64,
    }
}

fn case(
    bench: &mut Bench,
    group: &str,
    name: impl Into<String>,
    chunk: &Chunk,
    work: impl Fn(&[u8]) -> usize,
) {
    let mut group = bench.benchmark_group(group);
    group.throughput(throughput(chunk));
    group.bench_with_input(
        BenchmarkId::from_parameter(name.into()),
        chunk,
        |bench, chunk| {
            bench.iter(|| work(black_box(chunk.bytes())));
        },
    );
}

/// Why there is a cursor: the same work by rmp-serde, which also makes the last of equal keys win.
fn decode(bench: &mut Bench) {
    for (kind, chunk) in [
        ("alike", firelens(10_000, access)),
        ("unlike", unlike(10_000)),
    ] {
        case(bench, "decode", format!("walk/{kind}"), &chunk, walk);
        case(
            bench,
            "decode",
            format!("walk by rmp-serde/{kind}"),
            &chunk,
            walk_by_serde,
        );
        case(bench, "decode", format!("json/{kind}"), &chunk, json);
        case(
            bench,
            "decode",
            format!("json by rmp-serde/{kind}"),
            &chunk,
            json_by_serde,
        );
    }
}

fn walk(chunk: &[u8]) -> usize {
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

fn json(chunk: &[u8]) -> usize {
    let (mut records, mut json, mut out) =
        (Records::new(chunk), Json::new(Depth::Once), Vec::new());
    while let Some(record) = records.next() {
        json.record(&record, &mut out);
    }
    out.len()
}

fn json_by_serde(chunk: &[u8]) -> usize {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(chunk);
    let mut out = Vec::new();
    while let Ok((_, body)) = <(IgnoredAny, Value)>::deserialize(&mut deserializer) {
        serde_json::to_writer(&mut out, &body).expect("a value has a text");
    }
    out.len()
}

fn encode(bench: &mut Bench) {
    let lines = firelens(10_000, access);
    let whole = CloudWatch::new(&[]);
    let log_key = CloudWatch::new(&[("log_key", "log")]);
    for (kind, chunk) in [
        ("access log", &lines),
        ("JSON lines", &firelens(10_000, structured)),
        ("beyond ASCII", &firelens(10_000, worldly)),
        ("mixed lines", &firelens(10_000, mixed)),
        ("unlike records", &unlike(10_000)),
    ] {
        case(
            bench,
            "encode",
            format!("cloudwatch/{kind}"),
            chunk,
            |chunk| whole.encode(chunk),
        );
        let name = format!("cloudwatch log_key/{kind}");
        case(bench, "encode", name, chunk, |chunk| log_key.encode(chunk));
    }
    for (name, options) in FIREHOSE {
        let road = Firehose::new(options);
        case(
            bench,
            "encode",
            format!("firehose {name}"),
            &lines,
            |chunk| road.encode(chunk),
        );
    }
}

const FIREHOSE: &[(&str, &[(&str, &str)])] = &[
    ("whole", &[]),
    ("log_key", &[("log_key", "log")]),
    ("time_key", &[("time_key", "time")]),
    ("data_keys", &[("data_keys", "log,container_id,source")]),
    ("replace_dots", &[("replace_dots", "_")]),
    ("aggregation", &[("simple_aggregation", "on")]),
    (
        "gzip",
        &[("simple_aggregation", "on"), ("compression", "gzip")],
    ),
    (
        "snappy",
        &[("simple_aggregation", "on"), ("compression", "snappy")],
    ),
    (
        "zstd",
        &[("simple_aggregation", "on"), ("compression", "zstd")],
    ),
];

fn route(bench: &mut Bench) {
    let stream = |template| CloudWatch::new(&[("log_stream_template", template)]);
    let cases = [
        ("fixed", CloudWatch::new(&[]), 1),
        ("one of a key", stream("$container_name"), 1),
        ("100 of a key", stream("$container_name"), 100),
        ("10000 of a key", stream("$container_name"), 10_000),
    ];
    for (name, road, containers) in cases {
        let chunk = interleaved(20_000, containers);
        case(bench, "route", name, &chunk, |chunk| road.route(chunk));
    }
}

/// What an event costs when it is one of many streams', from record to request.
fn streams(bench: &mut Bench) {
    let road = CloudWatch::new(&[("log_stream_template", "$container_name")]);
    for streams in [1, 100, 10_000] {
        let chunk = interleaved(20_000, streams);
        case(bench, "streams", streams.to_string(), &chunk, |chunk| {
            road.encode(chunk)
        });
    }
}

fn batch(bench: &mut Bench) {
    const LIMITS: Limits = Limits {
        items: 10_000,
        bytes: 1_048_576,
        span_ms: Some(24 * 3600 * 1000),
    };
    let lines = firelens(10_000, access);
    case(bench, "batch", "items of 100 bytes", &lines, |_| {
        let mut open = BatchBuilder::new(LIMITS, b"{\"items\":[", None);
        let mut full = 0;
        for ordinal in 0..10_000 {
            let start = open.body().len();
            open.body().extend_from_slice(&[b'x'; 100]);
            full += usize::from(open.add(start, 0, 126, ordinal).is_some());
        }
        full + usize::from(open.finish().is_some())
    });
}

/// What an event costs when lines grow and when chunks grow.
fn sizes(bench: &mut Bench) {
    let road = CloudWatch::new(&[]);
    for bytes in [100, 400, 1_600, 6_400, 25_600, 102_400, 256_000] {
        let chunk = firelens(4_000_000 / (bytes + 300), long(bytes));
        case(bench, "line bytes", bytes.to_string(), &chunk, |chunk| {
            road.encode(chunk)
        });
    }
    for records in [1, 10, 100, 1_000, 10_000] {
        let chunk = firelens(records, access);
        case(
            bench,
            "records a chunk",
            records.to_string(),
            &chunk,
            |chunk| road.encode(chunk),
        );
    }
}

fn flush(bench: &mut Criterion) {
    let lines = firelens(5_000, access);
    let service = StandIn::builder()
        .counting()
        .auto_create()
        .delivery_stream("bench");
    let service = service.start().expect("the stand-in listens");
    let url = service.url();
    let mut group = bench.benchmark_group("flush");
    group.throughput(throughput(&lines)).sample_size(20);
    let shared = [("region", "us-east-1"), ("endpoint", url.as_str())];
    let cloudwatch = [
        ("log_group_name", "g"),
        ("log_stream_name", "s"),
        ("auto_create_group", "on"),
    ];
    let firehose = [("delivery_stream", "bench")];
    for (name, host, options) in [
        ("cloudwatch", PluginHost::cloudwatch(), &cloudwatch[..]),
        ("firehose", PluginHost::firehose(), &firehose[..]),
    ] {
        let options: Vec<_> = shared.iter().chain(options).collect();
        let options: Vec<_> = options.into_iter().copied().collect();
        let instance = host.instance(&options).expect("the options are right");
        group.bench_function(name, |bench| {
            bench.iter(|| instance.flush("web-firelens-0f", lines.bytes()));
        });
        let _lines = instance.exit();
    }
}

/// The time that the measuring thread was on a processor.
struct OnProcessor;

impl Measurement for OnProcessor {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux kernel");
        let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
        Duration::from_nanos(nanos.expect("a number"))
    }

    fn end(&self, began: Duration) -> Duration {
        self.start() - began
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn on_processor() -> Bench {
    Criterion::default()
        .with_measurement(OnProcessor)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
}

criterion_group! {
    name = steps;
    config = on_processor();
    targets = decode, encode, route, streams, batch, sizes
}
criterion_group!(whole, flush);
criterion_main!(steps, whole);
