//! The forms in which people keep task definitions and configurations.

mod chart;
mod choices;
mod compose;
mod copilot;
mod docker;
mod kubernetes;
mod program;
mod text;
mod walk;

pub(crate) use self::copilot::ROUTER as COPILOT_ROUTER;
pub(crate) use self::walk::around;

use std::collections::BTreeSet;

use crate::document::{Configuration, Document, Found, classic_sections, is_classic, trees};
use crate::source::{Files, Source};
use crate::task::Flavor;
use crate::tree::Format;

/// Reads what a file has.
pub(crate) fn read(document: &mut Document, source: &Source, files: &Files) -> Result<(), String> {
    if TEMPLATES.iter().any(|word| source.text.contains(word)) {
        return Err(not_read(&source.text, "it has directives"));
    }
    whole(document, source, files)?;
    alone(document);
    choices::note(document);
    Ok(())
}

/// Marks of a template that a chart renders.
const TEMPLATES: [&str; 3] = ["{{ .Values", "{{- ", "{{ include "];

/// Leaves out containers that are read again as those of a task: a name stands for them there.
fn alone(document: &mut Document) {
    let places = |found: &Found| match found {
        Found::Task(task) => {
            let nodes = task
                .container_definitions
                .iter()
                .filter_map(|it| it.node.as_ref());
            let places: Vec<_> = nodes.map(|node| (task.layer, node.at.clone())).collect();
            (places, task.flavor == Flavor::Task)
        }
        _ => (Vec::new(), false),
    };
    let all: Vec<_> = document.found.iter().map(places).collect();
    let is_alone = |index: usize| {
        let (own, is_task) = &all[index];
        let is_in = |other: usize| {
            let (places, is_other_task) = &all[other];
            let is_larger = places.len() > own.len()
                || (*is_other_task && !is_task)
                || (is_other_task == is_task && other < index);
            other != index && is_larger && own.iter().all(|place| places.contains(place))
        };
        own.is_empty() || !(0..all.len()).any(is_in)
    };
    let mut keep = (0..all.len()).map(is_alone);
    let found = std::mem::take(&mut document.found);
    document.found = found
        .into_iter()
        .filter(|_| keep.next().unwrap_or(true))
        .collect();
}

fn whole(document: &mut Document, source: &Source, files: &Files) -> Result<(), String> {
    if docker::is_dockerfile(source) {
        docker::read(document, source);
        return Ok(());
    }
    if program::is_program(source) {
        program::read(document, source);
        return Ok(());
    }
    let mut used = BTreeSet::new();
    if let Some(trees) = trees(source, files, &mut used) {
        document.used = used;
        let (nodes, format) = trees.map_err(|why| not_read(&source.text, &why))?;
        let layer = document.layer(&source.text, format, None);
        for node in &nodes {
            walk::root(document, node, layer);
        }
        return Ok(());
    }
    let sections = classic_sections(&source.text)?;
    let layer = document.layer(&source.text, Format::Classic, None);
    document.found.push(Found::Config(Configuration {
        sections,
        layer,
        place: String::new(),
        has_lines: true,
    }));
    Ok(())
}

/// A template of another tool is told apart from a mistake.
fn not_read(text: &str, why: &str) -> String {
    if text.contains("{{") {
        return format!(
            "it is a template ({why}): render it first, for a chart with `helm template`"
        );
    }
    if text.contains("%{") {
        return format!(
            "it has directives of a template ({why}): give what `terraform show -json` or `aws ecs describe-task-definition` prints"
        );
    }
    format!("{why}: {}", crate::document::WHAT_TO_GIVE)
}

/// Whether a value is itself a classic configuration.
fn is_configuration(text: &str) -> bool {
    let mut lines = text.lines().map(|line| line.trim().to_ascii_uppercase());
    let sections = ["[OUTPUT]", "[INPUT]", "[FILTER]", "[SERVICE]"];
    is_classic(text) && lines.any(|line| sections.contains(&line.as_str()))
        || (text.trim_start().starts_with("@INCLUDE"))
}
