//! What was decided in the parts of a document that count, and which of them are not known.

use crate::document::{Document, Found};
use crate::task::{Container, Flavor, TaskDefinition};
use crate::tree::{Choice, Node};

/// Keeps the choices in the task definitions that were found.
pub(super) fn note(document: &mut Document) {
    let mut all = Vec::new();
    for found in &document.found {
        if let Found::Task(task) = found {
            let choices = of_task(task);
            all.extend(choices.into_iter().map(|choice| (task.layer, choice)));
        }
    }
    for (layer, choice) in &all {
        document.note(*layer, choice);
    }
}

fn of_task(task: &TaskDefinition) -> Vec<Choice> {
    let mut choices = Vec::new();
    if let Some(list) = &task.list {
        choices.extend(list.choices.iter().cloned());
    }
    for container in &task.container_definitions {
        let Some(node) = &container.node else {
            continue;
        };
        choices.extend(node.choices.iter().cloned());
        let is_router = container.firelens_configuration.is_some();
        for key in keys(is_router) {
            if let Some(value) = node.get(key) {
                value.all_choices(&mut choices);
            }
        }
        if matches!(task.flavor, Flavor::Task | Flavor::Containers) {
            choices.extend(not_known(container, node, is_router));
        }
    }
    choices
}

/// The keys of a container that say how it logs, and how the router is set up.
fn keys(is_router: bool) -> &'static [&'static str] {
    match is_router {
        true => &[
            "logConfiguration",
            "firelensConfiguration",
            "environment",
            "environmentFiles",
            "command",
            "image",
            "user",
        ],
        false => &["logConfiguration", "firelensConfiguration"],
    }
}

/// A choice for each part that should have members or items, and is a name that is not known.
fn not_known(container: &Container, node: &Node, is_router: bool) -> Vec<Choice> {
    let mut parts = Vec::new();
    for key in keys(is_router) {
        if ["image", "user", "command"].contains(key) {
            continue;
        }
        let Some(value) = node.get(key) else {
            continue;
        };
        parts.push(((*key).to_owned(), value));
        for below in ["options", "secretOptions"] {
            parts.extend(value.get(below).map(|it| (format!("{key}.{below}"), it)));
        }
    }
    let mut choices = Vec::new();
    for (key, value) in parts {
        let items = value.items().iter();
        let whole = std::iter::once(value);
        for name in whole.chain(items).filter_map(Node::unknown_name) {
            choices.push(Choice::partial(
                value.at.clone(),
                format!(
                    "`{key}` of container `{}` comes from `{}`, which is not known here: give the file that has it, or check that part by hand",
                    container.name,
                    crate::tree::choice::one_line(name)
                ),
            ));
        }
    }
    choices
}
