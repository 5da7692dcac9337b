//! Manifests of AWS Copilot.

use crate::document::{Document, Found};
use crate::task::{Container, Firelens, Flavor, Logs, Secret, TaskDefinition, pairs};
use crate::tree::{Choice, Kind, Node};

/// The router that Copilot adds.
pub(crate) const ROUTER: &str = "firelens_container";

pub(super) fn is_manifest(node: &Node) -> bool {
    let kind = node.text_of("type").unwrap_or_default();
    let kinds = [
        "Load Balanced Web Service",
        "Backend Service",
        "Worker Service",
        "Scheduled Job",
        "Request-Driven Web Service",
    ];
    kinds.contains(&kind.as_str()) && node.get("name").is_some()
}

pub(super) fn read(document: &mut Document, node: &Node, layer: usize) {
    environments(document, node, layer);
    let name = node.text_of("name").unwrap_or_default();
    let mut containers = vec![Container {
        name: name.clone(),
        ..Container::default()
    }];
    if let Some(logging) = node.get("logging").filter(|it| it.is_structure()) {
        containers[0].log_configuration = Some(logs(logging));
        containers.push(router(logging));
    } else {
        // Copilot gives a service without `logging` the driver awslogs.
        containers[0].log_configuration = Some(Logs {
            log_driver: "awslogs".to_owned(),
            ..Logs::default()
        });
    }
    document.found.push(Found::Task(Box::new(TaskDefinition {
        family: name,
        flavor: Flavor::Copilot,
        layer,
        network_mode: Some("awsvpc".to_owned()),
        requires_compatibilities: vec!["FARGATE".to_owned()],
        container_definitions: containers,
        ..TaskDefinition::default()
    })));
}

/// Keeps that environments have values of their own, which are not read.
fn environments(document: &mut Document, node: &Node, layer: usize) {
    let environments = node.get("environments").map(Node::members);
    for environment in environments.unwrap_or_default() {
        if let Some(logging) = environment.value.get("logging") {
            let text = format!(
                "`environments.{}.logging` was not read: make the edits of `logging` there too",
                environment.key
            );
            document.note(layer, &Choice::partial(logging.at.clone(), text));
        }
    }
}

fn logs(logging: &Node) -> Logs {
    let options = logging.get("destination").map(pairs).unwrap_or_default();
    let secrets = logging.get("secretOptions").map(pairs).unwrap_or_default();
    Logs {
        log_driver: "awsfirelens".to_owned(),
        options: options.into_iter().collect(),
        secret_options: secrets
            .into_iter()
            .map(|(name, value_from)| Secret { name, value_from })
            .collect(),
        node: Some(logging.clone()),
    }
}

/// Copilot's keys of a router as those of a container.
fn renamed(logging: &Node) -> Node {
    let mut node = logging.clone();
    if let Kind::Map(members) = &mut node.kind {
        for member in members {
            member.key = match member.key.as_str() {
                "variables" => "environment".to_owned(),
                "envFile" => "env_file".to_owned(),
                other => other.to_owned(),
            };
        }
    }
    node
}

fn router(logging: &Node) -> Container {
    let mut container = Container {
        name: ROUTER.to_owned(),
        image: logging.text_of("image").unwrap_or_default(),
        node: Some(logging.clone()),
        ..Container::default()
    };
    let path = logging
        .text_of("configFilePath")
        .map(|path| ("config-file-value".to_owned(), path));
    let given = Container::of(&renamed(logging));
    container.environment = given.environment;
    container.environment_files = given.environment_files;
    container.firelens_configuration = Some(Firelens {
        kind: "fluentbit".to_owned(),
        options: path.into_iter().collect(),
    });
    container
}
