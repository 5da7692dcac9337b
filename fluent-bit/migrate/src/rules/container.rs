//! The rules for a container that logs.

use std::time::Duration;

use crate::options::Options;
use crate::options::is_of_the_environment;
use crate::peers::{Family, kept_by_the_host};
use crate::plugin::{Plugin, Verdict};
use crate::report::Remark;
use crate::task::{Container, Logs, TaskDefinition};

pub(super) fn broken(task: &TaskDefinition, container: &Container, grace: u32) -> Vec<String> {
    let Some(logs) = &container.log_configuration else {
        return Vec::new();
    };
    if logs.log_driver != "awsfirelens" {
        return driver(&logs.log_driver).into_iter().collect();
    }
    let checks = [
        start_order(task, container),
        health(task, container),
        buffer(logs),
    ];
    let broken = checks.into_iter().flatten();
    broken.chain(output(&logs.output(), grace)).collect()
}

fn driver(driver: &str) -> Option<String> {
    let known = DRIVERS.join(", ");
    let is_wrong = !DRIVERS.contains(&driver) && !is_of_the_environment(driver);
    is_wrong.then(|| format!("`{driver}` is no log driver of ECS: {known}"))
}

/// In bridge mode the container is told the router's address when it is made.
fn start_order(task: &TaskDefinition, container: &Container) -> Option<String> {
    let router = task.routers().next()?;
    let waits = dependency(router, container).is_some();
    let is_bridge = task.network() == "bridge";
    (is_bridge && !waits).then(|| {
        let name = &router.name;
        format!("in bridge mode it must wait for the router: dependsOn `{name}`, condition START or HEALTHY (the ECS agent adds START only as long as the router waits for nothing)")
    })
}

fn health(task: &TaskDefinition, container: &Container) -> Option<String> {
    let router = task.routers().next()?;
    match dependency(router, container)? {
        "HEALTHY" if !router.has_health_check => {
            Some("it waits for a HEALTHY router, which has no healthCheck".to_owned())
        }
        "START" | "HEALTHY" => None,
        other => Some(format!(
            "it waits for the router with the condition {other}; that is when the router has ended"
        )),
    }
}

fn dependency<'c>(router: &Container, container: &'c Container) -> Option<&'c str> {
    let mut all = container.depends_on.iter();
    let dependency = all.find(|on| on.container_name == router.name)?;
    Some(&dependency.condition)
}

fn buffer(logs: &Logs) -> Option<String> {
    let value = logs.options.get(BUFFER_LIMIT)?;
    let is_fine = value.parse::<u32>().is_ok_and(|lines| lines < MOST_LINES);
    (!is_fine)
        .then(|| format!("`{BUFFER_LIMIT}` is `{value}`: a number of lines below {MOST_LINES}"))
}

/// What the output would say at its start.
fn output(options: &Options, grace: u32) -> Vec<String> {
    let Some(name) = options.get("Name") else {
        let why = "it has options for an output, and no `Name`: ECS does not start such a task";
        let is_empty = options.0.is_empty();
        return (!is_empty).then(|| why.to_owned()).into_iter().collect();
    };
    let Some(plugin) = Plugin::named(name) else {
        return Vec::new();
    };
    let verdict = plugin.verdict(options);
    let keys = options.0.iter();
    let unknown = keys.filter_map(|(key, value)| {
        match kept_by_the_host(key, value, Family::Go) {
            Some(Remark::Problem(why)) => return Some(why),
            Some(_) => return None,
            None => {}
        }
        let is_option = plugin.spec(key).is_some();
        (!is_option).then(|| verdict.why_idle(plugin, key))
    });
    let mut broken: Vec<String> = unknown.collect();
    broken.extend(flush_timeout(&verdict, grace));
    broken.extend(verdict.problems);
    broken
}

/// The host waits for a flush that runs when it ends, also beyond its `Grace`.
fn flush_timeout(verdict: &Verdict, grace: u32) -> Option<String> {
    let timeout = verdict.flush_timeout;
    let is_within = timeout < Duration::from_secs(grace.into());
    (!is_within).then(|| {
        format!("`flush_timeout` is {timeout:?}, no shorter than the router's Grace, {grace} s")
    })
}

/// How many rules a container has to keep: its driver, its start order, the router's health, its
/// buffer, its output's options and its flush timeout.
pub(super) const RULES: usize = 6;
const BUFFER_LIMIT: &str = "log-driver-buffer-limit";
/// What the agent takes.
const MOST_LINES: u32 = 536_870_912;
/// The values of `logDriver`.
const DRIVERS: [&str; 8] = [
    "awsfirelens",
    "awslogs",
    "fluentd",
    "gelf",
    "journald",
    "json-file",
    "splunk",
    "syslog",
];
