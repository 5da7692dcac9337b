//! The rules for the router.

use crate::task::{Container, TaskDefinition};

pub(super) fn broken(task: &TaskDefinition, router: &Container, grace: u32) -> Vec<String> {
    // All else of the other router is its own.
    let checks = if super::is_fluentd(router) {
        vec![kind(router)]
    } else {
        checks(task, router, grace)
    };
    let name = &router.name;
    let broken = checks.into_iter().flatten();
    broken
        .map(|why| format!("router `{name}`: {why}"))
        .collect()
}

fn checks(task: &TaskDefinition, router: &Container, grace: u32) -> Vec<Option<String>> {
    vec![
        kind(router),
        unknown_options(router),
        metadata(router),
        file(task, router),
        own_lines(router),
        waits_for_a_source(task, router),
        essential(router),
        stop_timeout(task, router, grace),
        takes_another(task),
    ]
}

fn option<'c>(router: &'c Container, key: &str) -> Option<&'c str> {
    let firelens = router.firelens_configuration.as_ref()?;
    firelens.options.get(key).map(String::as_str)
}

fn kind(router: &Container) -> Option<String> {
    let kind = &router.firelens_configuration.as_ref()?.kind;
    (kind != "fluentbit").then(|| format!("its type is `{kind}`; this router's is `fluentbit`"))
}

fn unknown_options(router: &Container) -> Option<String> {
    let options = &router.firelens_configuration.as_ref()?.options;
    let unknown = options
        .keys()
        .find(|key| !OPTIONS.contains(&key.as_str()))?;
    let known = OPTIONS.join(", ");
    Some(format!(
        "`{unknown}` is no option of firelensConfiguration; those are {known}"
    ))
}

fn metadata(router: &Container) -> Option<String> {
    let value = option(router, OPTIONS[0])?;
    // What Go's ParseBool takes; anything else switches the metadata off.
    let known = [
        "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False",
    ];
    (!known.contains(&value)).then(|| format!("`{}` is `{value}`, no boolean", OPTIONS[0]))
}

fn file(task: &TaskDefinition, router: &Container) -> Option<String> {
    let (kind, value) = (option(router, OPTIONS[1]), option(router, OPTIONS[2]));
    match (kind, value) {
        (None, None) => None,
        (Some(_), None) => Some(format!("`{}` needs a `{}`", OPTIONS[1], OPTIONS[2])),
        (None, Some(_)) => Some(format!("`{}` needs a `{}`", OPTIONS[2], OPTIONS[1])),
        (Some("s3"), _) if task.is_fargate() => {
            Some("on Fargate a configuration cannot come from S3; use `file`".to_owned())
        }
        (Some("file"), Some(OVERWRITTEN)) => Some(format!(
            "ECS writes {OVERWRITTEN} itself; put the file elsewhere"
        )),
        (Some("file" | "s3"), _) => None,
        (Some(other), _) => Some(format!(
            "`{}` is `{other}`, neither `file` nor `s3`",
            OPTIONS[1]
        )),
    }
}

fn own_lines(router: &Container) -> Option<String> {
    let logs = router.log_configuration.as_ref()?;
    let through_itself = logs.log_driver == "awsfirelens";
    through_itself.then(|| "its own lines cannot go through itself; use awslogs".to_owned())
}

fn waits_for_a_source(task: &TaskDefinition, router: &Container) -> Option<String> {
    let sources: Vec<&str> = task
        .logging_by("awsfirelens")
        .map(|(container, _)| container.name.as_str())
        .collect();
    let dependency = router
        .depends_on
        .iter()
        .find(|on| sources.contains(&on.container_name.as_str()))?;
    let on = &dependency.container_name;
    Some(format!("it waits for `{on}`, which logs through it"))
}

fn essential(router: &Container) -> Option<String> {
    (router.essential == Some(false))
        .then(|| "it is not essential: its end would go unnoticed, and lines be lost".to_owned())
}

fn stop_timeout(task: &TaskDefinition, router: &Container, grace: u32) -> Option<String> {
    let seconds = router.stop_timeout.unwrap_or(STOP_TIMEOUT);
    if task.is_fargate() && seconds > MOST_ON_FARGATE {
        return Some(format!(
            "its stopTimeout is {seconds} s, and Fargate's longest {MOST_ON_FARGATE} s"
        ));
    }
    (seconds <= grace).then(|| {
        format!("its stopTimeout is {seconds} s, no longer than Grace, {grace} s: it would be killed with lines left")
    })
}

/// `NAME-firelens*` is what the agent matches an output with.
fn takes_another(task: &TaskDefinition) -> Option<String> {
    let names = || {
        task.logging_by("awsfirelens")
            .map(|(container, _)| &container.name)
    };
    let mut pairs = names().flat_map(|name| names().map(move |other| (name, other)));
    let is_caught = |(name, other): &(&String, &String)| {
        name != other && other.starts_with(&format!("{name}-firelens"))
    };
    let (name, other) = pairs.find(is_caught)?;
    Some(format!(
        "the output of `{name}` gets the lines of `{other}` too, as its tag begins alike"
    ))
}

/// How many rules a router has to keep.
pub(super) const RULES: usize = 9;
const OPTIONS: [&str; 3] = [
    "enable-ecs-log-metadata",
    "config-file-type",
    "config-file-value",
];
const OVERWRITTEN: &str = "/fluent-bit/etc/fluent-bit.conf";
/// The agent's, in seconds, without ECS_CONTAINER_STOP_TIMEOUT.
const STOP_TIMEOUT: u32 = 30;
const MOST_ON_FARGATE: u32 = 120;
