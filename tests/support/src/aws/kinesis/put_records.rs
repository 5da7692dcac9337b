//! PutRecords: its limits, and an answer for each record.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

use super::{KinesisRecord, KinesisStream, named, sequence_number, shard_id, stream_name, target};
use crate::aws::answer::ErrorAnswer;
use crate::aws::operation::{Operation, Outcome, Subject, broken};
use crate::aws::rule::PartialFailure;
use crate::aws::service::Service;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRecords {
    stream_name: String,
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(deserialize_with = "base64")]
    data: Vec<u8>,
    partition_key: String,
}

impl Record {
    fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}

impl PutRecords {
    fn bytes(&self) -> usize {
        self.records.iter().map(Record::bytes).sum()
    }

    fn checked(&self) -> Result<(), ErrorAnswer> {
        stream_name(&self.stream_name)?;
        let count = self.records.len();
        if count == 0 {
            let constraint = "Member must have length greater than or equal to 1";
            return Err(invalid("records", constraint));
        }
        if count > REQUEST_RECORDS {
            let constraint = "Member must have length less than or equal to 500";
            return Err(invalid("records", constraint));
        }
        for (index, record) in self.records.iter().enumerate() {
            let length = record.partition_key.chars().count();
            if !(1..=PARTITION_KEY_CHARACTERS).contains(&length) {
                let member = format!("records.{}.member.partitionKey", index + 1);
                let constraint = "Member must have length between 1 and 256";
                return Err(invalid(&member, constraint));
            }
        }
        if self.bytes() > REQUEST_BYTES {
            return Err(refused("Records size exceeds 10 MB limit"));
        }
        Ok(())
    }

    fn within(&self, stream: &KinesisStream) -> Result<(), ErrorAnswer> {
        let too_large = |record: &Record| record.bytes() > stream.record_bytes;
        match self.records.iter().position(too_large) {
            Some(index) => Err(refused(&format!(
                "Record {index} is larger than the stream's maximum record size"
            ))),
            None => Ok(()),
        }
    }

    /// Stores the records that do not fail and answers for all of them, in order.
    fn kept(
        self,
        stream: &mut KinesisStream,
        counting: bool,
        partial: Option<&PartialFailure>,
    ) -> Value {
        let (mut answers, mut failed) = (Vec::with_capacity(self.records.len()), 0);
        for (index, record) in self.records.into_iter().enumerate() {
            let fails = |failure: &&PartialFailure| {
                failure.fails(index)
                    || failure.partition_key.as_ref() == Some(&record.partition_key)
            };
            if let Some(failure) = partial.filter(fails) {
                failed += 1;
                answers.push(json!({"ErrorCode": failure.code, "ErrorMessage": failure.message}));
                continue;
            }
            let shard = stream.shard(&record.partition_key);
            answers.push(json!({"SequenceNumber": sequence_number(), "ShardId": shard_id(shard)}));
            stream.tally.add(&record.data);
            if !counting {
                stream.records.push(KinesisRecord {
                    partition_key: record.partition_key,
                    shard,
                    data: record.data,
                });
            }
        }
        json!({"FailedRecordCount": failed, "Records": answers})
    }
}

impl Operation for PutRecords {
    fn subject(&self) -> Subject {
        Subject {
            items: self.records.len(),
            bytes: self.bytes(),
            ..named(self.stream_name.clone())
        }
    }

    fn mentions(&self, text: &str) -> bool {
        let holds = |data: &[u8]| String::from_utf8_lossy(data).contains(text);
        self.records.iter().any(|record| holds(&record.data))
    }

    fn run(self: Box<Self>, service: &Service, partial: Option<&PartialFailure>) -> Outcome {
        self.checked()?;
        service.change(|account| {
            let stream = target(account, &self.stream_name)?;
            self.within(stream)?;
            Ok(self.kept(stream, service.settings.counting, partial))
        })
    }
}

fn invalid(member: &str, constraint: &str) -> ErrorAnswer {
    let text = broken(member, "[...]", constraint);
    ErrorAnswer::new(400, "ValidationException", text)
}

fn refused(message: &str) -> ErrorAnswer {
    ErrorAnswer::new(400, "InvalidArgumentException", message)
}

fn base64<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let text = Text::deserialize(input)?.0;
    base64_simd::STANDARD
        .decode_to_vec(text.as_bytes())
        .map_err(D::Error::custom)
}

/// API reference, PutRecords: 500 records, 10 MiB in all, before base64 and with partition keys.
const REQUEST_RECORDS: usize = 500;
const REQUEST_BYTES: usize = 10 * 1024 * 1024;
/// API reference, PutRecordsRequestEntry: 1 to 256 Unicode characters.
const PARTITION_KEY_CHARACTERS: usize = 256;
