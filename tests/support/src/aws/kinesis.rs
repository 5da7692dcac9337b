//! Kinesis Data Streams: PutRecords with its limits, and as much of creating and describing as clients need.

mod put_records;

use std::sync::atomic::{AtomicU64, Ordering};

use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::{Value, json};

use self::put_records::PutRecords;
use super::account::{ACCOUNT_ID, Account};
use super::answer::ErrorAnswer;
use super::operation::{NameRule, Operation, Outcome, Subject, operation};
use super::rule::PartialFailure;
use super::service::Service;
use super::stored::Tally;

/// One record of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KinesisRecord {
    /// The key that chose the shard.
    pub partition_key: String,
    /// The shard, from 0.
    pub shard: usize,
    /// What was stored.
    pub data: Vec<u8>,
}

/// A stream and the records it accepted.
#[derive(Clone, Debug)]
pub(super) struct KinesisStream {
    shards: usize,
    /// The stream's setting `MaxRecordSizeInKiB`, in bytes.
    record_bytes: usize,
    /// In the order in which they were stored; empty in counting mode.
    pub(super) records: Vec<KinesisRecord>,
    pub(super) tally: Tally,
}

impl Default for KinesisStream {
    fn default() -> Self {
        Self {
            shards: 4,
            record_bytes: DEFAULT_RECORD_BYTES,
            records: Vec::new(),
            tally: Tally::default(),
        }
    }
}

impl KinesisStream {
    /// A stream that takes records of so many bytes, the partition key included.
    pub(super) fn with_record_bytes(record_bytes: usize) -> Self {
        Self {
            record_bytes,
            ..Self::default()
        }
    }

    /// Forgets the records.
    pub(super) fn forget(&mut self) {
        (self.records, self.tally) = (Vec::new(), Tally::default());
    }

    /// The shard of a key: shards share the 128-bit hash space evenly.
    fn shard(&self, partition_key: &str) -> usize {
        let hash = u128::from_be_bytes(Md5::digest(partition_key).into());
        let width = u128::MAX / self.shards as u128;
        ((hash / width) as usize).min(self.shards - 1)
    }
}

/// Decodes one request of the API.
///
/// # Errors
/// `SerializationException` for a body that cannot be read, `UnknownOperationException` for other operations.
pub(super) fn decoded<'a>(
    name: &str,
    body: &'a [u8],
) -> Result<Box<dyn Operation + 'a>, ErrorAnswer> {
    match name {
        "PutRecords" => operation::<PutRecords>(body),
        "CreateStream" => operation::<CreateStream>(body),
        "DescribeStreamSummary" => operation::<DescribeStreamSummary>(body),
        _ => Err(ErrorAnswer::new(400, "UnknownOperationException", "")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateStream {
    stream_name: String,
    #[serde(default = "one")]
    shard_count: usize,
    #[serde(rename = "MaxRecordSizeInKiB", default = "default_kib")]
    max_record_kib: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeStreamSummary {
    stream_name: String,
}

impl Operation for CreateStream {
    fn subject(&self) -> Subject {
        named(self.stream_name.clone())
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let name = self.stream_name;
        stream_name(&name)?;
        service.change(|account| {
            if account.kinesis_streams.contains_key(&name) {
                let message = format!("Stream {name} under account {ACCOUNT_ID} already exists.");
                return Err(ErrorAnswer::new(400, "ResourceInUseException", message));
            }
            let stream = KinesisStream {
                shards: self.shard_count.max(1),
                ..KinesisStream::with_record_bytes(self.max_record_kib * 1024)
            };
            account.kinesis_streams.insert(name, stream);
            Ok(json!({}))
        })
    }
}

impl Operation for DescribeStreamSummary {
    fn subject(&self) -> Subject {
        named(self.stream_name.clone())
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let name = self.stream_name;
        let account = service.account();
        let stream = account.kinesis_streams.get(&name);
        let stream = stream.ok_or_else(|| not_found(&name))?;
        Ok(json!({"StreamDescriptionSummary": {
            "StreamName": name,
            "StreamARN": format!("arn:aws:kinesis:us-east-1:{ACCOUNT_ID}:stream/{name}"),
            "StreamStatus": "ACTIVE",
            "OpenShardCount": stream.shards,
            "MaxRecordSizeInKiB": stream.record_bytes / 1024,
        }}))
    }
}

fn target<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut KinesisStream, ErrorAnswer> {
    if account.auto_create {
        return Ok(account.kinesis_streams.entry(name.to_owned()).or_default());
    }
    let stream = account.kinesis_streams.get_mut(name);
    stream.ok_or_else(|| not_found(name))
}

fn stream_name(name: &str) -> Result<(), ErrorAnswer> {
    let problem = NAME.broken_by(name);
    problem.map_or(Ok(()), |problem| {
        Err(ErrorAnswer::new(400, "ValidationException", problem))
    })
}

fn not_found(name: &str) -> ErrorAnswer {
    let message = format!("Stream {name} under account {ACCOUNT_ID} not found.");
    ErrorAnswer::new(400, "ResourceNotFoundException", message)
}

fn named(stream: String) -> Subject {
    Subject {
        stream: Some(stream),
        ..Subject::default()
    }
}

/// A sequence number, larger than all before it.
fn sequence_number() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("4954{:052}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn shard_id(shard: usize) -> Value {
    json!(format!("shardId-{shard:012}"))
}

fn one() -> usize {
    1
}

fn default_kib() -> usize {
    DEFAULT_RECORD_BYTES / 1024
}

/// Developer guide, "Handle large records": a stream takes records of 1 MiB unless its setting says more.
const DEFAULT_RECORD_BYTES: usize = 1024 * 1024;

/// API reference, PutRecords: `[a-zA-Z0-9_.-]+`, 1 to 128 characters.
const NAME: NameRule = NameRule {
    member: "streamName",
    pattern: "[a-zA-Z0-9_.-]+",
    longest: 128,
    allowed: |c| c.is_ascii_alphanumeric() || "_.-".contains(c),
};
