//! A container that logs by awslogs, and is to log through the router.

use serde_json::{Value, json};

use super::{
    Text, Unread, account, options_node, start_order, titled, unread, waits, without_problems,
};
use crate::editor::Editor;
use crate::flags;
use crate::multiline;
use crate::options::Options;
use crate::output;
use crate::plugin::Plugin;
use crate::render;
use crate::report::{Part, Remark, Report};
use crate::task::{Container, Flavor, Logs, TaskDefinition};
use crate::tree::Format;

/// The driver's options stay; those without effect go.
pub(super) fn report(
    report: &mut Report,
    task: &TaskDefinition,
    container: &Container,
    logs: &Logs,
    text: &Text<'_>,
) {
    if task.flavor == Flavor::Copilot {
        report.parts.push(copilot(container));
        return;
    }
    let unread = unread(logs);
    if unread == Some(Unread::All) {
        return;
    }
    let plugin = Plugin::CloudWatch;
    let all = logs.output();
    let options = all.without(|key| plugin.spec(key).is_none());
    let mut remarks = vec![Remark::Edit(
        "write this for its `logConfiguration`:".to_owned(),
    )];
    remarks.push(Remark::Text(configuration(&options, logs)));
    remarks.extend(start_order(task, container));
    let verdict = plugin.verdict(&all);
    let left_out = all.without(|key| plugin.spec(key).is_some());
    let why = |(key, _): &(String, String)| verdict.why_idle(plugin, key);
    remarks.extend(left_out.0.iter().map(why).map(Remark::Change));
    remarks.extend(verdict.problems.iter().cloned().map(Remark::Problem));
    remarks.extend(flags::of(&options, &mut Editor::default()));
    remarks.extend(output::not_known(plugin, &options));
    remarks.push(Remark::Change(
        "nothing blocks the container when the service is not there: lines wait in the router"
            .to_owned(),
    ));
    remarks.extend(multiline::remark(&options));
    let title = format!("{}: from awslogs to awsfirelens", titled(container));
    report.parts.push(Part { title, remarks });
    if unread.is_some() {
        without_problems(report);
    }
    report.needs.output(
        plugin,
        &flags::corrected(&options),
        account(task).as_deref(),
    );
    if task.flavor != Flavor::Program {
        moved(report, task, container, logs, text);
    }
}

/// The edits that move a container to the router.
fn moved(
    report: &mut Report,
    task: &TaskDefinition,
    container: &Container,
    logs: &Logs,
    text: &Text<'_>,
) {
    let mut editor = text.editor(logs.node.as_ref());
    for key in ["logDriver", "log_driver"] {
        editor.set(key, "awsfirelens");
    }
    report.changes.extend(editor.finish());
    let mut editor = text.editor(options_node(logs));
    for (key, _) in &logs.output().0 {
        if Plugin::CloudWatch.spec(key).is_none() {
            editor.remove(key);
        }
    }
    editor.add("Name", Plugin::CloudWatch.name());
    report.changes.extend(editor.finish());
    if let Some((router, node)) = waits(task, container).zip(container.node.as_ref()) {
        let is_pascal = node.members().iter().any(|member| member.key == "Name");
        let order = json!([{"containerName": router, "condition": "START"}]);
        let key = if is_pascal { "DependsOn" } else { "dependsOn" };
        let mut editor = text.editor(Some(node));
        if node.get("dependsOn").is_none() {
            editor.add_raw(key, &flow(&order, text.format, is_pascal));
        }
        report.changes.extend(editor.finish());
    }
}

/// A value on one line.
fn flow(value: &Value, format: Format, is_pascal: bool) -> String {
    let text = render::text(
        value,
        if format == Format::Yaml {
            Format::Json
        } else {
            format
        },
        is_pascal,
    );
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match format {
        Format::Hcl => text
            .replace("\" condition", "\", condition")
            .replace("\" containerName", "\", containerName"),
        _ => text,
    }
}

fn copilot(container: &Container) -> Part {
    let title = format!(
        "service `{}`: it logs by awslogs, as Copilot has it",
        container.name
    );
    let logging = json!({"logging": {
        "image": crate::IMAGE,
        "destination": {
            "Name": "cloudwatch",
            "log_group_name": format!("/copilot/{}", container.name),
            "log_stream_prefix": "copilot/",
        },
    }});
    let part = Part::new(title).with(Remark::Edit("add this to the manifest:".to_owned()));
    part.with(Remark::Text(render::text(&logging, Format::Yaml, false)))
}

fn configuration(options: &Options, logs: &Logs) -> String {
    let secrets: Vec<&str> = logs
        .secret_options
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    let plain = options.without(|key| secrets.contains(&key));
    let members = plain.0.into_iter().map(|(key, value)| (key, value.into()));
    let name = ("Name".to_owned(), Value::from(Plugin::CloudWatch.name()));
    let options: Value = std::iter::once(name).chain(members).collect();
    let shown = json!({"logDriver": "awsfirelens", "options": options});
    format!("\"logConfiguration\": {shown:#}")
}
