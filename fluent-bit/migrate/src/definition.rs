//! A task definition -> what each container needs.

mod awslogs;
mod router;

use serde_json::json;

use crate::document::{Document, Note};
use crate::edit::Change;
use crate::editor::Editor;
use crate::metrics::Reached;
use crate::options::is_of_the_environment;
use crate::output;
use crate::render;
use crate::report::{Part, Remark, Report};
use crate::rules;
use crate::task::{Container, Flavor, Logs, TaskDefinition};
use crate::tree::{Format, Node};

/// Adds what a task definition needs.
pub fn task(report: &mut Report, document: &Document, task: &TaskDefinition) {
    let text = Text::of(document, task);
    report.account = account(task);
    for container in task.routers() {
        router::report(report, document, task, container, &text);
    }
    if task.routers().any(rules::is_fluentd) {
        return;
    }
    let first = report.parts.len();
    for (container, logs) in task.logging_by("awsfirelens") {
        firelens(report, container, logs, &text);
    }
    let mut moves = false;
    for (container, logs) in task
        .logging_by("awslogs")
        .filter(|_| task.flavor != Flavor::Compose)
    {
        // The router's own lines cannot go through itself.
        if container.firelens_configuration.is_none() {
            awslogs::report(report, task, container, logs, &text);
            moves = true;
        }
    }
    for (container, logs) in task
        .container_definitions
        .iter()
        .filter_map(|it| Some((it, it.log_configuration.as_ref()?)))
        .filter(|(_, logs)| is_of_the_environment(&logs.log_driver))
    {
        let text = format!(
            "{}: its log driver is `{}`, which is not known here: check it by hand",
            titled(container),
            logs.log_driver
        );
        report.notes.push(Note {
            text,
            is_partial: true,
        });
    }
    let others = task
        .container_definitions
        .iter()
        .filter_map(|it| other_driver(task, it));
    report.parts.extend(others);
    if task.routers().next().is_none() {
        let missing = missing_router(report, task, moves, &text);
        missing
            .into_iter()
            .for_each(|part| report.parts.insert(first, part));
    }
    report.needs.start(task);
    report.parts.extend(of_roles(task, moves));
    if !moves && task.flavor == Flavor::Task {
        let rules = of_rules(task, report);
        report.parts.extend(rules);
    }
    report.account = None;
    if report.parts.len() == first && task.routers().next().is_none() {
        let title = format!(
            "{}: no container logs by awsfirelens or awslogs: there is nothing to change",
            named(task)
        );
        report.parts.push(Part::new(title));
    }
}

/// The text that a task was read from.
struct Text<'d> {
    text: &'d str,
    format: Format,
    layer: usize,
}

impl<'d> Text<'d> {
    fn of(document: &'d Document, task: &TaskDefinition) -> Self {
        let layer = document.layers.get(task.layer);
        Self {
            text: layer.map_or("", |layer| &layer.text),
            format: layer.map_or(Format::Json, |layer| layer.format),
            layer: task.layer,
        }
    }

    fn editor(&self, node: Option<&Node>) -> Editor {
        match node {
            Some(node) => Editor::of(node, self.text, self.format, self.layer),
            None => Editor::default(),
        }
    }
}

/// How a task is called in titles.
fn named(task: &TaskDefinition) -> String {
    match (task.flavor, task.family.is_empty()) {
        (Flavor::Compose, _) => "compose file".to_owned(),
        (Flavor::Copilot, _) => format!("service `{}`", task.family),
        (Flavor::Containers, _) | (_, true) => "containers".to_owned(),
        _ => format!("task definition `{}`", task.family),
    }
}

fn titled(container: &Container) -> String {
    match container.name.strip_prefix("line ") {
        Some(_) => container.name.clone(),
        None if container.name.is_empty() => "a container of unknown name".to_owned(),
        None => format!("container `{}`", container.name),
    }
}

/// The node of a container's output options.
fn options_node(logs: &Logs) -> Option<&Node> {
    let node = logs.node.as_ref()?;
    node.get("options").or_else(|| node.get("destination"))
}

fn firelens(report: &mut Report, container: &Container, logs: &Logs, text: &Text<'_>) {
    let options = logs.output();
    let name = options.get("Name").unwrap_or_default().to_owned();
    let title = format!("{}: output `{name}`", titled(container));
    let unread = unread(logs);
    if unread == Some(Unread::All) || (unread.is_some() && name.is_empty()) {
        return;
    }
    if name.is_empty() && options.0.is_empty() {
        let title = format!("{}: routed by the configuration file", titled(container));
        let advice = "run this tool on that file too";
        let part = Part::new(title).with(Remark::Edit(advice.to_owned()));
        report.parts.push(part);
        return;
    }
    let mut editor = text.editor(options_node(logs));
    output::add(
        report,
        title,
        &name,
        &options,
        &Reached::Logs(Vec::new()),
        &mut editor,
    );
    report.changes.extend(editor.finish());
    if unread.is_some() {
        without_problems(report);
    }
}

/// How much of a container's options was not read; a note of the document says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Unread {
    All,
    Part,
}

fn unread(logs: &Logs) -> Option<Unread> {
    let node = options_node(logs)?;
    let mut choices = Vec::new();
    node.all_choices(&mut choices);
    match node.unknown_name() {
        Some(_) => Some(Unread::All),
        None => choices
            .iter()
            .any(|choice| choice.is_partial)
            .then_some(Unread::Part),
    }
}

