//! A task definition, as far as it concerns the router.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What RegisterTaskDefinition is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinition {
    /// The name that its revisions share.
    pub family: String,
    /// How its containers reach the network.
    #[serde(default)]
    pub network_mode: NetworkMode,
    /// Its containers, the router among them.
    pub container_definitions: Vec<ContainerDefinition>,
}

/// How a task's containers reach the network.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// The task has an interface of its own.
    Awsvpc,
    /// Docker's bridge.
    #[default]
    Bridge,
    /// The host's interfaces.
    Host,
    /// No network.
    None,
}

/// A container of a task.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerDefinition {
    /// Its name, the first part of its records' tag.
    pub name: String,
    /// Hard limit, in MiB.
    pub memory: Option<u32>,
    /// Soft limit, in MiB.
    pub memory_reservation: Option<u32>,
    /// What makes a container the router.
    pub firelens_configuration: Option<FirelensConfiguration>,
    /// Where its own lines go.
    pub log_configuration: Option<LogConfiguration>,
}

/// How the router is to be set up.
#[derive(Clone, Debug, Deserialize)]
pub struct FirelensConfiguration {
    /// `enable-ecs-log-metadata`, `config-file-type` and `config-file-value`; others are ignored.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// Where a container's lines go.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogConfiguration {
    /// `awsfirelens` for those that go to the router.
    pub log_driver: String,
    /// Options of the output, and a few that are the agent's own.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Options whose values are secrets.
    #[serde(default)]
    pub secret_options: Vec<SecretOption>,
}

/// An option whose value is a secret.
#[derive(Clone, Debug, Deserialize)]
pub struct SecretOption {
    /// The option's key.
    pub name: String,
}

impl TaskDefinition {
    /// The container that is the router.
    #[must_use]
    pub fn router(&self) -> Option<&ContainerDefinition> {
        let mut containers = self.container_definitions.iter();
        containers.find(|container| container.firelens_configuration.is_some())
    }

    /// The containers whose lines go to the router.
    pub fn sources(&self) -> impl Iterator<Item = &ContainerDefinition> {
        let sends = |container: &&ContainerDefinition| {
            let configuration = container.log_configuration.as_ref();
            configuration.is_some_and(|logs| logs.log_driver == "awsfirelens")
        };
        self.container_definitions.iter().filter(sends)
    }

    pub(super) fn position(&self, container: &ContainerDefinition) -> usize {
        let mut containers = self.container_definitions.iter();
        let position = containers.position(|own| own.name == container.name);
        position.expect("a container of this task")
    }
}

impl NetworkMode {
    /// What the router's forward port is bound to; `None` where ECS opens no port.
    pub(super) fn forward_address(self) -> Option<&'static str> {
        match self {
            Self::Awsvpc => Some("127.0.0.1"),
            Self::Bridge => Some("0.0.0.0"),
            Self::Host | Self::None => None,
        }
    }
}

impl ContainerDefinition {
    /// The options of its log driver.
    ///
    /// # Panics
    ///
    /// When it has none.
    #[must_use]
    pub fn options(&self) -> &BTreeMap<String, String> {
        &self.logs().options
    }

    /// What the output's section says beside `Name` and `Match`, in the order of the keys; the
    /// value of a secret comes from the router's environment, numbered by the container's position.
    #[must_use]
    pub fn output_options(&self, position: usize) -> BTreeMap<String, String> {
        let plain = self.options().clone().into_iter();
        let plain = plain.filter(|(key, _)| !OF_THE_AGENT.contains(&key.as_str()));
        let secret = self.logs().secret_options.iter();
        let secret = secret.map(|SecretOption { name }| {
            let variable = format!("${{{name}_{position}}}");
            (name.clone(), variable)
        });
        plain.chain(secret).collect()
    }

    /// The pattern of the container's tags. It catches those of a container `NAME-firelensx` too.
    pub(super) fn tags(&self) -> String {
        format!("{}-firelens*", self.name)
    }

    pub(super) fn firelens_options(&self) -> &BTreeMap<String, String> {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        let configuration = self.firelens_configuration.as_ref();
        configuration.map_or(NONE, |configuration| &configuration.options)
    }

    /// Half of the memory it may count on.
    pub(super) fn buffer_megabytes(&self) -> u32 {
        let memory = self.memory_reservation.or(self.memory);
        memory.map_or(WITHOUT_LIMITS, |mebibytes| mebibytes / 2)
    }

    /// Only the spellings of Go's `ParseBool` switch it on.
    pub(super) fn adds_metadata(&self) -> bool {
        let switch = self.firelens_options().get("enable-ecs-log-metadata");
        switch.is_none_or(|switch| ["1", "t", "T", "TRUE", "true", "True"].contains(&&**switch))
    }

    fn logs(&self) -> &LogConfiguration {
        let configuration = self.log_configuration.as_ref();
        configuration.expect("a container with a log driver")
    }
}

/// Options that the agent acts upon itself; every other one is the output's.
const OF_THE_AGENT: [&str; 4] = [
    "Name",
    "exclude-pattern",
    "include-pattern",
    "log-driver-buffer-limit",
];
/// Megabytes for a router without memory limits.
const WITHOUT_LIMITS: u32 = 25;
