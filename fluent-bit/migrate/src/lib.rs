//! From another way of logging to this router: what would change, what to edit, what to permit.
//!
//! A task definition or a Fluent Bit configuration goes in. What an option means here, and whether
//! its value is one, is asked of the plugins' own tables and readers, so that this tool and the
//! plugins cannot disagree; what it meant before is in [`peers`].

#![forbid(unsafe_code)]

pub mod check;
pub mod classic;
pub mod definition;
pub mod iam;
pub mod input;
pub mod multiline;
pub mod options;
pub mod output;
pub mod peers;
pub mod plugin;
pub mod report;
pub mod rules;
pub mod task;
pub mod yaml;

use classic::Section;
use input::Input;
use options::Options;
use peers::Peer;
use plugin::Plugin;
use report::Report;
use task::TaskDefinition;

/// What a task definition or a configuration needs to use the plugins here.
#[must_use]
pub fn report(input: &Input) -> Report {
    match input {
        Input::Task(task) => definition::report(task),
        Input::Config(sections) => output::report(sections),
    }
}

/// The outputs of an input that the plugins here would be: where each is, and its options.
#[must_use]
pub fn outputs(input: &Input) -> Vec<(String, Plugin, Options)> {
    let all = match input {
        Input::Task(task) => of_task(task),
        Input::Config(sections) => of_configuration(sections),
    };
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

fn of_configuration(sections: &[Section]) -> Vec<Named> {
    let outputs = sections.iter().filter(|section| section.kind == "OUTPUT");
    let named = outputs.map(|section| {
        let name = section.options.get("name").unwrap_or_default().to_owned();
        let place = format!("line {}: output `{name}`", section.line);
        (place, name, section.options.clone())
    });
    named.collect()
}
