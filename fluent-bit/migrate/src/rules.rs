//! The rules of FireLens that no other tool checks before a task fails, or loses its last lines.
//!
//! Sources: the ECS agent's `agent/taskresource/firelens` and `agent/api/task`, the parameters of
//! RegisterTaskDefinition.

mod container;
mod router;

use std::collections::BTreeSet;

use crate::document::Document;
use crate::iam::{self, Policy};
use crate::needs::{Needs, Who};
use crate::plugin::Plugin;
use crate::task::{Container, TaskDefinition};

/// What a task definition breaks, in sentences; `grace` is the router's, in seconds.
#[must_use]
pub fn broken(task: &TaskDefinition, grace: u32) -> Vec<String> {
    let mut broken = Vec::new();
    let routers: Vec<&Container> = task.routers().collect();
    let count = task.logging_by("awsfirelens").count();
    match routers.as_slice() {
        [] if count == 0 => {}
        [] => broken.push(format!(
            "{} by awsfirelens, and no container has a firelensConfiguration",
            if count == 1 {
                "1 container logs".to_owned()
            } else {
                format!("{count} containers log")
            }
        )),
        [router] => broken.extend(router::broken(task, router, grace)),
        several => {
            let names: Vec<&str> = several.iter().map(|router| router.name.as_str()).collect();
            let names = names.join(", ");
            broken.push(format!(
                "a task has one router, and this one has several: {names}"
            ));
        }
    }
    if routers.iter().any(|router| is_fluentd(router)) {
        return broken;
    }
    for container in &task.container_definitions {
        let of_container = container::broken(task, container, grace);
        let name = &container.name;
        let of_container = of_container.into_iter();
        broken.extend(of_container.map(|why| format!("container `{name}`: {why}")));
    }
    broken.extend(roles(task));
    broken
}

/// The grace of a router with this configuration, in seconds.
///
/// # Errors
///
/// When its `Grace` is no number.
pub fn grace(document: &Document) -> Result<u32, String> {
    let sections = document.sections();
    if sections.is_empty() {
        return Err("a configuration of Fluent Bit was expected".to_owned());
    }
    let services = sections.iter().rev();
    let mut services = services.filter(|section| section.kind == "SERVICE");
    // Of several sections the last counts.
    let set = services.find_map(|section| section.options.get("grace"));
    let Some(grace) = set else {
        return Ok(GRACE_SECONDS);
    };
    grace
        .parse()
        .map_err(|_| format!("`Grace` is `{grace}`: a number of seconds was expected"))
}

/// What a policy of the task role lacks, in sentences.
#[must_use]
pub fn lacking(task: &TaskDefinition, policy: &Policy) -> Vec<String> {
    let needs = needs(task);
    let needed = needs.actions(&Who::Task);
    let lacking = needed.into_iter().filter(|action| !policy.allows(action));
    lacking
        .map(|action| format!("the policy does not allow {action}"))
        .collect()
}

/// What the identities of a task need for the outputs of its containers and its router's start.
#[must_use]
pub fn needs(task: &TaskDefinition) -> Needs {
    let mut needs = Needs::default();
    for (_, logs) in task.logging_by("awsfirelens") {
        let options = logs.output();
        let name = options.get("Name").unwrap_or_default();
        if let Some(plugin) = Plugin::named(name) {
            needs.output(plugin, &options, None);
        }
    }
    needs.start(task);
    needs
}

/// How many rules are looked at: those of the router, of each container and of the roles.
#[must_use]
pub fn count(task: &TaskDefinition) -> usize {
    let containers = task.container_definitions.len();
    RULES_OF_A_TASK + task.routers().count() * router::RULES + containers * container::RULES
}

/// One router, its roles: see [`broken`] and `roles`.
const RULES_OF_A_TASK: usize = 3;

/// What the plugins of a task's router are permitted to do.
#[must_use]
pub fn actions(task: &TaskDefinition) -> BTreeSet<&'static str> {
    let outputs = task
        .logging_by("awsfirelens")
        .map(|(_, logs)| logs.output());
    outputs
        .filter_map(|options| {
            let plugin = Plugin::named(options.get("Name")?)?;
            Some(iam::actions(plugin, &options))
        })
        .flatten()
        .collect()
}

/// Whether a router is the other one that FireLens has.
#[must_use]
pub fn is_fluentd(router: &Container) -> bool {
    let firelens = router.firelens_configuration.as_ref();
    firelens.is_some_and(|firelens| firelens.kind == "fluentd")
}

fn roles(task: &TaskDefinition) -> Vec<String> {
    let mut broken = Vec::new();
    if task.task_role_arn.is_none() && !actions(task).is_empty() {
        broken
            .push("it has no taskRoleArn, whose permissions the router's requests need".to_owned());
    }
    let logs = task.container_definitions.iter();
    let mut logs = logs.filter_map(|container| container.log_configuration.as_ref());
    if task.execution_role_arn.is_none() && logs.any(|logs| !logs.secret_options.is_empty()) {
        broken.push("it has secretOptions, and no executionRoleArn to read them with".to_owned());
    }
    broken
}

/// Seconds of grace that the image gives a configuration without a `Grace` of its own; a test holds it
/// against `with-defaults.conf`.
pub const GRACE_SECONDS: u32 = 30;

#[cfg(test)]
mod tests;
