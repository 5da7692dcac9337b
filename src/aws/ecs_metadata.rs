//! The ECS task that the router runs in, from the task metadata endpoint.
//!
//! The endpoint is queried only when a name template needs it, once for all sections, with a timeout.
//! Until the task is known, and where there is no endpoint, names use their fallback. A flush waits for
//! the first query only; after a failure the endpoint is queried again in the background, with growing
//! pauses. Version 4 of the endpoint is preferred; older agents have only version 3.

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

/// The metadata of a task.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Task {
    /// Name or ARN of the cluster, as the endpoint returns it.
    pub cluster: String,
    /// The task's ARN.
    #[serde(rename = "TaskARN")]
    pub arn: String,
    /// Name of the task definition.
    pub family: String,
    /// Revision of the task definition.
    pub revision: String,
    /// The availability zone; absent in version 3.
    pub availability_zone: String,
    /// The task's containers.
    pub containers: Vec<Container>,
}

/// One container of a task.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Container {
    /// The container runtime's id; empty until the container is created.
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

    /// The container runtime's id of the container with this name.
    #[must_use]
    pub fn container_id(&self, name: &str) -> Option<&str> {
        let container = self.containers.iter().find(|known| known.name == name);
        container.map(|container| container.docker_id.as_str())
    }
}

/// The task metadata of one section, shared with the sections that use the same endpoint.
#[derive(Debug)]
pub struct Metadata {
    shared: Arc<SharedMetadata>,
    /// What the section's log has reported about it.
    reported: Mutex<Reported>,
}

#[derive(Debug, Eq, PartialEq)]
enum Reported {
    Nothing,
    Unknown,
    Known,
}

/// The metadata of one endpoint, shared by the sections of the process; aborts the background task on
/// drop.
#[derive(Debug)]
struct SharedMetadata {
    endpoint: Arc<Endpoint>,
    /// The background task that queries again after a failure.
    background: Mutex<Option<AbortHandle>>,
}

#[derive(Debug)]
struct Endpoint {
    uris: Vec<String>,
    task: OnceLock<Task>,
    fetches: SingleFlight<()>,
    has_failed: AtomicBool,
}

impl Metadata {
    /// Metadata from the endpoint that the environment names. Does not query it yet.
    #[must_use]
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Self {
        let uris = VARIABLES.into_iter().filter_map(environment);
        let uris: Vec<_> = uris.filter(|uri| !uri.is_empty()).collect();
        Self {
            shared: SharedMetadata::of(uris),
            reported: Mutex::new(Reported::Nothing),
        }
    }

    /// Returns the task, and queries the endpoint if the task is not known yet.
    ///
    /// # Errors
    ///
    /// When there is no endpoint or the query failed. After a failure the same error is returned for
    /// some time without a query.
    pub async fn task(&self) -> Result<&Task, String> {
        let endpoint = &self.shared.endpoint;
        if endpoint.uris.is_empty() {
            let names = VARIABLES.join(" nor ");
            return Err(format!("not on ECS: neither {names} is set"));
        }
        endpoint.fetch().await?;
        self.known().ok_or_else(|| "no answer".to_owned())
    }

    /// Queries the endpoint unless the task is known. Waits for the first query only, for 2 s or a quarter
    /// of the time until `deadline` at most: a flush needs most of its time for the delivery.
    pub async fn fetch(&self, deadline: Instant, log: &Log) {
        let endpoint = &self.shared.endpoint;
        if self.known().is_none() && !endpoint.has_failed.load(Relaxed) {
            let wait = MAX_WAIT.min((deadline - Instant::now()) / 4);
            let answer = timeout(wait, self.task()).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("no answer in {wait:.1?}")));
            if let Err(why) = answer {
                self.log_unknown(&why, log);
            }
        }
        match self.known() {
            Some(_) => self.log_known(log),
            None => self.fetch_in_background(),
        }
    }

    /// The task, if it is known.
    #[must_use]
    pub fn known(&self) -> Option<&Task> {
        self.shared.endpoint.task.get()
    }

    fn fetch_in_background(&self) {
        let endpoint = &self.shared.endpoint;
        let mut background = lock(&self.shared.background);
        let running = background
            .as_ref()
            .is_some_and(|background| !background.is_finished());
        if !running && !endpoint.uris.is_empty() {
            let task = tokio::spawn(endpoint.clone().fetch_until_known());
            *background = Some(task.abort_handle());
        }
    }

    fn log_unknown(&self, why: &str, log: &Log) {
        let mut reported = lock(&self.reported);
        if *reported == Reported::Nothing {
            *reported = Reported::Unknown;
            log.warn(format_args!(
                "ECS task metadata is not known, so names that need it fall back until it is: {why}"
            ));
        }
    }

    fn log_known(&self, log: &Log) {
        let mut reported = lock(&self.reported);
        if *reported == Reported::Unknown {
            log.info(format_args!(
                "ECS task metadata is known now, and names are made with it"
            ));
        }
        *reported = Reported::Known;
    }
}

