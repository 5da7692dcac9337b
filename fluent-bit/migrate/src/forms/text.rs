//! Values that are themselves documents.

use super::walk;
use crate::document::{Configuration, Document, Found, classic_sections};
use crate::functions;
use crate::tree::{Format, Node, json, yaml};

/// Reads a value as a document of its own, if it is one; whether it was.
pub(super) fn read(document: &mut Document, node: &Node, layer: usize, place: &str) -> bool {
    let Some(text) = node.text() else {
        return false;
    };
    if super::is_configuration(&text) {
        return configuration(document, node, &text, layer, place);
    }
    if !text.contains('\n') && !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let is_task = [
        "ontainerDefinitions",
        "ogConfiguration",
        "awsfirelens",
        "pipeline:",
        "outputs:",
        "cloudWatch",
        "OUTPUT",
    ];
    if !is_task.iter().any(|word| text.contains(word)) {
        return false;
    }
    let before = document.found.len();
    if text.trim_start().starts_with(['{', '[']) {
        match json::parse(&text).map(functions::everywhere) {
            Ok(inner) => {
                let inside = document.layer(&text, Format::Json, Some((layer, node.clone())));
                walk::root(document, &inner, inside);
            }
            Err(why) => document.found.push(Found::Unread(format!(
                "{place}: its JSON cannot be read ({why}): {}",
                crate::document::WHAT_TO_GIVE
            ))),
        }
    } else if let Ok(nodes) = yaml::parse(&text) {
        let inside = document.layer(&text, Format::Yaml, Some((layer, node.clone())));
        for inner in &nodes {
            walk::root(document, inner, inside);
        }
    }
    document.found.len() > before
}

fn configuration(
    document: &mut Document,
    node: &Node,
    text: &str,
    layer: usize,
    place: &str,
) -> bool {
    match classic_sections(text) {
        Ok(sections) => {
            let layer = document.layer(text, Format::Classic, Some((layer, node.clone())));
            document.found.push(Found::Config(Configuration {
                sections,
                layer,
                place: place.to_owned(),
                has_lines: true,
            }));
        }
        Err(why) => {
            let what = format!("{place}: {why}: give the configuration as a file of its own");
            document.found.push(Found::Unread(what));
        }
    }
    true
}
