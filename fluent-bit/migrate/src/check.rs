//! `--check`: whether the credentials that are found here may do what an output does.
//!
//! Nothing is written that stays: the one event goes to a stream that does not exist, and Firehose and
//! Kinesis are given a batch without a record. A service looks at permissions before it looks for the stream.

use std::fmt;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use router::aws::session::{Session, Settings};
use router::delivery::error::{ErrorClass, SendError};
use router::options::env::environment;
use tokio::time::timeout;

use crate::iam;
use crate::options::Options;
use crate::plugin::{Plugin, reader};

/// What one call told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It may be made.
    Allowed(String),
    /// It may not, or it could not be made.
    Failed(String),
    /// It was not made, and why.
    Untried(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = match self {
            Self::Allowed(text) => ("allowed", text),
            Self::Failed(text) => ("failed", text),
            Self::Untried(text) => ("untried", text),
        };
        write!(f, "{kind:<8}{text}")
    }
}

/// Makes the calls of an output with these options, whose values are known.
pub async fn output(plugin: Plugin, options: &Options) -> Vec<Outcome> {
    let reader = reader(plugin, options);
    let settings = (plugin.info().read)(&reader, environment).session;
    let problems = reader.problems();
    if !problems.is_empty() {
        return problems.into_iter().map(Outcome::Failed).collect();
    }
    let name = reader.text(plugin.info().target_option).unwrap_or_default();
    let calls = timeout(LIMIT, calls(plugin, &settings, &name)).await;
    let silence = |_| vec![Outcome::Failed(format!("no answer in {LIMIT:?}"))];
    let mut outcomes = calls.unwrap_or_else(silence);
    outcomes.extend(untried(plugin, options));
    outcomes
}

async fn calls(plugin: Plugin, settings: &Settings, name: &str) -> Vec<Outcome> {
    let session = match Session::open(settings).await {
        Ok(session) => session,
        Err(why) => return vec![Outcome::Failed(why)],
    };
    let credentials = credentials(&session).await;
    if matches!(credentials, Outcome::Failed(_)) {
        return vec![credentials];
    }
    let call = match plugin {
        _ if name.contains('$') => Outcome::Untried(format!(
            "`{name}` has variables: write a name in its place to try the call"
        )),
        Plugin::CloudWatch => put_log_events(&session, name).await,
        Plugin::Firehose => put_record_batch(&session, name).await,
        Plugin::Kinesis => put_records(&session, name).await,
    };
    vec![credentials, call]
}

/// A role that could not be taken on would have had no credentials.
fn untried(plugin: Plugin, options: &Options) -> impl Iterator<Item = Outcome> {
    let actions = iam::actions(plugin, options).into_iter();
    let creating = actions.filter(|action| !TRIED.contains(action));
    creating.map(|action| Outcome::Untried(format!("{action}: it would leave something behind")))
}

async fn credentials(session: &Session) -> Outcome {
    let Some(provider) = session.config.credentials_provider() else {
        return Outcome::Failed("no credentials".to_owned());
    };
    match provider.provide_credentials().await {
        Ok(found) => {
            let key = found.access_key_id();
            let end = key.get(key.len().saturating_sub(4)..).unwrap_or_default();
            Outcome::Allowed(format!(
                "credentials: the access key ending in {end}, region {}",
                session.region
            ))
        }
        Err(error) => Outcome::Failed(format!(
            "credentials: {}",
            router::delivery::error::Chain(&error)
        )),
    }
}

async fn put_log_events(session: &Session, group: &str) -> Outcome {
    let client = aws_sdk_cloudwatchlogs::Client::new(&session.config);
    let event = InputLogEvent::builder().timestamp(now_ms()).message("-");
    let request = client.put_log_events().log_group_name(group);
    let request = request
        .log_stream_name(NO_STREAM)
        .set_log_events(event.build().ok().map(|event| vec![event]));
    match request.send().await {
        Ok(_) => Outcome::Allowed(format!("logs:PutLogEvents on `{group}`")),
        Err(error) => judged("logs:PutLogEvents", group, &SendError::of(&error), MISSING),
    }
}

async fn put_record_batch(session: &Session, stream: &str) -> Outcome {
    let client = aws_sdk_firehose::Client::new(&session.config);
    let request = client.put_record_batch().delivery_stream_name(stream);
    match request.set_records(Some(Vec::new())).send().await {
        Ok(_) => Outcome::Allowed(format!("firehose:PutRecordBatch on `{stream}`")),
        Err(error) => {
            let fault = SendError::of(&error);
            if fault.kind == ErrorClass::Missing {
                return Outcome::Failed(format!("there is no delivery stream `{stream}`: {fault}"));
            }
            judged("firehose:PutRecordBatch", stream, &fault, EMPTY)
        }
    }
}

async fn put_records(session: &Session, stream: &str) -> Outcome {
    let client = aws_sdk_kinesis::Client::new(&session.config);
    let request = client.put_records().stream_name(stream);
    match request.set_records(Some(Vec::new())).send().await {
        Ok(_) => Outcome::Allowed(format!("kinesis:PutRecords on `{stream}`")),
        Err(error) => {
            let fault = SendError::of(&error);
            if fault.kind == ErrorClass::Missing {
                return Outcome::Failed(format!("there is no stream `{stream}`: {fault}"));
            }
            judged("kinesis:PutRecords", stream, &fault, EMPTY)
        }
    }
}

/// The answer that is expected shows that the call is permitted.
fn judged(action: &str, name: &str, fault: &SendError, expected: &str) -> Outcome {
    match fault.kind {
        ErrorClass::Missing | ErrorClass::Refused => {
            Outcome::Allowed(format!("{action} on `{name}`: not denied ({expected})"))
        }
        _ => Outcome::Failed(format!("{action} on `{name}`: {fault}")),
    }
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or_default()
}

/// For the credentials and the call of one output.
const LIMIT: Duration = Duration::from_secs(20);
/// A name that nobody gives a stream.
const NO_STREAM: &str = "migrate-check-of-permissions-no-such-stream";
const TRIED: [&str; 4] = [
    "firehose:PutRecordBatch",
    "kinesis:PutRecords",
    "logs:PutLogEvents",
    "sts:AssumeRole",
];
const MISSING: &str = "the group or the stream does not exist, so nothing was written";
const EMPTY: &str = "the batch was empty, so nothing was written";
