//! What is measured: chunks as they come, and each plugin's road from a chunk to finished requests.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each bench takes what it measures"
)]

pub mod lines;
pub mod requests;

use router::batch::Batch;
use router::cloudwatch;
use router::destination::ChunkEncoder as _;
use router::firehose;
use router::kinesis;
use router::naming::variables::{Fixed, Variables};
use router::options::Reader;
use router::record::chunk_reader::Records;
use support::chunk::{Chunk, Container, Time, Value, docker_line, map};

use self::lines::access;

/// Lines of one container as Docker's driver and FireLens make them.
pub fn firelens(records: usize, line: impl Fn(usize) -> String) -> Chunk {
    let container = Container::named("web");
    (0..records).fold(Chunk::new(), |chunk, number| {
        let record = docker_line(&container, "stdout", line(number));
        chunk.v2(time(number), record)
    })
}

/// Records without anything in common but their keys.
pub fn unlike(records: usize) -> Chunk {
    (0..records).fold(Chunk::new(), |chunk, number| {
        let members = (0..7).map(|key| {
            let key_text = ["log", "id", "user", "path", "trace", "span", "host"][key];
            (
                key_text,
                Value::from(format!("{:032x}", number * 7919 + key)),
            )
        });
        chunk.v2(time(number), map(members))
    })
}

/// Lines of so many containers in turn.
pub fn interleaved(records: usize, containers: usize) -> Chunk {
    (0..records).fold(Chunk::new(), |chunk, number| {
        let container = Container::named(&format!("web-{}", number % containers));
        chunk.v2(
            time(number),
            docker_line(&container, "stdout", access(number)),
        )
    })
}

/// The time of a record in the form that Fluent Bit writes: a hundred of them have one second.
fn time(number: usize) -> Time {
    Time::millis(1_700_000_000_000 + number as u64 * 10)
}

/// Options over those that must be set.
fn option(key: &str, options: &[(&str, &str)], needed: &[(&str, &str)]) -> Option<String> {
    let found = options.iter().chain(needed).find(|(name, _)| *name == key);
    found.map(|(_, value)| (*value).to_owned())
}

/// The road to CloudWatch Logs.
pub struct CloudWatch {
    config: cloudwatch::options::Config,
    fixed: Fixed,
}

impl CloudWatch {
    pub fn new(options: &[(&str, &str)]) -> Self {
        let needed = [
            ("region", "us-east-1"),
            ("log_group_name", "group"),
            ("log_stream_name", "stream"),
        ];
        let source = |key: &str| option(key, options, &needed);
        let reader = Reader::new(cloudwatch::options::OPTIONS, source);
        let config = cloudwatch::options::Config::read(&reader);
        assert_eq!(reader.problems(), Vec::<String>::new());
        let fixed = Fixed::new("us-east-1");
        Self { config, fixed }
    }

    /// Bytes of all request bodies, each of which is gone before the next one begins.
    pub fn encode(&self, chunk: &[u8]) -> usize {
        let variables = Variables::new(&self.fixed, None, TAG);
        let places = cloudwatch::route::LogStreams::new(&self.config.route, None, variables, TAG);
        let mut encoder = cloudwatch::encode::Encoder::new(&self.config, places, None);
        let mut records = Records::new(chunk);
        bytes(|| encoder.round(&mut records, 1))
    }

    /// LogStreams that the records go to.
    pub fn route(&self, chunk: &[u8]) -> usize {
        let variables = Variables::new(&self.fixed, None, TAG);
        let mut places =
            cloudwatch::route::LogStreams::new(&self.config.route, None, variables, TAG);
        let mut records = Records::new(chunk);
        let mut most = 0;
        while let Some(record) = records.next() {
            most = most.max(places.number(&record) + 1);
        }
        most
    }
}

/// The road to Data Firehose.
pub struct Firehose {
    config: firehose::options::Config,
    fixed: Fixed,
}

impl Firehose {
    pub fn new(options: &[(&str, &str)]) -> Self {
        let needed = [("region", "us-east-1"), ("delivery_stream", "bench")];
        let source = |key: &str| option(key, options, &needed);
        let reader = Reader::new(firehose::options::OPTIONS, source);
        let config = firehose::options::Config::read(&reader);
        assert_eq!(reader.problems(), Vec::<String>::new());
        let fixed = Fixed::new("us-east-1");
        Self { config, fixed }
    }

    /// As [`CloudWatch::encode`].
    pub fn encode(&self, chunk: &[u8]) -> usize {
        let variables = Variables::new(&self.fixed, None, TAG);
        let streams = firehose::route::Streams::new(&self.config.route, variables, TAG);
        let mut encoder = firehose::encode::Encoder::new(&self.config, streams, None);
        let mut records = Records::new(chunk);
        bytes(|| encoder.round(&mut records, 2))
    }

    /// The first request of a chunk.
    pub fn first(&self, chunk: &[u8]) -> Batch {
        let variables = Variables::new(&self.fixed, None, TAG);
        let streams = firehose::route::Streams::new(&self.config.route, variables, TAG);
        let mut encoder = firehose::encode::Encoder::new(&self.config, streams, None);
        let batches = encoder.round(&mut Records::new(chunk), 1);
        batches.into_iter().next().expect("a request").1
    }
}

/// The road to Kinesis Data Streams.
pub struct Kinesis {
    pub config: kinesis::options::Config,
}

impl Kinesis {
    pub fn new(options: &[(&str, &str)]) -> Self {
        let needed = [("region", "us-east-1"), ("stream", "bench")];
        let source = |key: &str| option(key, options, &needed);
        let reader = Reader::new(kinesis::options::OPTIONS, source);
        let config = kinesis::options::Config::read(&reader);
        assert_eq!(reader.problems(), Vec::<String>::new());
        Self { config }
    }

    /// As [`CloudWatch::encode`].
    pub fn encode(&self, chunk: &[u8]) -> usize {
        let mut encoder = kinesis::encode::Encoder::new(&self.config, None);
        let mut records = Records::new(chunk);
        bytes(|| encoder.round(&mut records, 2))
    }

    /// As [`Firehose::first`].
    pub fn first(&self, chunk: &[u8]) -> Batch {
        let mut encoder = kinesis::encode::Encoder::new(&self.config, None);
        let batches = encoder.round(&mut Records::new(chunk), 1);
        batches.into_iter().next().expect("a request").1
    }
}

fn bytes(mut round: impl FnMut() -> Vec<(usize, router::batch::Batch)>) -> usize {
    let mut bytes = 0;
    loop {
        let batches = round();
        if batches.is_empty() {
            return bytes;
        }
        bytes += batches
            .iter()
            .map(|(_, batch)| batch.body().len())
            .sum::<usize>();
    }
}

const TAG: &str = "web-firelens-0123456789abcdef0123456789abcdef";
