//! A tree -> what is found in it, wherever it is.

use super::{chart, compose, copilot, kubernetes, text};
use crate::document::{Configuration, Document, Found, WHAT_TO_GIVE};
use crate::report::Part;
use crate::task::{Flavor, TaskDefinition};
use crate::tree::{Kind, Node, line_of};
use crate::yaml;

/// Reads a whole document.
pub(super) fn root(document: &mut Document, node: &Node, layer: usize) {
    if is_containers(node) {
        containers(
            document,
            &Node::new(Kind::Null, node.at.clone()),
            node,
            layer,
            Flavor::Containers,
        );
        return;
    }
    let text = document.layers[layer].text.clone();
    if compose::is_compose(node) {
        compose::read(document, node, layer);
    } else if copilot::is_manifest(node) {
        copilot::read(document, node, layer);
    } else if chart::read(document, node, layer) {
        // It was one.
    } else if yaml::is_configuration(node) {
        document.note_all(layer, node);
        document.found.push(Found::Config(Configuration {
            sections: yaml::sections(node, &text),
            layer,
            place: String::new(),
            has_lines: true,
        }));
    } else {
        walk(document, node, layer, "");
    }
}

fn walk(document: &mut Document, node: &Node, layer: usize, place: &str) {
    noted(document, node, layer, |document| {
        within(document, node, layer, place);
    });
}

/// Keeps what was decided about a value that something is found in.
fn noted(document: &mut Document, node: &Node, layer: usize, read: impl FnOnce(&mut Document)) {
    let before = document.found.len();
    read(document);
    if document.found.len() > before {
        for choice in &node.choices {
            document.note(layer, choice);
        }
    }
}

fn within(document: &mut Document, node: &Node, layer: usize, place: &str) {
    if let Some(list) = node.get("containerDefinitions") {
        definitions(document, node, list, layer, place);
    } else if is_container(node) {
        let list = Node::new(Kind::List(vec![node.clone()]), node.at.clone());
        containers(
            document,
            &Node::new(Kind::Null, node.at.clone()),
            &list,
            layer,
            Flavor::Containers,
        );
        return;
    } else if kubernetes::read(document, node, layer) || chart::read(document, node, layer) {
        document.note_all(layer, node);
        return;
    } else if is_task_without_containers(node) {
        let line = line_of(&document.layers[layer].text, node.at.start);
        let sentence = format!(
            "line {line}: a task definition without `ContainerDefinitions` in its properties: {WHAT_TO_GIVE}"
        );
        document.found.push(Found::Unread(sentence));
    }
    for member in node.members() {
        if member
            .key
            .replace('_', "")
            .eq_ignore_ascii_case("containerDefinitions")
        {
            continue;
        }
        let place = below(place, &member.key);
        child(document, &member.value, layer, &place);
    }
    if is_containers(node) {
        containers(
            document,
            &Node::new(Kind::Null, node.at.clone()),
            node,
            layer,
            Flavor::Containers,
        );
        return;
    }
    for item in node.items() {
        child(document, item, layer, place);
    }
}

fn child(document: &mut Document, node: &Node, layer: usize, place: &str) {
    if node.is_structure() {
        walk(document, node, layer, place);
    } else {
        noted(document, node, layer, |document| {
            text::read(document, node, layer, place);
        });
    }
}

/// A task definition of CloudFormation whose containers are in none of its properties.
fn is_task_without_containers(node: &Node) -> bool {
    let is_task = node.text_of("type").as_deref() == Some("AWS::ECS::TaskDefinition");
    let properties = node.get("properties");
    is_task && properties.is_none_or(|it| it.get("containerDefinitions").is_none())
}

/// What a task definition says under `containerDefinitions`.
fn definitions(document: &mut Document, node: &Node, list: &Node, layer: usize, place: &str) {
    let has_structure = |list: &Node| {
        list.items()
            .iter()
            .chain(list.members().iter().map(|m| &m.value))
            .any(Node::is_structure)
    };
    if has_structure(list) {
        let is_whole = !list.items().is_empty() || node.get("family").is_some();
        let flavor = if is_whole {
            Flavor::Task
        } else {
            Flavor::Containers
        };
        let unknown = list.items().iter().filter_map(Node::text);
        let unknown: Vec<String> = unknown.collect();
        containers(document, node, list, layer, flavor);
        for name in unknown {
            unread(document, node, &name);
        }
        return;
    }
    let Some(text) = list.text() else {
        // Not one of the containers is known.
        for name in list.items().iter().filter_map(Node::text) {
            unread(document, node, &name);
        }
        return;
    };
    let before = document.found.len();
    if let Some(path) = text
        .strip_prefix("${file ")
        .and_then(|rest| rest.strip_suffix('}'))
    {
        document.paths.push((path.to_owned(), Some(node.clone())));
        document.found.push(Found::Part(
            Part::new(format!("containers from `{path}`")),
            Vec::new(),
        ));
    } else if !text::read(document, list, layer, place) {
        unread(document, node, &text);
    }
    // The containers are in a text of their own, and the task around them is known here.
    for found in &mut document.found[before..] {
        if let Found::Task(task) = found {
            around(task, node);
        }
    }
}

/// What a task has around containers that were read by themselves.
pub(crate) fn around(task: &mut TaskDefinition, node: &Node) {
    let whole = TaskDefinition::of(node, &Node::new(Kind::Null, 0..0));
    task.flavor = Flavor::Task;
    task.family = whole.family;
    task.network_mode = whole.network_mode;
    task.requires_compatibilities = whole.requires_compatibilities;
    task.task_role_arn = whole.task_role_arn;
    task.execution_role_arn = whole.execution_role_arn;
}

fn unread(document: &mut Document, node: &Node, name: &str) {
    let family = node.text_of("family").unwrap_or_default();
    let sentence = format!(
        "task definition `{family}`: containers come from `{name}`, which is not known here: give that file too, or {WHAT_TO_GIVE}"
    );
    document.found.push(Found::Unread(sentence));
}

pub(super) fn containers(
    document: &mut Document,
    node: &Node,
    list: &Node,
    layer: usize,
    flavor: Flavor,
) {
    let mut task = TaskDefinition::of(node, list);
    task.layer = layer;
    task.flavor = flavor;
    // A list that was read where it stands is not read again where it is named.
    let place = |task: &TaskDefinition| task.list.as_ref().map(|list| list.at.clone());
    let is_known = document.found.iter().any(|found| {
        matches!(found, Found::Task(other) if other.layer == layer && place(other) == place(&task))
    });
    if !is_known {
        document.found.push(Found::Task(Box::new(task)));
    }
}

fn is_container(node: &Node) -> bool {
    let logs = node
        .get("logConfiguration")
        .is_some_and(|logs| logs.get("logDriver").is_some());
    let firelens = node
        .get("firelensConfiguration")
        .is_some_and(|it| it.get("type").is_some());
    logs || firelens
}

/// A list, or a mapping of names, with a container in it.
fn is_containers(node: &Node) -> bool {
    let items = node.items().iter();
    let has_image = |item: &Node| item.get("name").is_some() && item.get("image").is_some();
    let is_task =
        |item: &Node| is_container(item) || (has_image(item) && item.get("essential").is_some());
    let mut all = items.clone();
    all.any(is_task)
        || node
            .members()
            .iter()
            .any(|member| is_container(&member.value) && !is_container(node))
}

fn below(place: &str, key: &str) -> String {
    if place.is_empty() {
        format!("`{key}`")
    } else {
        format!("{}.{key}`", place.trim_end_matches('`'))
    }
}
