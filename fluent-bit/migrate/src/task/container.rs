//! A container, as far as logging goes.

use std::collections::BTreeMap;

use crate::options::Options;
use crate::tree::{Kind, Member, Node};

/// A container of a task.
#[derive(Clone, Debug, Default)]
pub struct Container {
    /// Its name, the first part of its records' tag.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Whether the task ends with it.
    pub essential: Option<bool>,
    /// Its command, where it is not the image's.
    pub command: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<Variable>,
    /// Files with more variables.
    pub environment_files: Vec<VariableFile>,
    /// User, and group.
    pub user: Option<String>,
    /// Seconds between the signal to end and the end.
    pub stop_timeout: Option<u32>,
    /// What must be there before it starts.
    pub depends_on: Vec<Dependency>,
    /// Whether something tells ECS that it works.
    pub has_health_check: bool,
    /// What makes it the router.
    pub firelens_configuration: Option<Firelens>,
    /// Where its own lines go.
    pub log_configuration: Option<Logs>,
    /// Where it is.
    pub node: Option<Node>,
}

/// A variable of a container's environment.
#[derive(Clone, Debug, Default)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The file that has it, where it is not the definition.
    pub file: Option<String>,
}

/// A file with variables.
#[derive(Clone, Debug, Default)]
pub struct VariableFile {
    /// Its path or its ARN.
    pub path: String,
    /// Whether it was read.
    pub is_here: bool,
}

impl VariableFile {
    /// The files that a value names: one path, a list of paths, or of mappings with the path.
    fn all(node: Option<&Node>) -> Vec<Self> {
        let Some(node) = node else {
            return Vec::new();
        };
        let path = |node: &Node| {
            node.text()
                .or_else(|| node.text_of("value"))
                .or_else(|| node.text_of("path"))
        };
        let items = std::iter::once(node).chain(node.items());
        let paths = items.filter_map(path);
        paths
            .map(|path| Self {
                path,
                is_here: false,
            })
            .collect()
    }
}

/// A container that another waits for.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The other's name.
    pub container_name: String,
    /// `START`, `HEALTHY`, `COMPLETE` or `SUCCESS`.
    pub condition: String,
}

/// How the router is set up.
#[derive(Clone, Debug, Default)]
pub struct Firelens {
    /// `fluentbit`, or `fluentd`.
    pub kind: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}

/// Where a container's lines go.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// `awsfirelens`, `awslogs` and others.
    pub log_driver: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
    /// Options whose values are secrets.
    pub secret_options: Vec<Secret>,
    /// Where its options are.
    pub node: Option<Node>,
}

/// An option whose value is a secret.
#[derive(Clone, Debug, Default)]
pub struct Secret {
    /// The option's key.
    pub name: String,
    /// The ARN of a secret or of a parameter.
    pub value_from: String,
}

impl Container {
    /// The container that a mapping is.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        let text = |keys: [&str; 2]| keys.into_iter().find_map(|key| node.text_of(key));
        let environment = node.get("environment").map(pairs).unwrap_or_default();
        let files = node.get("environmentFiles").or(node.get("env_file"));
        let waits = node.get("dependsOn").map(Node::items).unwrap_or_default();
        Self {
            name: text(["name", "container_name"]).unwrap_or_default(),
            image: text(["image", "container_image"]).unwrap_or_default(),
            essential: node.text_of("essential").and_then(|text| text.parse().ok()),
            command: texts(node.get("command")),
            environment: environment
                .into_iter()
                .map(|(name, value)| Variable {
                    name,
                    value,
                    file: None,
                })
                .collect(),
            environment_files: VariableFile::all(files),
            user: node.text_of("user"),
            stop_timeout: node
                .text_of("stopTimeout")
                .and_then(|text| text.parse().ok()),
            depends_on: waits.iter().filter_map(Dependency::of).collect(),
            has_health_check: node.get("healthCheck").is_some_and(Node::is_structure),
            firelens_configuration: node.get("firelensConfiguration").and_then(Firelens::of),
            log_configuration: node.get("logConfiguration").and_then(Logs::of),
            node: Some(node.clone()),
        }
    }
}

impl Dependency {
    fn of(node: &Node) -> Option<Self> {
        Some(Self {
            container_name: node.text_of("containerName")?,
            condition: node.text_of("condition").unwrap_or_default(),
        })
    }
}

impl Firelens {
    fn of(node: &Node) -> Option<Self> {
        node.is_structure().then(|| Self {
            kind: node.text_of("type").unwrap_or_default(),
            options: node
                .get("options")
                .map(|options| pairs(options).into_iter().collect())
                .unwrap_or_default(),
        })
    }
}

impl Logs {
    /// The log configuration that a mapping is, with `driver` in a compose file.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        let driver = node
            .text_of("logDriver")
            .or_else(|| node.text_of("driver"))?;
        let options = node.get("options");
        let secrets = node
            .get("secretOptions")
            .map(Node::items)
            .unwrap_or_default();
        let secrets = secrets.iter().filter_map(|secret| {
            Some(Secret {
                name: secret.text_of("name")?,
                value_from: secret.text_of("valueFrom").unwrap_or_default(),
            })
        });
        Some(Self {
            log_driver: driver,
            options: options
                .map(|options| pairs(options).into_iter().collect())
                .unwrap_or_default(),
            secret_options: secrets.collect(),
            node: Some(node.clone()),
        })
    }

    /// The output's options: without the ECS agent's own, and with a secret's value as the variable
    /// that ECS makes of it.
    #[must_use]
    pub fn output(&self) -> Options {
        let plain = self.options.clone().into_iter();
        let plain = plain.filter(|(key, _)| !OF_THE_AGENT.contains(&key.as_str()));
        let secrets = self.secret_options.iter();
        let secrets = secrets.map(|Secret { name, .. }| (name.clone(), format!("${{{name}}}")));
        Options(plain.chain(secrets).collect())
    }
}

/// Names and values: of a mapping, of a list of `name` and `value`, or of `NAME=VALUE`.
#[must_use]
pub fn pairs(node: &Node) -> Vec<(String, String)> {
    let known = |value: &Node| value.text().unwrap_or_else(|| "${...}".to_owned());
    if let Kind::Map(members) = &node.kind {
        let is_pair =
            |member: &&Member| member.value.kind != Kind::Null && !member.key.starts_with("Fn::");
        let members = members.iter().filter(is_pair);
        return members
            .map(|it| (it.key.clone(), known(&it.value)))
            .collect();
    }
    let items = node.items().iter();
    let pairs = items.filter_map(|item| match item.text() {
        Some(text) => {
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            Some((name.to_owned(), value.to_owned()))
        }
        None => Some((
            item.text_of("name")?,
            item.get("value").map(known).unwrap_or_default(),
        )),
    });
    pairs.collect()
}

/// The texts of a list, or the words of one text.
pub(super) fn texts(node: Option<&Node>) -> Vec<String> {
    match node {
        None => Vec::new(),
        Some(node) => match node.text() {
            Some(text) => text.split_whitespace().map(str::to_owned).collect(),
            None => node.items().iter().filter_map(Node::text).collect(),
        },
    }
}

/// Options of `awsfirelens` that the ECS agent acts upon itself.
pub const OF_THE_AGENT: [&str; 3] = [
    "exclude-pattern",
    "include-pattern",
    "log-driver-buffer-limit",
];
