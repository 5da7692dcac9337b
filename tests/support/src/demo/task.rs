//! The task of the example, placed on this machine.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use super::Failure;
use super::environment::free_port;
use crate::aws;
use crate::chunk::Container;
use crate::firelens::{self, ContainerDefinition, Listen, Placement, TaskDefinition};

/// A task whose outputs lead to the stand-in.
pub(super) struct Task {
    definition: TaskDefinition,
    placement: Placement,
    /// Where Fluent Bit shows its metrics.
    pub(super) metrics_port: u16,
    /// The file that was made for the router.
    pub(super) configuration: PathBuf,
}

impl Task {
    /// Reads a task definition, leads its outputs to a port, and writes the router's configuration
    /// into a folder.
    pub(super) fn of(example: &Path, folder: &Path, port: u16) -> Result<Self, Failure> {
        let mut definition: TaskDefinition = serde_json::from_str(&fs::read_to_string(example)?)?;
        for container in &mut definition.container_definitions {
            adapt(container, port);
        }
        let task = Self {
            definition,
            placement: placement()?,
            metrics_port: free_port()?,
            configuration: folder.join("fluent-bit.conf"),
        };
        let mut text = firelens::configuration(&task.definition, &task.placement)?;
        text.push_str(&task.observed());
        fs::write(&task.configuration, text)?;
        Ok(task)
    }

    /// What the demo adds to the router's configuration, as an included file may: the endpoint for its
    /// metrics, and reloads.
    fn observed(&self) -> String {
        format!(
            "\n[SERVICE]\n    HTTP_Server On\n    HTTP_Listen 127.0.0.1\n    HTTP_Port {}\n    Hot_Reload On\n",
            self.metrics_port
        )
    }

    /// What the task metadata endpoint says of it.
    pub(super) fn metadata(&self) -> aws::Task {
        aws::Task {
            cluster: self.placement.cluster.clone(),
            task_arn: self.placement.task_arn.clone(),
            family: self.definition.family.clone(),
            revision: self.placement.revision.to_string(),
            ..aws::Task::default()
        }
    }

    /// The containers that write lines, as Docker knows them.
    pub(super) fn containers(&self) -> impl Iterator<Item = Container> {
        self.definition.sources().map(|source| Container {
            definition: format!("{}:{}", self.definition.family, self.placement.revision),
            ..Container::named(&source.name)
        })
    }

    /// The output that a container's lines go to, and its options.
    pub(super) fn output(&self, container: &Container) -> (String, BTreeMap<String, String>) {
        let source = self.source(container);
        let options = source.output_options(0);
        (source.options()["Name"].clone(), options)
    }

    /// The names of the containers that write lines.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.containers().map(|container| container.name).collect();
        names.join(", ")
    }

    /// The delivery streams that the outputs write to.
    pub(super) fn delivery_streams(&self) -> impl Iterator<Item = &str> {
        self.values("delivery_stream")
    }

    /// The Kinesis data streams that the outputs write to.
    pub(super) fn kinesis_streams(&self) -> impl Iterator<Item = &str> {
        self.values("stream")
    }

    /// The values of an option.
    fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        let sources = self.definition.sources();
        sources.filter_map(move |source| source.options().get(key).map(String::as_str))
    }

    /// The socket that Docker's log driver writes to.
    pub(super) fn socket(&self) -> &Path {
        Path::new(&self.placement.listen.unix_path)
    }

    fn source(&self, container: &Container) -> &ContainerDefinition {
        let mut sources = self.definition.sources();
        let source = sources.find(|source| source.name == container.name);
        source.expect("a container of this task")
    }
}

/// What this machine has elsewhere than a task on ECS: the services, and the router's files.
fn adapt(container: &mut ContainerDefinition, port: u16) {
    if let Some(router) = &mut container.firelens_configuration {
        if let Some(file) = router.options.get_mut("config-file-value") {
            *file = file.replace("/fluent-bit/", FILES);
        }
    } else if let Some(logs) = &mut container.log_configuration {
        let endpoint = format!("http://127.0.0.1:{port}");
        logs.options.insert("endpoint".to_owned(), endpoint);
    }
}

/// A placement on Fargate, but for the addresses: those of ECS may be taken here.
fn placement() -> std::io::Result<Placement> {
    let container = Container::named("");
    let socket = env::temp_dir().join(format!("firelens-demo-{}.sock", process::id()));
    Ok(Placement {
        cluster: container.cluster.clone(),
        task_arn: container.task_arn(),
        revision: 1,
        ec2_instance_id: None,
        listen: Listen {
            unix_path: socket.display().to_string(),
            forward_port: free_port()?,
            health_port: free_port()?,
        },
    })
}

/// Where the files of the image's `/fluent-bit/` are in the sources.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fluent-bit/");
