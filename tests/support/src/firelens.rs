//! The configuration that the ECS agent writes for a task's FireLens router.
//!
//! Made from a task definition and the place where the task runs, line for line as the agent makes
//! it. One thing differs: the agent's order of containers changes from start to start, here it is
//! the task definition's.
//!
//! Sources: the ECS agent's `agent/taskresource/firelens/firelensconfig_unix.go` and its tests, the
//! template of `go-config-generator-for-fluentd-and-fluentbit`.

mod definition;
mod section;
#[cfg(test)]
mod tests;

pub use definition::{
    ContainerDefinition, FirelensConfiguration, LogConfiguration, NetworkMode, SecretOption,
    TaskDefinition,
};

use std::error::Error;
use std::fmt::{self, Display};

use section::Section;

/// Where a task runs, as far as the configuration tells of it.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The cluster's short name.
    pub cluster: String,
    /// The task's ARN.
    pub task_arn: String,
    /// The task definition's revision.
    pub revision: u32,
    /// The container instance's EC2 identifier; `None` on Fargate.
    pub ec2_instance_id: Option<String>,
    /// Where the router listens.
    pub listen: Listen,
}

/// Where a router listens; ECS knows the default alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listen {
    /// The socket that Docker's log driver writes to.
    pub unix_path: String,
    /// The port for applications that speak the forward protocol themselves.
    pub forward_port: u16,
    /// The port for health checks.
    pub health_port: u16,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            unix_path: "/var/run/fluent.sock".to_owned(),
            forward_port: 24224,
            health_port: 8877,
        }
    }
}

/// Why the agent would not start the task.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// No container has a `firelensConfiguration`.
    NoRouter,
    /// A container has options for an output, but no `Name` says which.
    NoOutputName(String),
    /// `config-file-type` is neither `file` nor `s3`.
    UnknownFileType(String),
    /// `config-file-type` is set and `config-file-value` is not.
    NoFileValue,
}

/// The text of the router's configuration file.
///
/// # Errors
///
/// What the agent fails the task for.
pub fn configuration(
    definition: &TaskDefinition,
    placement: &Placement,
) -> Result<String, Refusal> {
    let router = definition.router().ok_or(Refusal::NoRouter)?;
    let mut blocks = inputs(definition.network_mode, router, &placement.listen);
    blocks.extend(greps(definition));
    blocks.extend(metadata(definition, router, placement));
    blocks.extend(included(router)?);
    blocks.extend(health_output(definition.network_mode));
    blocks.extend(outputs(definition)?);
    Ok(format!("\n{}\n", blocks.join("\n\n")))
}

fn inputs(
    mode: NetworkMode,
    router: &ContainerDefinition,
    Listen {
        unix_path,
        forward_port,
        health_port,
    }: &Listen,
) -> Vec<String> {
    let forward = || Section::new("INPUT").line("Name forward");
    let socket = forward()
        .line(format_args!(
            "Mem_Buf_Limit {}MB",
            router.buffer_megabytes()
        ))
        .line(format_args!("unix_path {unix_path}"));
    let Some(address) = mode.forward_address() else {
        return vec![socket.text()];
    };
    let network = forward()
        .line(format_args!("Listen {address}"))
        .line(format_args!("Port {forward_port}"));
    let health = Section::new("INPUT")
        .line("Name tcp")
        .line(format_args!("Tag {HEALTH_TAG}"))
        .line("Listen 127.0.0.1")
        .line(format_args!("Port {health_port}"));
    [socket, network, health].map(Section::text).to_vec()
}

/// Every include pattern stands before every exclude pattern.
fn greps(definition: &TaskDefinition) -> Vec<String> {
    let patterns = [
        ("include-pattern", "Regex  log"),
        ("exclude-pattern", "Exclude log"),
    ];
    let filters = patterns.into_iter().flat_map(|(option, rule)| {
        definition.sources().filter_map(move |source| {
            let pattern = source.options().get(option)?;
            let filter = Section::new("FILTER")
                .line("Name   grep")
                .line(format_args!("Match {}", source.tags()))
                .line(format_args!("{rule} {pattern}"));
            Some(filter.text())
        })
    });
    filters.collect()
}

fn metadata(
    definition: &TaskDefinition,
    router: &ContainerDefinition,
    placement: &Placement,
) -> Option<String> {
    let Placement {
        cluster,
        task_arn,
        revision,
        ec2_instance_id,
        ..
    } = placement;
    let mut filter = Section::new("FILTER")
        .line("Name record_modifier")
        .line("Match *");
    if let Some(instance) = ec2_instance_id {
        filter = filter.line(format_args!("Record ec2_instance_id {instance}"));
    }
    let family = &definition.family;
    let filter = filter
        .line(format_args!("Record ecs_cluster {cluster}"))
        .line(format_args!("Record ecs_task_arn {task_arn}"))
        .line(format_args!(
            "Record ecs_task_definition {family}:{revision}"
        ));
    router.adds_metadata().then(|| filter.text())
}

fn included(router: &ContainerDefinition) -> Result<Option<String>, Refusal> {
    let options = router.firelens_options();
    let Some(kind) = options.get("config-file-type") else {
        return Ok(None);
    };
    let value = options
        .get("config-file-value")
        .ok_or(Refusal::NoFileValue)?;
    match kind.as_str() {
        "file" => Ok(Some(format!("@INCLUDE {value}"))),
        "s3" => Ok(Some(format!("@INCLUDE {DOWNLOADED}"))),
        other => Err(Refusal::UnknownFileType(other.to_owned())),
    }
}

fn health_output(mode: NetworkMode) -> Option<String> {
    let output = Section::new("OUTPUT")
        .line("Name null")
        .line(format_args!("Match {HEALTH_TAG}"));
    mode.forward_address().map(|_| output.text())
}

fn outputs(definition: &TaskDefinition) -> Result<Vec<String>, Refusal> {
    let outputs = definition.sources().filter_map(|source| {
        let options = source.output_options(definition.position(source));
        match source.options().get("Name") {
            None if options.is_empty() => None,
            None => Some(Err(Refusal::NoOutputName(source.name.clone()))),
            Some(name) => {
                let output = Section::new("OUTPUT")
                    .line(format_args!("Name {name}"))
                    .line(format_args!("Match {}", source.tags()));
                let lines = options.iter();
                let output = lines.fold(output, |output, (key, value)| {
                    output.line(format_args!("{key} {value}"))
                });
                Some(Ok(output.text()))
            }
        }
    });
    outputs.collect()
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRouter => f.write_str("no container has a firelensConfiguration"),
            Self::NoOutputName(container) => {
                write!(f, "container `{container}` has options, but no `Name`")
            }
            Self::UnknownFileType(kind) => {
                write!(f, "config-file-type `{kind}` is neither `file` nor `s3`")
            }
            Self::NoFileValue => f.write_str("config-file-type needs a config-file-value"),
        }
    }
}

impl Error for Refusal {}

const HEALTH_TAG: &str = "firelens-healthcheck";
/// Where the agent mounts what it fetched from S3.
const DOWNLOADED: &str = "/fluent-bit/etc/external.conf";
