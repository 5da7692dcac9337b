//! Data Firehose: PutRecordBatch with its limits, and as much of creating and describing as clients need.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

use super::account::{ACCOUNT_ID, Account};
use super::answer::ErrorAnswer;
use super::operation::{NameRule, Operation, Outcome, Subject, broken, operation};
use super::rule::PartialFailure;
use super::service::Service;
use super::stored::DeliveryStream;

/// Decodes one request of the API.
///
/// # Errors
/// `SerializationException` for a body that cannot be read, `UnknownOperationException` for other operations.
pub(super) fn decoded<'a>(
    name: &str,
    body: &'a [u8],
) -> Result<Box<dyn Operation + 'a>, ErrorAnswer> {
    match name {
        "PutRecordBatch" => operation::<PutRecordBatch>(body),
        "CreateDeliveryStream" => operation::<CreateDeliveryStream>(body),
        "DescribeDeliveryStream" => operation::<DescribeDeliveryStream>(body),
        _ => Err(ErrorAnswer::new(400, "UnknownOperationException", "")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordBatch {
    delivery_stream_name: String,
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(deserialize_with = "base64")]
    data: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateDeliveryStream {
    delivery_stream_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeDeliveryStream {
    delivery_stream_name: String,
}

impl PutRecordBatch {
    fn bytes(&self) -> usize {
        self.records.iter().map(|record| record.data.len()).sum()
    }

    fn checked(&self) -> Result<(), ErrorAnswer> {
        delivery_stream_name(&self.delivery_stream_name)?;
        match self.records.len() {
            0 => {
                return Err(invalid(
                    "records",
                    "Member must have length greater than or equal to 1",
                ));
            }
            1..=BATCH_RECORDS => {}
            _ => {
                return Err(invalid(
                    "records",
                    "Member must have length less than or equal to 500",
                ));
            }
        }
        let too_large = |record: &Record| record.data.len() > RECORD_BYTES;
        if let Some(index) = self.records.iter().position(too_large) {
            let member = format!("records.{}.member.data", index + 1);
            return Err(invalid(
                &member,
                "Member must have length less than or equal to 1024000",
            ));
        }
        if self.bytes() > BATCH_BYTES {
            let message = "Records size exceeds 4 MB limit";
            return Err(ErrorAnswer::new(400, "InvalidArgumentException", message));
        }
        Ok(())
    }

    /// Stores the records that do not fail and answers for all of them, in order.
    fn kept(
        self,
        stream: &mut DeliveryStream,
        counting: bool,
        partial: Option<&PartialFailure>,
    ) -> Value {
        let (mut answers, mut failed) = (Vec::with_capacity(self.records.len()), 0);
        for (index, record) in self.records.into_iter().enumerate() {
            if let Some(failure) = partial.filter(|failure| failure.fails(index)) {
                failed += 1;
                answers.push(json!({"ErrorCode": failure.code, "ErrorMessage": failure.message}));
                continue;
            }
            answers.push(json!({"RecordId": record_id()}));
            stream.tally.add(&record.data);
            if !counting {
                stream.records.push(record.data);
            }
        }
        json!({"FailedPutCount": failed, "Encrypted": false, "RequestResponses": answers})
    }
}

impl Operation for PutRecordBatch {
    fn subject(&self) -> Subject {
        let name = self.delivery_stream_name.clone();
        Subject {
            items: self.records.len(),
            bytes: self.bytes(),
            ..named(name)
        }
    }

    fn mentions(&self, text: &str) -> bool {
        let holds = |data: &[u8]| String::from_utf8_lossy(data).contains(text);
        self.records.iter().any(|record| holds(&record.data))
    }

    fn run(self: Box<Self>, service: &Service, partial: Option<&PartialFailure>) -> Outcome {
        self.checked()?;
        service.change(|account| {
            let stream = target(account, &self.delivery_stream_name)?;
            Ok(self.kept(stream, service.settings.counting, partial))
        })
    }
}

impl Operation for CreateDeliveryStream {
    fn subject(&self) -> Subject {
        named(self.delivery_stream_name.clone())
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let name = self.delivery_stream_name;
        delivery_stream_name(&name)?;
        service.change(|account| {
            if account.delivery_streams.contains_key(&name) {
                let message =
                    format!("Firehose {name} under accountId {ACCOUNT_ID} already exists");
                return Err(ErrorAnswer::new(400, "ResourceInUseException", message));
            }
            account
                .delivery_streams
                .insert(name.clone(), DeliveryStream::default());
            Ok(json!({"DeliveryStreamARN": arn(&name)}))
        })
    }
}

impl Operation for DescribeDeliveryStream {
    fn subject(&self) -> Subject {
        named(self.delivery_stream_name.clone())
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let name = self.delivery_stream_name;
        if !service.account().delivery_streams.contains_key(&name) {
            return Err(not_found(&name));
        }
        Ok(json!({"DeliveryStreamDescription": {
            "DeliveryStreamName": name,
            "DeliveryStreamARN": arn(&name),
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamType": "DirectPut",
            "VersionId": "1",
            "Destinations": [],
            "HasMoreDestinations": false,
        }}))
    }
}

fn target<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut DeliveryStream, ErrorAnswer> {
    if account.auto_create {
        return Ok(account.delivery_streams.entry(name.to_owned()).or_default());
    }
    account
        .delivery_streams
        .get_mut(name)
        .ok_or_else(|| not_found(name))
}

fn delivery_stream_name(name: &str) -> Result<(), ErrorAnswer> {
    let problem = NAME.broken_by(name);
    problem.map_or(Ok(()), |problem| {
        Err(ErrorAnswer::new(400, "ValidationException", problem))
    })
}

fn invalid(member: &str, constraint: &str) -> ErrorAnswer {
    ErrorAnswer::new(
        400,
        "ValidationException",
        broken(member, "[...]", constraint),
    )
}

fn not_found(name: &str) -> ErrorAnswer {
    let message = format!("Firehose {name} under account {ACCOUNT_ID} not found.");
    ErrorAnswer::new(400, "ResourceNotFoundException", message)
}

fn named(delivery_stream: String) -> Subject {
    Subject {
        delivery_stream: Some(delivery_stream),
        ..Subject::default()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:firehose:us-east-1:{ACCOUNT_ID}:deliverystream/{name}")
}

fn record_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:032}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn base64<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let text = Text::deserialize(input)?.0;
    base64_simd::STANDARD
        .decode_to_vec(text.as_bytes())
        .map_err(D::Error::custom)
}

/// API reference, PutRecordBatch: 500 records, 4 MiB in all, 1,000 KiB each, before base64.
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
const RECORD_BYTES: usize = 1_024_000;

/// API reference, PutRecordBatch: `[a-zA-Z0-9_.-]+`, 1 to 64 characters.
const NAME: NameRule = NameRule {
    member: "deliveryStreamName",
    pattern: "[a-zA-Z0-9_.-]+",
    longest: 64,
    allowed: |c| c.is_ascii_alphanumeric() || "_.-".contains(c),
};
