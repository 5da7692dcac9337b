//! What the container needs that is the router.

use super::{Text, titled};
use crate::document::Document;
use crate::edit::items;
use crate::follow;
use crate::forms::COPILOT_ROUTER;
use crate::report::{Part, Remark, Report};
use crate::rules;
use crate::task::{Container, Flavor, TaskDefinition, Variable, VariableFile};
use crate::tree::Node;

pub(super) fn report(
    report: &mut Report,
    document: &Document,
    task: &TaskDefinition,
    container: &Container,
    text: &Text<'_>,
) {
    let part = Part::new(format!("{}: the router", titled(container)));
    if rules::is_fluentd(container) {
        let advice = "it is Fluentd, and so are the options of its outputs: write `\"type\": \"fluentbit\"`, and options of Fluent Bit's outputs";
        report
            .parts
            .push(part.with(Remark::Edit(advice.to_owned())));
        return;
    }
    image(report, container, text);
    let part = part.with(of_image(container));
    let variables = container.environment.iter();
    let remarks = variables.filter_map(of_variable);
    let variable_files = container.environment_files.iter().map(of_variable_file);
    without_variables(report, container, text);
    let files = of_files(document, task);
    let remarks = remarks.chain(variable_files).chain(files);
    let part = remarks.fold(part, Part::with);
    report.parts.push(part);
}

fn of_image(container: &Container) -> Remark {
    let image = &container.image;
    if image == crate::IMAGE {
        return Remark::Keep("its image is this router's".to_owned());
    }
    if image.contains("aws-for-fluent-bit") {
        return Remark::image(image);
    }
    Remark::Edit(match image.as_str() {
        "" if container.name == COPILOT_ROUTER => {
            "add `image`: without it Copilot takes AWS's; write this router's".to_owned()
        }
        "" => "write this router's image".to_owned(),
        image => format!(
            "unless `{image}` is this router's, take it or its /fluent-bit/cloudwatch.so, /fluent-bit/firehose.so and /fluent-bit/kinesis.so"
        ),
    })
}

/// The edit of its image, where it is AWS's.
fn image(report: &mut Report, container: &Container, text: &Text<'_>) {
    let mut editor = text.editor(container.node.as_ref());
    if container.image.contains("aws-for-fluent-bit") {
        for key in ["image", "container_image"] {
            editor.set(key, crate::IMAGE);
        }
    } else if container.image.is_empty() && container.name == COPILOT_ROUTER {
        editor.add("image", crate::IMAGE);
    }
    report.changes.extend(editor.finish());
}

/// The edits that leave out variables without an effect.
fn without_variables(report: &mut Report, container: &Container, text: &Text<'_>) {
    let Some(environment) = container
        .node
        .as_ref()
        .and_then(|node| node.get("environment").or(node.get("variables")))
    else {
        return;
    };
    let mut editor = text.editor(Some(environment));
    WITHOUT_EFFECT.iter().for_each(|name| editor.remove(name));
    if !environment.members().is_empty() {
        report.changes.extend(editor.finish());
    }
    let is_one = |item: &Node| {
        let name = item.text_of("name").or_else(|| item.text());
        let name = name.unwrap_or_default();
        WITHOUT_EFFECT.contains(&name.split('=').next().unwrap_or_default())
    };
    if let Some(index) = environment.items().iter().position(is_one) {
        let change = items::without(environment, index, text.text);
        let change = change.map(|change| (text.layer, change));
        report.changes.extend(change);
    }
}

/// Variables that have no effect here.
const WITHOUT_EFFECT: [&str; 1] = ["SEND_FAILURE_TIMEOUT"];

/// What is to be said of a file of variables.
fn of_variable_file(file: &VariableFile) -> Remark {
    let path = &file.path;
    match file.is_here {
        true => Remark::Keep(format!("the variables of `{path}` were read")),
        false => Remark::Change(format!(
            "`{path}` has variables of the router: it is not read, as it is not here; give that file too"
        )),
    }
}

/// Variables that AWS's plugins read.
fn of_variable(variable: &Variable) -> Option<Remark> {
    let place = variable.file.as_ref();
    let place = place
        .map(|file| format!(" of `{file}`"))
        .unwrap_or_default();
    match variable.name.as_str() {
        "FLB_LOG_LEVEL" => Some(Remark::Keep(
            "FLB_LOG_LEVEL sets the level of the router's log, where the configuration has no `Log_Level`".to_owned(),
        )),
        "SEND_FAILURE_TIMEOUT" => Some(Remark::Edit(
            format!("leave out SEND_FAILURE_TIMEOUT{place}: it ended the process, and has no effect here; `Retry_Limit` bounds retries"),
        )),
        _ => None,
    }
}

/// The files that the router reads and that are not here.
fn of_files(document: &Document, task: &TaskDefinition) -> Vec<Remark> {
    if task.flavor == Flavor::Compose {
        return Vec::new();
    }
    let is_here = |path: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        let mut followed = document.followed.iter();
        followed.any(|other| other.name.rsplit('/').next() == Some(file))
    };
    let files = follow::of_task(task).into_iter();
    let missing = files.filter(|(_, path)| !is_here(path));
    let remarks = missing.map(|(name, path)| match path.contains("/fluent-bit/configs/") {
        true => Remark::Keep(format!(
            "{name} is `{path}`, and the image has a file for it: see docs/image.md"
        )),
        false => Remark::Change(format!(
            "{name} is `{path}`: it is not read, as it is not here; give that file too"
        )),
    });
    remarks.collect()
}
