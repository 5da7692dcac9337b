//! The ECS task that the router runs in, as its metadata endpoint tells it.
//!
//! Asked only when a name needs it, once for all sections, with limits on time. Until it is known,
//! and where there is no endpoint, names fall back. A flush waits for the first answer only: after a
//! failure the endpoint is asked again in the background, with growing pauses. Version 4 of the
//! endpoint is preferred, version 3 is all that older agents have.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use cbindings::Log;
use cbindings::line::without_secrets;
use serde::Deserialize;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::aws::bounded_body;
use crate::aws::single_flight::SingleFlight;
use crate::delivery::error::Chain;

/// A task's identity.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Task {
    /// Name or ARN of the cluster, as the endpoint has it.
    pub cluster: String,
    /// The task's ARN.
    #[serde(rename = "TaskARN")]
    pub arn: String,
    /// Name of the task definition.
    pub family: String,
    /// Revision of the task definition.
    pub revision: String,
    /// Where it runs; absent in version 3.
    pub availability_zone: String,
    /// The task's containers.
    pub containers: Vec<Container>,
}

/// One container of a task.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Container {
    /// The runtime's identifier; empty until the container is created.
    pub docker_id: String,
    /// The name in the task definition.
    pub name: String,
}

impl Task {
    /// The last part of the ARN.
    #[must_use]
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// The runtime's identifier of the container with this name.
    #[must_use]
    pub fn container_id(&self, name: &str) -> Option<&str> {
        let container = self.containers.iter().find(|known| known.name == name);
        container.map(|container| container.docker_id.as_str())
    }
}

/// The task's metadata, once it is known; one for each section.
#[derive(Debug)]
pub struct Metadata {
    shared: Arc<Shared>,
    /// What the section's log has said of it.
    said: Mutex<Said>,
}

#[derive(Debug, Eq, PartialEq)]
enum Said {
    Nothing,
    Unknown,
    Known,
}

/// The metadata of one endpoint, shared by the sections of the process.
#[derive(Debug)]
struct Shared {
    endpoint: Arc<Endpoint>,
    /// Asks again after a failure, as long as a section needs it.
    again: Mutex<Option<AbortHandle>>,
}

#[derive(Debug)]
struct Endpoint {
    uris: Vec<String>,
    task: OnceLock<Task>,
    inquiry: SingleFlight<()>,
    failed: AtomicBool,
}

impl Metadata {
    /// Metadata from the endpoint that the environment names; nothing is asked yet.
    #[must_use]
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Self {
        let uris = VARIABLES.into_iter().filter_map(environment);
        let uris: Vec<_> = uris.filter(|uri| !uri.is_empty()).collect();
        Self {
            shared: Shared::of(uris),
            said: Mutex::new(Said::Nothing),
        }
    }

    /// The task, asked for if it is not known yet.
    ///
    /// # Errors
    ///
    /// Why it is not known; after a failure the same reason for a while.
    pub async fn task(&self) -> Result<&Task, String> {
        let endpoint = &self.shared.endpoint;
        if endpoint.uris.is_empty() {
            let names = VARIABLES.join(" nor ");
            return Err(format!("not on ECS: neither {names} is set"));
        }
        endpoint.learn().await?;
        self.known().ok_or_else(|| "no answer".to_owned())
    }

    /// Asks for the task unless it is known. Only the first question is waited for, and not for
    /// long: a flush that ends at `deadline` needs most of its time for its delivery.
    pub async fn learn(&self, deadline: Instant, log: &Log) {
        let endpoint = &self.shared.endpoint;
        if self.known().is_none() && !endpoint.failed.load(Relaxed) {
            let wait = WAIT.min((deadline - Instant::now()) / 4);
            let answer = timeout(wait, self.task()).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("no answer in {wait:.1?}")));
            if let Err(why) = answer {
                self.say_unknown(&why, log);
            }
        }
        match self.known() {
            Some(_) => self.say_known(log),
            None => self.ask_again(),
        }
    }

    /// The task, if it is known.
    #[must_use]
    pub fn known(&self) -> Option<&Task> {
        self.shared.endpoint.task.get()
    }

    fn ask_again(&self) {
        let endpoint = &self.shared.endpoint;
        let mut again = lock(&self.shared.again);
        let running = again.as_ref().is_some_and(|again| !again.is_finished());
        if !running && !endpoint.uris.is_empty() {
            let task = tokio::spawn(endpoint.clone().learn_at_last());
            *again = Some(task.abort_handle());
        }
    }

    fn say_unknown(&self, why: &str, log: &Log) {
        let mut said = lock(&self.said);
        if *said == Said::Nothing {
            *said = Said::Unknown;
            log.warn(format_args!(
                "ECS task metadata is not known, so names that need it fall back until it is: {why}"
            ));
        }
    }

    fn say_known(&self, log: &Log) {
        let mut said = lock(&self.said);
        if *said == Said::Unknown {
            log.info(format_args!(
                "ECS task metadata is known now, and names are made with it"
            ));
        }
        *said = Said::Known;
    }
}

