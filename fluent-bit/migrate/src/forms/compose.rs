//! Compose files: services as containers.

use crate::document::{Document, Found};
use crate::task::{Container, Firelens, Flavor, Logs, TaskDefinition};
use crate::tree::Node;

pub(super) fn is_compose(node: &Node) -> bool {
    let services = node.get("services").map(Node::members).unwrap_or_default();
    let is_service =
        |service: &Node| service.get("image").is_some() || service.get("build").is_some();
    services.iter().any(|member| is_service(&member.value))
}

pub(super) fn read(document: &mut Document, node: &Node, layer: usize) {
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
    image.contains("aws-for-fluent-bit")
}
