//! Compose files: services as containers.

use crate::document::{Document, Found};
use crate::needs::Caller;
use crate::task::{Container, Firelens, Flavor, Logs, TaskDefinition};
use crate::tree::{Choice, Node};

pub(super) fn is_compose(node: &Node) -> bool {
    let services = node.get("services").map(Node::members).unwrap_or_default();
    let is_service =
        |service: &Node| service.get("image").is_some() || service.get("build").is_some();
    services.iter().any(|member| is_service(&member.value))
}

pub(super) fn read(document: &mut Document, node: &Node, layer: usize) {
    document.caller = Caller::Service;
    elsewhere(document, node, layer);
    let services = node.get("services").map(Node::members).unwrap_or_default();
    for member in services {
        document
            .paths
            .extend(mounted(&member.value).into_iter().map(|path| (path, None)));
    }
    let containers = services
        .iter()
        .map(|member| container(&member.key, &member.value));
    document.found.push(Found::Task(Box::new(TaskDefinition {
        flavor: Flavor::Compose,
        layer,
        container_definitions: containers.collect(),
        ..TaskDefinition::default()
    })));
}

/// Keeps what a compose file takes from others, which are not read.
fn elsewhere(document: &mut Document, node: &Node, layer: usize) {
    let partial = |node: &Node, what: &str| {
        let text = format!(
            "{what}, and what that has was not read: give what `docker compose config` prints"
        );
        Choice::partial(node.at.clone(), text)
    };
    let mut choices = Vec::new();
    if let Some(include) = node.get("include") {
        choices.push(partial(include, "`include` adds other files"));
    }
    for service in node.get("services").map(Node::members).unwrap_or_default() {
        if let Some(extends) = service.value.get("extends") {
            let what = format!("service `{}` extends another one", service.key);
            choices.push(partial(extends, &what));
        }
    }
    choices
        .iter()
        .for_each(|choice| document.note(layer, choice));
}

/// The configurations that a router mounts.
fn mounted(service: &Node) -> Vec<String> {
    let volumes = service.get("volumes").map(Node::items).unwrap_or_default();
    let paths = volumes.iter().filter_map(|volume| match volume.text() {
        Some(text) => text.split(':').next().map(str::to_owned),
        None => volume.text_of("source"),
    });
    let is_router = is_router(&service.text_of("image").unwrap_or_default());
    paths
        .filter(|path| is_router && (path.ends_with(".conf") || path.ends_with(".yaml")))
        .collect()
}

fn container(name: &str, service: &Node) -> Container {
    let mut container = Container::of(service);
    container.name = name.to_owned();
    container.log_configuration = service.get("logging").and_then(Logs::of);
    container.depends_on.clear();
    if is_router(&container.image) {
        container.firelens_configuration = Some(Firelens {
            kind: "fluentbit".to_owned(),
            ..Firelens::default()
        });
    }
    container
}

fn is_router(image: &str) -> bool {
    image.contains("aws-for-fluent-bit") || image == crate::IMAGE
}
