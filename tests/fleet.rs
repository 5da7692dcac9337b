//! A thousand tasks that start in the same moment: the real delivery and creation, through the SDK,
//! against a service in memory and on a clock that nobody waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use cbindings::{Log, Verdict};
use router::aws::session::Settings;
use router::batch::{Batch, BatchBuilder, Limits};
use router::cloudwatch::LABELS;
use router::cloudwatch::options::CreateOptions;
use router::cloudwatch::provision::Provisioner;
use router::cloudwatch::put_log_events::{RequestOptions, Stream};
use router::cloudwatch::route::LogStreamId;
use router::delivery::rate_limiter::RateLimiter;
use router::delivery::{Deadline, DeliveryContext, TargetHandle, deliver_all};
use router::telemetry::Telemetry;
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// CloudWatch Logs: groups, streams, and who called what for which name.
#[derive(Debug, Default)]
struct Logs {
    groups: BTreeSet<String>,
    streams: BTreeMap<(String, String), usize>,
    /// By task, operation and name.
    calls: BTreeMap<(String, String, String), usize>,
}

impl Logs {
    /// Status, and the error if there is one.
    fn take(&mut self, task: &str, operation: &str, body: &Value) -> (u16, &'static str) {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let (group, stream) = (text("logGroupName"), text("logStreamName"));
        let call = (
            task.to_owned(),
            operation.to_owned(),
            format!("{group}:{stream}"),
        );
        *self.calls.entry(call).or_default() += 1;
        let known = self.groups.contains(&group);
        match operation {
            "CreateLogGroup" if !self.groups.insert(group.clone()) => (400, EXISTS),
            "CreateLogGroup" => (200, "{}"),
            _ if !known => (400, NO_GROUP),
            "CreateLogStream" => {
                self.streams.entry((group, stream)).or_default();
                (200, "{}")
            }
            "PutLogEvents" => match self.streams.get_mut(&(group, stream)) {
                Some(events) => {
                    *events += body["logEvents"].as_array().map_or(0, Vec::len);
                    (200, "{}")
                }
                None => (400, NO_STREAM),
            },
            other => panic!("{other} was called"),
        }
    }

    fn count(&self, operation: &str) -> usize {
        let calls = self.calls.iter();
        calls
            .filter(|((_, called, _), _)| called == operation)
            .map(|(_, count)| count)
            .sum()
    }
}

/// One task's way to the service: each call takes a time of its own.
#[derive(Clone, Debug)]
struct Network {
    task: String,
    logs: Arc<Mutex<Logs>>,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let network = self.clone();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).expect("JSON");
        HttpConnectorFuture::new(async move {
            let there = Duration::from_micros(network.random.lock().unwrap().u64(500..40_000));
            sleep(there).await;
            let (status, answer) =
                network
                    .logs
                    .lock()
                    .unwrap()
                    .take(&network.task, &operation, &body);
            sleep(there).await;
            let status = status.try_into().expect("a status");
            Ok(HttpResponse::new(status, SdkBody::from(answer)))
        })
    }
}

impl Network {
    fn client(&self) -> Client {
        let network = self.clone();
        let config = Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| {
                SharedHttpConnector::new(network.clone())
            }));
        Client::from_conf(config.build())
    }
}

/// Delivers a task's first chunk: an event for each of its streams.
async fn start_task(network: Network, streams: usize) -> Verdict {
    let telemetry = Telemetry::new(Log::muted(), LABELS);
    let creation = CreateOptions {
        group: true,
        stream: true,
        ..CreateOptions::default()
    };
    let all = Arc::new(Provisioner::new(
        creation,
        &Settings::default(),
        telemetry.clone(),
    ));
    let client = network.client();
    let batches = (0..streams).map(|number| {
        let place = LogStreamId {
            group: "/shop".to_owned(),
            stream: format!("web/{}/{number}", network.task),
        };
        let batch = batch(&place);
        let stream = Stream::new(
            client.clone(),
            place,
            all.clone(),
            RequestOptions::default(),
        );
        (Arc::new(TargetHandle::new(stream)), batch)
    });
    let terms = DeliveryContext {
        at_once: 16,
        deadline: Deadline::new(Instant::now() + Duration::from_secs(10)),
        rate_limiter: Arc::<RateLimiter>::default(),
        halvings: 0,
        targets: Arc::default(),
        telemetry,
    };
    deliver_all(batches.collect::<Vec<_>>(), &terms)
        .await
        .verdict()
}

fn batch(place: &LogStreamId) -> Batch {
    let LogStreamId { group, stream } = place;
    let head = format!(r#"{{"logGroupName":"{group}","logStreamName":"{stream}","logEvents":["#);
    let limits = Limits {
        items: 1,
        bytes: 1000,
        span_ms: None,
    };
    let mut open = BatchBuilder::new(limits, head.as_bytes(), None);
    let start = open.body().len();
    open.body()
        .extend_from_slice(br#"{"timestamp":1,"message":"m"}"#);
    assert!(open.add(start, 1, 27, 0).is_none());
    open.finish().expect("an event")
}

/// The service after so many tasks have started at once.
async fn started(tasks: usize, streams: usize, groups: &[&str], seed: u64) -> Logs {
    fastrand::seed(seed);
    let logs = Arc::new(Mutex::new(Logs::default()));
    logs.lock()
        .unwrap()
        .groups
        .extend(groups.iter().map(|&group| group.to_owned()));
    let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let (logs, random) = (logs.clone(), random.clone());
            tokio::spawn(start_task(
                Network {
                    task: task.to_string(),
                    logs,
                    random,
                },
                streams,
            ))
        })
        .collect();
    for task in running {
        assert_eq!(task.await.expect("a verdict"), Verdict::Done);
    }
    Arc::into_inner(logs)
        .expect("nobody calls any more")
        .into_inner()
        .unwrap()
}

/// Each event is there once, and no task made a name twice.
fn assert_frugal(logs: &Logs, tasks: usize, streams: usize) {
    assert_eq!(logs.streams.len(), tasks * streams);
    assert!(logs.streams.values().all(|&events| events == 1));
    for (call, count) in &logs.calls {
        let most = if call.1 == "PutLogEvents" { 2 } else { 1 };
        assert!(*count <= most, "{call:?}: {count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_tasks_at_once_describe_nothing_and_create_each_name_once() {
    for (groups, creates) in [(&["/shop"][..], 0), (&[], 1000)] {
        let logs = started(1000, 1, groups, 11).await;
        assert_frugal(&logs, 1000, 1);
        assert_eq!(logs.count("CreateLogStream"), 1000);
        // Who finds the group missing tries to create it; others may have been faster.
        assert!(logs.count("CreateLogGroup") <= creates);
    }
}

#[tokio::test(start_paused = true)]
async fn the_streams_of_a_task_create_their_group_once() {
    for seed in 0..5 {
        let logs = started(10, 20, &[], seed).await;
        assert_frugal(&logs, 10, 20);
        assert!(logs.count("CreateLogGroup") <= 10);
    }
}

const EXISTS: &str = r#"{"__type":"ResourceAlreadyExistsException","message":"The specified log group already exists"}"#;
const NO_GROUP: &str =
    r#"{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}"#;
const NO_STREAM: &str = r#"{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}"#;
