//! Kubernetes: ConfigMaps with configurations, and workloads with the image.

use super::text;
use crate::document::{Document, Found};
use crate::edit::Fields;
use crate::needs::Caller;
use crate::report::{Part, Remark};
use crate::tree::Node;

/// Reads an object of Kubernetes that matters here; whether it was one.
pub(super) fn read(document: &mut Document, node: &Node, layer: usize) -> bool {
    match node.text_of("kind").as_deref() {
        Some("ConfigMap") => {
            document.caller = Caller::Pod;
            config_map(document, node, layer)
        }
        Some(_) if node.get("apiVersion").is_some() && node.get("spec").is_some() => {
            document.caller = Caller::Pod;
            images(document, node, layer);
            true
        }
        _ => false,
    }
}

fn config_map(document: &mut Document, node: &Node, layer: usize) -> bool {
    let name = node
        .get("metadata")
        .and_then(|it| it.text_of("name"))
        .unwrap_or_default();
    if name == "aws-logging" {
        let title = "ConfigMap `aws-logging`: the router of EKS on Fargate";
        let keep = "that Fluent Bit is AWS's own and loads no plugin: its outputs stay as they are";
        let part = Part::new(title).with(Remark::Keep(keep.to_owned()));
        document.found.push(Found::Part(part, Vec::new()));
        return true;
    }
    let data = node.get("data").map(Node::members).unwrap_or_default();
    for member in data {
        let place = format!("ConfigMap `{name}`, `{}`", member.key);
        if text::read(document, &member.value, layer, &place) {
            document.names.push(member.key.clone());
        }
    }
    true
}

fn images(document: &mut Document, node: &Node, layer: usize) {
    if let Some(image) = node
        .text_of("image")
        .filter(|it| it.contains("aws-for-fluent-bit"))
    {
        let name = node.text_of("name").unwrap_or_default();
        image_part(document, node, layer, &name, &image);
    }
    for member in node.members() {
        images(document, &member.value, layer);
    }
    for item in node.items() {
        images(document, item, layer);
    }
}

fn image_part(document: &mut Document, node: &Node, layer: usize, name: &str, image: &str) {
    let title = format!("container `{name}`: the router");
    let part = Part::new(title).with(Remark::image(image));
    let within = &document.layers[layer];
    let fields = Fields::of(node, &within.text, within.format);
    let change = fields.set("image", crate::IMAGE, &within.text, within.format);
    let changes = change.into_iter().map(|change| (layer, change)).collect();
    document.found.push(Found::Part(part, changes));
}
