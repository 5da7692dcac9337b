//! A task definition, as far as logging goes.

mod container;

pub use self::container::{
    Container, Dependency, Firelens, Logs, OF_THE_AGENT, Secret, Variable, VariableFile, pairs,
};

use self::container::texts;
use crate::tree::{Node, json};

/// What RegisterTaskDefinition takes, and DescribeTaskDefinition answers.
#[derive(Clone, Debug, Default)]
pub struct TaskDefinition {
    /// The name of its revisions.
    pub family: String,
    /// How its containers reach the network; `bridge` when absent.
    pub network_mode: Option<String>,
    /// `FARGATE`, `EC2` and others.
    pub requires_compatibilities: Vec<String>,
    /// Whose permissions its containers have.
    pub task_role_arn: Option<String>,
    /// Whose permissions ECS has when it starts them.
    pub execution_role_arn: Option<String>,
    /// Its containers.
    pub container_definitions: Vec<Container>,
    /// What the document is that it was read from.
    pub flavor: Flavor,
    /// The text that its places are in.
    pub layer: usize,
    /// The list of its containers.
    pub list: Option<Node>,
}

/// What describes the containers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Flavor {
    /// A whole task definition.
    #[default]
    Task,
    /// Containers without the task that they are in.
    Containers,
    /// Services of a compose file.
    Compose,
    /// A manifest of AWS Copilot.
    Copilot,
    /// A program for the CDK, of which only literal options are read.
    Program,
}

impl TaskDefinition {
    /// Reads a task definition in JSON.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let node = json::parse(text)?;
        let node = node.get("taskDefinition").unwrap_or(&node);
        match node.get("containerDefinitions") {
            Some(list) => Ok(Self::of(node, list)),
            None => Err("it has no `containerDefinitions`".to_owned()),
        }
    }

    /// The task definition that a mapping is, with its containers.
    #[must_use]
    pub fn of(node: &Node, containers: &Node) -> Self {
        let texts = |key: &str| texts(node.get(key));
        Self {
            family: node.text_of("family").unwrap_or_default(),
            network_mode: node.text_of("networkMode"),
            requires_compatibilities: texts("requiresCompatibilities"),
            task_role_arn: node.text_of("taskRoleArn"),
            execution_role_arn: node.text_of("executionRoleArn"),
            container_definitions: all(containers),
            list: Some(containers.clone()),
            ..Self::default()
        }
    }

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

/// The containers of a list, or of a mapping of names.
fn all(containers: &Node) -> Vec<Container> {
    let listed = containers
        .items()
        .iter()
        .filter(|item| !item.members().is_empty());
    let is_one = |node: &Node| {
        let keys = [
            "image",
            "container_image",
            "logConfiguration",
            "firelensConfiguration",
        ];
        keys.iter().any(|key| node.get(key).is_some())
    };
    let named = containers
        .members()
        .iter()
        .filter(|member| is_one(&member.value));
    let named = named.map(|member| {
        let mut container = Container::of(&member.value);
        if container.name.is_empty() {
            container.name.clone_from(&member.key);
        }
        container
    });
    listed.map(Container::of).chain(named).collect()
}
