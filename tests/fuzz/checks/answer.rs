//! Any answer of the service, read by the SDK and judged by ours.

use std::cell::RefCell;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use cbindings::Log;
use router::aws::session::Settings;
use router::batch::{Batch, BatchBuilder, Limits};
use router::cloudwatch::LABELS;
use router::cloudwatch::options::CreateOptions;
use router::cloudwatch::provision::Provisioner;
use router::cloudwatch::put_log_events::{RequestOptions, Stream};
use router::cloudwatch::route::LogStreamId;
use router::delivery::error::SendError;
use router::delivery::{Answer, BatchSink};
use router::firehose::put_record_batch::DeliveryStream;
use router::kinesis;
use router::options::Reader;
use router::telemetry::Telemetry;

use super::split;

/// An answer to PutLogEvents.
pub fn put_log_events(data: &[u8]) {
    CLOUDWATCH.with(|stream| ask(stream, data));
}

/// An answer to PutRecordBatch.
pub fn put_record_batch(data: &[u8]) {
    FIREHOSE.with(|stream| ask(stream, data));
}

/// An answer to PutRecords.
pub fn put_records(data: &[u8]) {
    KINESIS.with(|stream| ask(stream, data));
}

/// The input is the status (two bytes), header lines, an empty line, and the body.
fn ask(service: &impl BatchSink, data: &[u8]) {
    ANSWER.set(data.to_vec());
    let batch = batch();
    match RUNTIME.with(|runtime| runtime.block_on(service.put(&batch))) {
        Ok(answer) => accepted(&answer, &batch),
        Err(fault) => refused(&fault),
    }
}

fn accepted(answer: &Answer, batch: &Batch) {
    let counts = answer.refused.iter().map(|refused| refused.count);
    assert!(counts.sum::<usize>() <= batch.items().len());
    if let Some((again, fault)) = &answer.again {
        assert!(!again.is_empty() && again.len() <= batch.items().len());
        refused(fault);
    }
}

/// Whatever went wrong has a word and a sentence, which fit into a log.
fn refused(fault: &SendError) {
    assert!(!fault.to_string().is_empty());
    assert!(
        fault
            .retry_after
            .is_none_or(|wait| wait.as_millis() > 0 || wait.is_zero())
    );
}

fn batch() -> Batch {
    let limits = Limits {
        items: EVENTS,
        bytes: EVENTS,
        span_ms: None,
    };
    let mut open = BatchBuilder::new(limits, b"[", None);
    for ordinal in 0..EVENTS {
        let start = open.body().len();
        open.body().push(b'1');
        let full = open.add(start, 0, 1, u32::try_from(ordinal).expect("few"));
        assert!(full.is_none());
    }
    open.finish().expect("it has events")
}

fn answer(data: &[u8]) -> HttpResponse {
    let (head, body) = data.split_at(data.len().min(2));
    let status = head
        .iter()
        .fold(0_u16, |status, byte| status << 8 | u16::from(*byte));
    let status = (100 + status % 900).try_into().expect("100 to 999");
    let (head, body) = split(body, b"\n\n");
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for line in String::from_utf8_lossy(head).lines() {
        // What is no header is none.
        if let Some((name, value)) = line.split_once(':') {
            let _ = response
                .headers_mut()
                .try_insert(name.to_owned(), value.to_owned());
        }
    }
    response
}

fn client() -> SharedHttpClient {
    http_client_fn(|_: &HttpConnectorSettings, _| SharedHttpConnector::new(Scripted))
}

/// Answers each request with what the check has put down.
#[derive(Debug)]
struct Scripted;

impl aws_smithy_runtime_api::client::http::HttpConnector for Scripted {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Ok(ANSWER.with_borrow(|data| answer(data))))
    }
}

fn cloudwatch() -> Stream {
    use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Builder, Credentials, Region};
    let config = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("r"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(aws_sdk_cloudwatchlogs::config::retry::RetryConfig::disabled())
        .http_client(client());
    let place = LogStreamId {
        group: "g".to_owned(),
        stream: "s".to_owned(),
    };
    let telemetry = Telemetry::new(Log::muted(), LABELS);
    let streams = Arc::new(Provisioner::new(
        CreateOptions::default(),
        &Settings::default(),
        telemetry,
    ));
    let client = aws_sdk_cloudwatchlogs::Client::from_conf(config.build());
    Stream::new(
        client,
        place,
        streams,
        RequestOptions {
            auto_retry: true,
            ..RequestOptions::default()
        },
    )
}

fn firehose() -> DeliveryStream {
    use aws_sdk_firehose::config::{BehaviorVersion, Builder, Credentials, Region};
    let config = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("r"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(aws_sdk_firehose::config::retry::RetryConfig::disabled())
        .http_client(client());
    let client = aws_sdk_firehose::Client::from_conf(config.build());
    DeliveryStream::new(client, "d", true)
}

fn kinesis() -> kinesis::put_records::Stream {
    use aws_sdk_kinesis::config::{BehaviorVersion, Builder, Credentials, Region};
    let config = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("r"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(aws_sdk_kinesis::config::retry::RetryConfig::disabled())
        .http_client(client());
    let client = aws_sdk_kinesis::Client::from_conf(config.build());
    let option = |key: &str| match key {
        "endpoint" => Some("http://e".to_owned()),
        "stream" => Some("s".to_owned()),
        _ => None,
    };
    let reader = Reader::new(kinesis::options::OPTIONS, option);
    let config = kinesis::options::Config::read(&reader);
    kinesis::put_records::Stream::new(client, &config, true)
}

thread_local! {
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static CLOUDWATCH: Stream = cloudwatch();
    static FIREHOSE: DeliveryStream = firehose();
    static KINESIS: kinesis::put_records::Stream = kinesis();
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
}

/// Events of the request that is answered.
const EVENTS: usize = 5;
