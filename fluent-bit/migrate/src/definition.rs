//! A task definition -> what each container needs.

use serde_json::{Value, json};

use crate::iam;
use crate::multiline;
use crate::options::Options;
use crate::output;
use crate::plugin::Plugin;
use crate::report::{Part, Remark, Report};
use crate::rules;
use crate::task::{Container, Logs, TaskDefinition};

/// What a task definition needs.
#[must_use]
pub fn report(task: &TaskDefinition) -> Report {
    let mut report = Report::default();
    report.parts.extend(task.routers().map(router));
    if task.routers().any(rules::is_fluentd) {
        return report;
    }
    for (container, logs) in task.logging_by("awsfirelens") {
        firelens(&mut report, container, logs);
    }
    let mut moves = false;
    for (container, logs) in task.logging_by("awslogs") {
        // The router's own lines cannot go through itself.
        if container.firelens_configuration.is_none() {
            awslogs(&mut report, task, container, logs);
            moves = true;
        }
    }
    report
        .parts
        .extend(task.container_definitions.iter().filter_map(other_driver));
    if moves && task.routers().next().is_none() {
        report.parts.insert(0, missing_router(task));
    }
    report.parts.extend(of_roles(task, moves));
    if !moves {
        report.parts.extend(of_rules(task));
    }
    report
}

fn router(container: &Container) -> Part {
    let image = &container.image;
    let part = Part::new(format!("container `{}`: the router", container.name));
    if rules::is_fluentd(container) {
        let advice = "it is Fluentd, and so are the options of its outputs: write `\"type\": \"fluentbit\"`, and options of Fluent Bit's outputs";
        return part.with(Remark::Edit(advice.to_owned()));
    }
    let is_awss = image.contains("aws-for-fluent-bit");
    let part = part.with(if is_awss {
        Remark::Edit(format!("write this router's image for `{image}`"))
    } else {
        Remark::Edit(format!(
            "unless `{image}` is this router's, take it or its /fluent-bit/cloudwatch.so and /fluent-bit/firehose.so"
        ))
    });
    let variables = container.environment.iter();
    let remarks = variables.filter_map(|variable| of_variable(&variable.name));
    let command = container.command.join(" ");
    let kinesis = command.contains("kinesis.so").then(|| {
        Remark::Edit(
            "leave `-e /fluent-bit/kinesis.so` out of the command, unless your image has that file"
                .to_owned(),
        )
    });
    remarks.chain(kinesis).fold(part, Part::with)
}

/// Variables that AWS's plugins read.
fn of_variable(name: &str) -> Option<Remark> {
    match name {
        "FLB_LOG_LEVEL" => Some(
            "leave out FLB_LOG_LEVEL: the plugins write into Fluent Bit's log, by its `Log_Level`",
        ),
        "SEND_FAILURE_TIMEOUT" => Some(
            "leave out SEND_FAILURE_TIMEOUT: it ended the process, and has no effect here; `Retry_Limit` bounds retries",
        ),
        _ => None,
    }
    .map(|text| Remark::Edit(text.to_owned()))
}

fn firelens(report: &mut Report, container: &Container, logs: &Logs) {
    let options = logs.output();
    let name = options.get("Name").unwrap_or_default().to_owned();
    let title = format!("container `{}`: output `{name}`", container.name);
    if name.is_empty() && options.0.is_empty() {
        let title = format!(
            "container `{}`: routed by the configuration file",
            container.name
        );
        let advice = "run this tool on that file too";
        let part = Part::new(title).with(Remark::Edit(advice.to_owned()));
        report.parts.push(part);
        return;
    }
    output::add(report, title, &name, &options);
}

/// The driver's options stay; those without effect go.
fn awslogs(report: &mut Report, task: &TaskDefinition, container: &Container, logs: &Logs) {
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
    remarks.extend(output::not_known(plugin, &options));
    remarks.push(Remark::Change(
        "nothing blocks the container when the service is not there: lines wait in the router"
            .to_owned(),
    ));
    remarks.extend(multiline::remark(&options));
    let title = format!(
        "container `{}`: from awslogs to awsfirelens",
        container.name
    );
    report.parts.push(Part { title, remarks });
    report.actions.extend(iam::actions(plugin, &options));
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

fn other_driver(container: &Container) -> Option<Part> {
    let logs = container.log_configuration.as_ref()?;
    let driver = logs.log_driver.as_str();
    let advice = match driver {
        "awslogs" | "awsfirelens" => return None,
        "syslog" => {
            "send to a router with `syslog` inputs, or log by awsfirelens: docs/migration.md, rsyslog"
        }
        "json-file" | "journald" => {
            "a router on the instance can read it: docs/migration.md, Logspout"
        }
        "fluentd" => {
            "a router on the instance can take it on its forward input: docs/migration.md, Logspout"
        }
        "gelf" | "splunk" => "log by awsfirelens with Fluent Bit's output of that name",
        _ => "no such log driver is known",
    };
    let part = Part::new(format!(
        "container `{}`: log driver {driver}",
        container.name
    ));
    Some(part.with(Remark::Keep(advice.to_owned())))
}

fn missing_router(task: &TaskDefinition) -> Part {
    let title = format!("task definition `{}`: it has no router", task.family);
    let router = json!({
        "name": ROUTER,
        "image": "example.com/log-router:1",
        "essential": true,
        "memoryReservation": 128,
        "stopTimeout": rules::GRACE_SECONDS + 30,
        "firelensConfiguration": {"type": "fluentbit"},
    });
    let part = Part::new(title).with(Remark::Edit("add this container:".to_owned()));
    part.with(Remark::Text(format!("{router:#}")))
}

/// In bridge mode a container that logs is told the router's address when it is made.
fn start_order(task: &TaskDefinition, container: &Container) -> Option<Remark> {
    let router = task.routers().next();
    let router = router.map_or(ROUTER, |router| router.name.as_str());
    let mut waits = container.depends_on.iter();
    let waits = waits.any(|on| on.container_name == router);
    let is_bridge = task.network() == "bridge";
    (is_bridge && !waits).then(|| {
        Remark::Edit(format!(
            r#"add "dependsOn": [{{"containerName": "{router}", "condition": "START"}}]"#
        ))
    })
}

/// The router that a task is given.
const ROUTER: &str = "log_router";

fn of_roles(task: &TaskDefinition, moves: bool) -> Option<Part> {
    let part = Part::new(format!("task definition `{}`: its roles", task.family));
    let execution =
        "awslogs used the execution role, the router uses the task role: give it the actions below";
    match &task.task_role_arn {
        None => Some(part.with(Remark::Edit(
            "add a `taskRoleArn`: the router's requests are made with the task role".to_owned(),
        ))),
        Some(_) if moves => Some(part.with(Remark::Edit(execution.to_owned()))),
        Some(_) => None,
    }
}

fn of_rules(task: &TaskDefinition) -> Option<Part> {
    let broken = rules::broken(task, rules::GRACE_SECONDS);
    let part = Part::new(format!("task definition `{}`: FireLens rules", task.family));
    let remarks = broken.into_iter().map(Remark::Edit);
    let part = remarks.fold(part, Part::with);
    (!part.remarks.is_empty()).then_some(part)
}
