//! What the container needs that is the router.

use super::{Text, titled};
use crate::document::Document;
use crate::follow;
use crate::forms::COPILOT_ROUTER;
use crate::report::{Part, Remark, Report};
use crate::rules;
use crate::task::{Container, Flavor, TaskDefinition};

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
    let remarks = variables.filter_map(|variable| of_variable(&variable.name));
    let files = of_files(document, task);
    let part = remarks.chain(files).fold(part, Part::with);
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

/// Variables that AWS's plugins read.
fn of_variable(name: &str) -> Option<Remark> {
    match name {
        "FLB_LOG_LEVEL" => Some(Remark::Keep(
            "FLB_LOG_LEVEL sets the level of the router's log, where the configuration has no `Log_Level`".to_owned(),
        )),
        "SEND_FAILURE_TIMEOUT" => Some(Remark::Edit(
            "leave out SEND_FAILURE_TIMEOUT: it ended the process, and has no effect here; `Retry_Limit` bounds retries".to_owned(),
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
