//! A task definition, as far as logging goes.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::options::Options;

/// What RegisterTaskDefinition takes, and DescribeTaskDefinition answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinition {
    /// The name of its revisions.
    #[serde(default)]
    pub family: String,
    /// How its containers reach the network; `bridge` when absent.
    pub network_mode: Option<String>,
    /// `FARGATE`, `EC2` and others.
    #[serde(default)]
    pub requires_compatibilities: Vec<String>,
    /// Whose permissions its containers have.
    pub task_role_arn: Option<String>,
    /// Whose permissions ECS has when it starts them.
    pub execution_role_arn: Option<String>,
    /// Its containers.
    pub container_definitions: Vec<Container>,
}

/// A container of a task.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name, the first part of its records' tag.
    pub name: String,
    /// Its image.
    #[serde(default)]
    pub image: String,
    /// Whether the task ends with it.
    pub essential: Option<bool>,
    /// Its command, where it is not the image's.
    #[serde(default)]
    pub command: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: Vec<Variable>,
    /// User, and group.
    pub user: Option<String>,
    /// Seconds between the signal to end and the end.
    pub stop_timeout: Option<u32>,
    /// What must be there before it starts.
    #[serde(default)]
    pub depends_on: Vec<Dependency>,
    /// What tells ECS that it works.
    pub health_check: Option<serde_json::Value>,
    /// What makes it the router.
    pub firelens_configuration: Option<Firelens>,
    /// Where its own lines go.
    pub log_configuration: Option<Logs>,
}

/// A variable of a container's environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Variable {
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// A container that another waits for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// The other's name.
    pub container_name: String,
    /// `START`, `HEALTHY`, `COMPLETE` or `SUCCESS`.
    pub condition: String,
}

/// How the router is set up.
#[derive(Clone, Debug, Deserialize)]
pub struct Firelens {
    /// `fluentbit`, or `fluentd`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// Where a container's lines go.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Logs {
    /// `awsfirelens`, `awslogs` and others.
    pub log_driver: String,
    /// Its options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Options whose values are secrets.
    #[serde(default)]
    pub secret_options: Vec<Secret>,
}

/// An option whose value is a secret.
#[derive(Clone, Debug, Deserialize)]
pub struct Secret {
    /// The option's key.
    pub name: String,
}

impl TaskDefinition {
    /// The containers that are routers; a task may have one.
    pub fn routers(&self) -> impl Iterator<Item = &Container> {
        let is_router = |container: &&Container| container.firelens_configuration.is_some();
        self.container_definitions.iter().filter(is_router)
    }

    /// The containers that log by a driver.
    pub fn logging_by(&self, driver: &str) -> impl Iterator<Item = (&Container, &Logs)> {
        let containers = self.container_definitions.iter();
        let logging = containers.filter_map(|it| Some((it, it.log_configuration.as_ref()?)));
        logging.filter(move |(_, logs)| logs.log_driver == driver)
    }

    /// Whether it runs on Fargate.
    #[must_use]
    pub fn is_fargate(&self) -> bool {
        let mut kinds = self.requires_compatibilities.iter();
        kinds.any(|kind| kind == "FARGATE")
    }

    /// The network mode in force.
    #[must_use]
    pub fn network(&self) -> &str {
        self.network_mode.as_deref().unwrap_or("bridge")
    }
}

impl Logs {
    /// The output's options: without the ECS agent's own, and with a secret's value as the variable
    /// that ECS makes of it.
    #[must_use]
    pub fn output(&self) -> Options {
        let plain = self.options.clone().into_iter();
        let plain = plain.filter(|(key, _)| !OF_THE_AGENT.contains(&key.as_str()));
        let secrets = self.secret_options.iter();
        let secrets = secrets.map(|Secret { name }| (name.clone(), format!("${{{name}}}")));
        Options(plain.chain(secrets).collect())
    }
}

/// Options of `awsfirelens` that the ECS agent acts upon itself.
pub const OF_THE_AGENT: [&str; 3] = [
    "exclude-pattern",
    "include-pattern",
    "log-driver-buffer-limit",
];