impl Shared {
    fn of(uris: Vec<String>) -> Arc<Self> {
        let mut known = lock(&KNOWN);
        known.retain(|shared| shared.strong_count() > 0);
        let same = |shared: &Arc<Self>| shared.endpoint.uris == uris;
        if let Some(shared) = known.iter().filter_map(Weak::upgrade).find(same) {
            return shared;
        }
        let endpoint = Endpoint {
            uris,
            task: OnceLock::new(),
            inquiry: SingleFlight::new(LEAST_PAUSE, MOST_PAUSE),
            failed: AtomicBool::new(false),
        };
        let shared = Arc::new(Self {
            endpoint: Arc::new(endpoint),
            again: Mutex::default(),
        });
        known.push(Arc::downgrade(&shared));
        shared
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(again) = &*lock(&self.again) {
            again.abort();
        }
    }
}

impl Endpoint {
    async fn learn(self: &Arc<Self>) -> Result<(), String> {
        if self.task.get().is_some() {
            return Ok(());
        }
        let endpoint = Arc::downgrade(self);
        let uris = self.uris.clone();
        let answer = self.inquiry.ask(|| async move {
            let task = first(&uris).await;
            let endpoint = endpoint.upgrade().ok_or("no section needs it any more")?;
            match task {
                Ok(task) => drop(endpoint.task.set(task)),
                Err(why) => {
                    endpoint.failed.store(true, Relaxed);
                    return Err(why);
                }
            }
            Ok(())
        });
        answer.await
    }

    /// Asks until there is an answer.
    async fn learn_at_last(self: Arc<Self>) {
        while self.learn().await.is_err() {
            sleep(self.inquiry.pause()).await;
        }
    }
}

/// Of the versions there are, the newest that answers.
async fn first(uris: &[String]) -> Result<Task, String> {
    let mut failures = Vec::new();
    for uri in uris {
        match ask(uri).await {
            Ok(task) => return Ok(task),
            Err(why) => failures.push(why),
        }
    }
    Err(failures.join("; "))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn ask(uri: &str) -> Result<Task, String> {
    let place = without_secrets(uri);
    let uri = format!("{}/task", uri.trim_end_matches('/'));
    let answer = timeout(LIMIT, fetch(&uri)).await;
    answer
        .unwrap_or_else(|_| Err(format!("no answer in {LIMIT:?}")))
        .map_err(|why| format!("ECS task metadata from {place}: {why}"))
}

async fn fetch(uri: &str) -> Result<Task, String> {
    let mut request = HttpRequest::new(SdkBody::empty());
    request
        .set_uri(uri)
        .map_err(|error| Chain(&error).to_string())?;
    let connector = Connector::builder().build_http();
    let response = connector
        .call(request)
        .await
        .map_err(|error| Chain(&error).to_string())?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("HTTP {}", status.as_u16()));
    }
    let body = bounded_body::body(response.into_body()).await?;
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

static KNOWN: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// The pauses between questions that fail.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(60);
/// A chunk is not held up longer than this by an endpoint that does not answer.
const WAIT: Duration = Duration::from_secs(2);
const VARIABLES: [&str; 2] = [
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
];
/// For each version; the endpoint is on the task's own host.
const LIMIT: Duration = Duration::from_millis(900);

#[cfg(test)]
mod tests;