impl SharedMetadata {
    fn of(uris: Vec<String>) -> Arc<Self> {
        let mut endpoints = lock(&ENDPOINTS);
        endpoints.retain(|shared| shared.strong_count() > 0);
        let same = |shared: &Arc<Self>| shared.endpoint.uris == uris;
        if let Some(shared) = endpoints.iter().filter_map(Weak::upgrade).find(same) {
            return shared;
        }
        let endpoint = Endpoint {
            uris,
            task: OnceLock::new(),
            fetches: SingleFlight::new(MIN_PAUSE, MAX_PAUSE),
            has_failed: AtomicBool::new(false),
        };
        let shared = Arc::new(Self {
            endpoint: Arc::new(endpoint),
            background: Mutex::default(),
        });
        endpoints.push(Arc::downgrade(&shared));
        shared
    }
}

impl Drop for SharedMetadata {
    fn drop(&mut self) {
        if let Some(background) = &*lock(&self.background) {
            background.abort();
        }
    }
}

impl Endpoint {
    async fn fetch(self: &Arc<Self>) -> Result<(), String> {
        if self.task.get().is_some() {
            return Ok(());
        }
        let endpoint = Arc::downgrade(self);
        let uris = self.uris.clone();
        let answer = self.fetches.ask(|| async move {
            let task = query_any(&uris).await;
            let endpoint = endpoint.upgrade().ok_or("no section needs it any more")?;
            match task {
                Ok(task) => drop(endpoint.task.set(task)),
                Err(why) => {
                    endpoint.has_failed.store(true, Relaxed);
                    return Err(why);
                }
            }
            Ok(())
        });
        answer.await
    }

    /// Queries until there is an answer.
    async fn fetch_until_known(self: Arc<Self>) {
        while self.fetch().await.is_err() {
            sleep(self.fetches.pause()).await;
        }
    }
}

/// The answer of the newest version that answers.
async fn query_any(uris: &[String]) -> Result<Task, String> {
    let mut failures = Vec::new();
    for uri in uris {
        match query(uri).await {
            Ok(task) => return Ok(task),
            Err(why) => failures.push(why),
        }
    }
    Err(failures.join("; "))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn query(uri: &str) -> Result<Task, String> {
    let place = without_secrets(uri);
    let uri = format!("{}/task", uri.trim_end_matches('/'));
    let answer = timeout(LIMIT, get(&uri)).await;
    answer
        .unwrap_or_else(|_| Err(format!("no answer in {LIMIT:?}")))
        .map_err(|why| format!("ECS task metadata from {place}: {why}"))
}

async fn get(uri: &str) -> Result<Task, String> {
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

static ENDPOINTS: Mutex<Vec<Weak<SharedMetadata>>> = Mutex::new(Vec::new());

/// The first and the longest pause between failed queries.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// The longest time that a flush waits for an endpoint that does not answer.
const MAX_WAIT: Duration = Duration::from_secs(2);
const VARIABLES: [&str; 2] = [
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
];
/// Timeout of the query of one version; the endpoint is on the task's own machine.
const LIMIT: Duration = Duration::from_millis(900);

#[cfg(test)]
mod tests;
