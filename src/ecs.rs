//! The ECS task that the router runs in, as its metadata endpoint tells it.
//!
//! Asked only when a name needs it, once, with limits on time; until it is known, and where there is
//! no endpoint, names fall back. Version 4 of the endpoint is preferred, version 3 is all that older
//! agents have.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use cbindings::Log;
use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use crate::fault::Chain;

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

/// The task's metadata, once it is known.
#[derive(Debug)]
pub struct Metadata {
    uris: Vec<String>,
    task: OnceCell<Task>,
}

impl Metadata {
    /// Metadata from the endpoint that the environment names; nothing is asked yet.
    #[must_use]
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Self {
        let uris = VARIABLES.into_iter().filter_map(environment);
        Self {
            uris: uris.filter(|uri| !uri.is_empty()).collect(),
            task: OnceCell::new(),
        }
    }

    /// The task, asked for if it is not known yet; the next call asks again after a failure.
    ///
    /// # Errors
    ///
    /// Why it is not known.
    pub async fn task(&self) -> Result<&Task, String> {
        if self.uris.is_empty() {
            return Err(format!(
                "not on ECS: neither {} is set",
                VARIABLES.join(" nor ")
            ));
        }
        self.task.get_or_try_init(|| self.first()).await
    }

    /// Asks for the task unless it is known: names that need it wait for it, but not for long.
    /// A flush that ends at `deadline` needs most of its time for its delivery.
    pub async fn learn(&self, deadline: Instant, log: &Log) {
        if self.known().is_some() {
            return;
        }
        let wait = WAIT.min((deadline - Instant::now()) / 4);
        if let Ok(Err(why)) = timeout(wait, self.task()).await {
            log.debug(format_args!("{why}"));
        }
    }

    /// The task, if it is known.
    #[must_use]
    pub fn known(&self) -> Option<&Task> {
        self.task.get()
    }

    /// Of the versions there are, the newest that answers.
    async fn first(&self) -> Result<Task, String> {
        let mut failures = Vec::new();
        for uri in &self.uris {
            match ask(uri).await {
                Ok(task) => return Ok(task),
                Err(why) => failures.push(why),
            }
        }
        Err(failures.join("; "))
    }
}

async fn ask(uri: &str) -> Result<Task, String> {
    let uri = format!("{}/task", uri.trim_end_matches('/'));
    let answer = timeout(LIMIT, fetch(&uri)).await;
    answer
        .unwrap_or_else(|_| Err(format!("no answer in {LIMIT:?}")))
        .map_err(|why| format!("ECS task metadata from {uri}: {why}"))
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
    let body = ByteStream::new(response.into_body()).collect().await;
    let body = body
        .map_err(|error| Chain(&error).to_string())?
        .into_bytes();
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

/// A chunk is not held up longer than this by an endpoint that does not answer.
const WAIT: Duration = Duration::from_secs(2);
const VARIABLES: [&str; 2] = [
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
];
/// For each version; the endpoint is on the task's own host.
const LIMIT: Duration = Duration::from_millis(900);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoints_answer_is_read() {
        let answer = r#"{"Cluster":"prod","TaskARN":"arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9d",
            "Family":"shop","Revision":"7","AvailabilityZone":"eu-west-1a",
            "Containers":[{"DockerId":"d-1","Name":"web","Type":"NORMAL"}]}"#;
        let task: Task = serde_json::from_str(answer).unwrap();
        assert_eq!(
            (task.id(), task.family.as_str(), task.revision.as_str()),
            ("0f9d", "shop", "7")
        );
        assert_eq!(
            (task.container_id("web"), task.container_id("x")),
            (Some("d-1"), None)
        );
        let old: Task = serde_json::from_str(r#"{"Cluster":"c","TaskARN":"a/b"}"#).unwrap();
        assert_eq!((old.id(), old.availability_zone.as_str()), ("b", ""));
    }

    #[test]
    fn version_4_of_the_endpoint_is_preferred() {
        let both = Metadata::of(|name| Some(format!("http://{name}")));
        assert_eq!(
            both.uris,
            [
                "http://ECS_CONTAINER_METADATA_URI_V4",
                "http://ECS_CONTAINER_METADATA_URI"
            ]
        );
        let old = Metadata::of(|name| (name == VARIABLES[1]).then(|| "http://old".into()));
        assert_eq!(old.uris, ["http://old"]);
        assert!(Metadata::of(|_| None).uris.is_empty());
    }
}
