//! A request of a full batch through the SDK, with an answer that comes at once: what the SDK does for
//! each request, what is put into it, and what is read of the answer.

use aws_credential_types::Credentials;
use aws_sdk_firehose::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use router::batch::Batch;
use router::delivery::BatchSink;
use router::firehose::put_record_batch::DeliveryStream;
use router::kinesis::put_records::Stream;
use tokio::runtime::{Builder, Runtime};

/// Sends one batch again and again.
pub struct Requests<S> {
    runtime: Runtime,
    service: S,
    batch: Batch,
}

impl Requests<DeliveryStream> {
    /// To Data Firehose, which answers with an id for each record.
    pub fn firehose(batch: Batch) -> Self {
        let id = "q".repeat(224);
        let entry = format!("{{\"RecordId\":\"{id}\"}}");
        let answer = format!(
            "{{\"Encrypted\":true,\"FailedPutCount\":0,\"RequestResponses\":[{}]}}",
            vec![entry; batch.items().len()].join(",")
        );
        let config = aws_sdk_firehose::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials())
            .http_client(canned(answer))
            .build();
        let client = aws_sdk_firehose::Client::from_conf(config);
        Self::new(DeliveryStream::new(client, "bench", true), batch)
    }
}

impl Requests<Stream> {
    /// To Kinesis Data Streams, which answers with a sequence number and a shard for each record.
    pub fn kinesis(config: &router::kinesis::options::Config, batch: Batch) -> Self {
        let number = "4".repeat(56);
        let entry =
            format!("{{\"SequenceNumber\":\"{number}\",\"ShardId\":\"shardId-000000000001\"}}");
        let answer = format!(
            "{{\"FailedRecordCount\":0,\"Records\":[{}]}}",
            vec![entry; batch.items().len()].join(",")
        );
        let sdk = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials())
            .http_client(canned(answer))
            .build();
        let client = aws_sdk_kinesis::Client::from_conf(sdk);
        Self::new(Stream::new(client, config, true), batch)
    }
}

impl<S: BatchSink> Requests<S> {
    fn new(service: S, batch: Batch) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            service,
            batch,
        }
    }

    /// Bytes of the request, all of whose records are taken.
    pub fn send(&self) -> usize {
        let answer = self.runtime.block_on(self.service.put(&self.batch));
        let answer = answer.expect("an answer");
        assert!(answer.again.is_none() && answer.refused.is_empty());
        self.batch.body().len()
    }
}

fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "secret", None, None, "bench")
}

/// A client whose answers are in memory.
fn canned(answer: String) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Canned(answer));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Canned(String);

impl HttpConnector for Canned {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(200).expect("a status");
        let body = SdkBody::from(self.0.as_str());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}