/// What is wrong with options of which a part was not read may be right with that part.
fn without_problems(report: &mut Report) {
    let Some(part) = report.parts.last_mut() else {
        return;
    };
    for remark in &mut part.remarks {
        if let Remark::Problem(text) = remark {
            *remark = Remark::Change(format!("unless the part that was not read has it: {text}"));
        }
    }
}

/// The account of a task, where its role's ARN says it.
fn account(task: &TaskDefinition) -> Option<String> {
    let roles = [&task.task_role_arn, &task.execution_role_arn];
    let mut roles = roles
        .into_iter()
        .filter_map(|role| role.as_deref()?.split(':').nth(4));
    let account = roles.find(|account| account.len() == 12 && !account.contains('$'));
    account.map(str::to_owned)
}

fn other_driver(task: &TaskDefinition, container: &Container) -> Option<Part> {
    let logs = container.log_configuration.as_ref()?;
    let driver = logs.log_driver.as_str();
    let advice = match driver {
        "awslogs" if task.flavor == Flavor::Compose => {
            "Docker's own driver delivers it; a router of a compose file takes the driver `fluentd`: docs/migration.md, Logspout"
        }
        "awslogs" | "awsfirelens" => return None,
        "syslog" => {
            "send to a router with `syslog` inputs, or log by awsfirelens: docs/migration.md, rsyslog"
        }
        "json-file" | "journald" | "local" => {
            "a router on the instance can read it: docs/migration.md, Logspout"
        }
        "fluentd" => {
            "a router on the instance can take it on its forward input: docs/migration.md, Logspout"
        }
        "gelf" | "splunk" => "log by awsfirelens with Fluent Bit's output of that name",
        _ if is_of_the_environment(driver) => return None,
        _ => "no such log driver is known",
    };
    let part = Part::new(format!("{}: log driver {driver}", titled(container)));
    Some(part.with(Remark::Keep(advice.to_owned())))
}

/// The router that a task lacks whose containers are to log through one.
fn missing_router(
    report: &mut Report,
    task: &TaskDefinition,
    moves: bool,
    text: &Text<'_>,
) -> Option<Part> {
    let is_of_ecs = matches!(task.flavor, Flavor::Task | Flavor::Containers);
    if !moves || !is_of_ecs {
        return None;
    }
    let title = format!("{}: it has no router", named(task));
    let router = json!({
        "name": ROUTER,
        "image": crate::IMAGE,
        "essential": true,
        "memoryReservation": 128,
        "stopTimeout": rules::GRACE_SECONDS + 30,
        "firelensConfiguration": {"type": "fluentbit"},
    });
    let list = task.list.as_ref();
    let own = |list: &&Node| {
        list.items()
            .first()
            .is_some_and(|first| first.at != list.at)
    };
    if let Some(change) = list
        .filter(own)
        .and_then(|list| render::append(list, &router, text.text, text.format))
    {
        keep(report, text.layer, change);
    }
    let part = Part::new(title).with(Remark::Edit("add this container:".to_owned()));
    Some(part.with(Remark::Text(format!("{router:#}"))))
}

/// Additions at one place become one: an option at a container's end and the container behind it.
fn keep(report: &mut Report, layer: usize, change: Change) {
    let same = report
        .changes
        .iter_mut()
        .find(|(at, it)| *at == layer && it.at == change.at && change.at.is_empty());
    match same {
        Some((_, earlier)) => earlier.text.push_str(&change.text),
        None => report.changes.push((layer, change)),
    }
}

/// In bridge mode a container that logs is told the router's address when it is made.
fn start_order(task: &TaskDefinition, container: &Container) -> Option<Remark> {
    let router = waits(task, container)?;
    Some(Remark::Edit(format!(
        r#"add "dependsOn": [{{"containerName": "{router}", "condition": "START"}}]"#
    )))
}

/// The router that a container must wait for and does not.
fn waits(task: &TaskDefinition, container: &Container) -> Option<String> {
    let router = task.routers().next();
    let router = router.map_or(ROUTER, |router| router.name.as_str());
    let mut waits = container.depends_on.iter();
    let waits = waits.any(|on| on.container_name == router);
    let is_bridge = task.network() == "bridge" && task.flavor == Flavor::Task;
    (is_bridge && !waits).then(|| router.to_owned())
}

/// The router that a task is given.
const ROUTER: &str = "log_router";

fn of_roles(task: &TaskDefinition, moves: bool) -> Option<Part> {
    if task.flavor != Flavor::Task {
        return None;
    }
    let part = Part::new(format!("{}: its roles", named(task)));
    let execution =
        "awslogs used the execution role, the router uses the task role: give it the policy below";
    let logs = moves || task.logging_by("awsfirelens").next().is_some();
    match &task.task_role_arn {
        None if logs => Some(part.with(Remark::Edit(
            "add a `taskRoleArn`: the router's requests are made with the task role".to_owned(),
        ))),
        Some(_) if moves => Some(part.with(Remark::Edit(execution.to_owned()))),
        _ => None,
    }
}

fn of_rules(task: &TaskDefinition, report: &Report) -> Option<Part> {
    let mut broken = rules::broken(task, rules::GRACE_SECONDS);
    let said = report.parts.iter().flat_map(|part| &part.remarks);
    let said: Vec<&str> = said
        .filter_map(|remark| match remark {
            Remark::Problem(text) | Remark::Edit(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    broken.retain(|why| !said.iter().any(|text| why.ends_with(text)));
    let part = Part::new(format!("{}: FireLens rules", named(task)));
    let remarks = broken.into_iter().map(Remark::Edit);
    let part = remarks.fold(part, Part::with);
    (!part.remarks.is_empty()).then_some(part)
}
