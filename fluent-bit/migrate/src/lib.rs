//! From another way of logging to this router: what would change, what to edit, what to permit.
//!
//! A file goes in. [`document`] finds the task definitions and configurations in it, whatever its
//! form. What an option means here, and whether its value is one, is asked of the plugins' own tables
//! and readers, so that this tool and the plugins cannot disagree; what it meant before is in
//! [`peers`].

#![forbid(unsafe_code)]

pub mod check;
pub mod classic;
pub mod definition;
pub mod document;
pub mod edit;
pub mod editor;
pub mod environment;
pub mod flags;
pub mod follow;
pub mod forms;
pub mod functions;
pub mod iam;
pub mod metrics;
pub mod multiline;
pub mod needs;
pub mod options;
pub mod output;
pub mod peers;
pub mod plugin;
pub mod render;
pub mod report;
pub mod rules;
pub mod source;
pub mod task;
pub mod tree;
pub mod yaml;

use classic::Section;
use document::{Document, Found};
use options::Options;
use peers::Peer;
use plugin::Plugin;
use report::{Part, Report};
use task::TaskDefinition;

/// The image that takes the place of AWS's in what is written.
pub const IMAGE: &str = "example.com/log-router:1";

/// What a document needs to use the plugins here.
#[must_use]
pub fn report(document: &Document) -> Report {
    let sections = document.sections();
    let mut report = Report::default();
    own(&mut report, document, &sections);
    for other in &document.followed {
        followed(&mut report, other, &sections);
    }
    if report.parts.is_empty() && report.unread.is_empty() {
        let nothing = "no output: there is nothing to change";
        report.parts.push(Part::new(nothing));
    }
    report
}

/// Adds what a file needs that another one leads to, under its name; its edits are its own.
fn followed(report: &mut Report, document: &Document, sections: &[&Section]) {
    let mut inner = Report::default();
    own(&mut inner, document, sections);
    let file = document.name.rsplit('/').next().unwrap_or(&document.name);
    let named = inner.parts.into_iter().map(|part| Part {
        title: format!("{file}, {}", part.title),
        ..part
    });
    report.parts.extend(named);
    report.needs.extend(inner.needs);
    report.unread.extend(inner.unread);
    report.notes.extend(inner.notes);
    for other in &document.followed {
        followed(report, other, sections);
    }
}

fn own(report: &mut Report, document: &Document, sections: &[&Section]) {
    report.needs.caller = document.caller;
    report.notes.extend(document.notes.iter().cloned());
    for found in &document.found {
        match found {
            Found::Task(task) => definition::task(report, document, task),
            Found::Config(config) => output::configuration(report, document, config, sections),
            Found::Part(part, changes) => {
                report.parts.push(part.clone());
                report.changes.extend(changes.iter().cloned());
            }
            Found::Unread(sentence) => report.unread.push(sentence.clone()),
        }
    }
}

/// The outputs of a document that the plugins here would be: where each is, and its options.
#[must_use]
pub fn outputs(document: &Document) -> Vec<(String, Plugin, Options)> {
    let mut all: Vec<Named> = document.tasks().flat_map(of_task).collect();
    all.extend(of_configuration(&document.sections()));
    let of_a_peer = all.into_iter().filter_map(|(place, name, options)| {
        let plugin = Peer::named(&name)?.plugin;
        // What the host keeps to itself does not reach a plugin.
        let options = options.without(|key| plugin.spec(key).is_none());
        Some((place, plugin, options))
    });
    of_a_peer.collect()
}

type Named = (String, String, Options);

fn of_task(task: &TaskDefinition) -> Vec<Named> {
    let routed = task.logging_by("awsfirelens").map(|(container, logs)| {
        let options = logs.output();
        let name = options.get("Name").unwrap_or_default().to_owned();
        (container, name, options)
    });
    let moved = task.logging_by("awslogs").map(|(container, logs)| {
        let name = Plugin::CloudWatch.name().to_owned();
        (container, name, logs.output())
    });
    let moved = moved.filter(|(container, ..)| container.firelens_configuration.is_none());
    let all = routed.chain(moved);
    all.map(|(container, name, options)| (format!("container `{}`", container.name), name, options))
        .collect()
}

fn of_configuration(sections: &[&Section]) -> Vec<Named> {
    let outputs = sections.iter().filter(|section| section.kind == "OUTPUT");
    let named = outputs.map(|section| {
        let name = section.options.get("name").unwrap_or_default().to_owned();
        let place = format!("line {}: output `{name}`", section.line);
        (place, name, section.options.clone())
    });
    named.collect()
}
