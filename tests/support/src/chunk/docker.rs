//! The records that a FireLens router sees.
//!
//! Docker's `fluentd` driver sends a line as a map of strings; the `record_modifier` filter that
//! ECS generates appends the task's metadata. Sources: moby `daemon/logger/fluentd/fluentd.go`,
//! the ECS agent's generated configuration.

use super::value::{Value, map};

/// Where a line comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Container {
    /// The container's name in the task definition.
    pub name: String,
    /// The task's identifier, the last part of its ARN.
    pub task: String,
    /// The cluster's name.
    pub cluster: String,
    /// `family:revision`.
    pub definition: String,
}

impl Container {
    /// A container of a task `app:1` in the cluster `default`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            task: "0123456789abcdef0123456789abcdef".to_owned(),
            cluster: "default".to_owned(),
            definition: "app:1".to_owned(),
        }
    }

    /// The tag that FireLens gives the container's records: `<name>-firelens-<task>`.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}-firelens-{}", self.name, self.task)
    }

    fn docker_name(&self) -> String {
        format!(
            "/ecs-{}-{}-b2d8f0a1c3e597866200",
            self.definition.replace(':', "-"),
            self.name
        )
    }

    /// The task's ARN, in us-east-1.
    #[must_use]
    pub fn task_arn(&self) -> String {
        format!(
            "arn:aws:ecs:us-east-1:123456789012:task/{}/{}",
            self.cluster, self.task
        )
    }

    /// What the generated filter appends to each record.
    #[must_use]
    pub fn metadata(&self) -> [(&'static str, String); 3] {
        [
            ("ecs_cluster", self.cluster.clone()),
            ("ecs_task_arn", self.task_arn()),
            ("ecs_task_definition", self.definition.clone()),
        ]
    }
}

/// One line of a container, as Docker sends it. `source` is `stdout` or `stderr`.
#[must_use]
pub fn docker_record<T: From<String>>(
    container: &Container,
    source: &str,
    log: impl Into<T>,
) -> Vec<(&'static str, T)> {
    vec![
        ("container_id", T::from(CONTAINER_ID.to_owned())),
        ("container_name", container.docker_name().into()),
        ("source", source.to_owned().into()),
        ("log", log.into()),
    ]
}

/// One line of a container, as it reaches the output. `source` is `stdout` or `stderr`.
#[must_use]
pub fn docker_line(container: &Container, source: &str, log: impl Into<Value>) -> Value {
    let sent = docker_record::<Value>(container, source, log);
    let metadata = container.metadata();
    map(sent
        .into_iter()
        .chain(metadata.map(|(key, value)| (key, value.into()))))
}

const CONTAINER_ID: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
