//! Which identity needs which action on which resource, as policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::follow;
use crate::iam;
use crate::options::{Options, unknown_from};
use crate::plugin::Plugin;
use crate::task::TaskDefinition;

/// An identity.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Who {
    /// The role of the task, which the router's requests are made with.
    Task,
    /// The role of the router's pods.
    Pod,
    /// Whatever identity the router's service of a compose file has.
    Service,
    /// The role with which ECS starts the task.
    Execution,
    /// A role that the router takes on.
    Role(String),
}

/// Where the router runs, and so whose requests it makes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Caller {
    /// In a task of ECS.
    #[default]
    Task,
    /// In Kubernetes.
    Pod,
    /// By a compose file.
    Service,
}

/// Actions and resources of identities.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    of: BTreeMap<Who, BTreeMap<Vec<String>, BTreeSet<String>>>,
    /// Whose the requests of outputs are that are added from now on.
    pub caller: Caller,
}

impl Needs {
    /// Adds an action on resources.
    pub fn add(&mut self, who: Who, action: &str, resources: Vec<String>) {
        let statements = self.of.entry(who).or_default();
        statements
            .entry(resources)
            .or_default()
            .insert(action.to_owned());
    }

    fn who(&self) -> Who {
        match self.caller {
            Caller::Task => Who::Task,
            Caller::Pod => Who::Pod,
            Caller::Service => Who::Service,
        }
    }

    /// Adds what an output's requests need.
    pub fn output(&mut self, plugin: Plugin, options: &Options, account: Option<&str>) {
        let role = options.get("role_arn").filter(|role| !role.is_empty());
        let (who, account) = match role {
            Some(role) => {
                let known = role
                    .split(':')
                    .nth(4)
                    .filter(|account| !account.contains('$'));
                let role = if role.contains("${") { "*" } else { role };
                self.add(self.who(), "sts:AssumeRole", vec![role.to_owned()]);
                (Who::Role(role.to_owned()), known)
            }
            None => (self.who(), account),
        };
        let resources = resources(plugin, options, account);
        for action in iam::of_service(plugin, options) {
            self.add(who.clone(), action, resources.clone());
        }
    }

    /// Adds what a task needs at its start: its configuration and its secrets.
    pub fn start(&mut self, task: &TaskDefinition) {
        for (name, value) in follow::of_task(task) {
            let Some(object) = value
                .strip_prefix("arn:")
                .filter(|_| value.contains(":s3:::"))
            else {
                continue;
            };
            let arn = format!("arn:{}", star(object));
            if name == "config-file-value" {
                let bucket = arn.split('/').next().unwrap_or_default().to_owned();
                self.add(Who::Execution, "s3:GetObject", vec![arn]);
                self.add(Who::Execution, "s3:GetBucketLocation", vec![bucket]);
            } else {
                self.add(Who::Task, "s3:GetObject", vec![arn]);
            }
        }
        let files = task
            .container_definitions
            .iter()
            .flat_map(|it| &it.environment_files);
        for file in files.filter(|file| file.path.contains(":s3:::")) {
            let arn = star(&file.path);
            let bucket = arn.split('/').next().unwrap_or_default().to_owned();
            self.add(Who::Execution, "s3:GetObject", vec![arn]);
            self.add(Who::Execution, "s3:GetBucketLocation", vec![bucket]);
        }
        let logs = task
            .container_definitions
            .iter()
            .filter_map(|it| it.log_configuration.as_ref());
        for secret in logs.flat_map(|logs| &logs.secret_options) {
            let (action, resource) = secret_of(&secret.value_from);
            self.add(Who::Execution, action, vec![resource]);
        }
    }

    /// The actions that an identity needs.
    #[must_use]
    pub fn actions(&self, who: &Who) -> BTreeSet<&str> {
        let statements = self.of.get(who).into_iter().flat_map(BTreeMap::values);
        statements.flatten().map(String::as_str).collect()
    }

    /// The same with those of others.
    pub fn extend(&mut self, other: Self) {
        for (who, statements) in other.of {
            for (resources, actions) in statements {
                for action in actions {
                    self.add(who.clone(), &action, resources.clone());
                }
            }
        }
    }
}

/// The action that reads a secret or a parameter, and its resource.
fn secret_of(from: &str) -> (&'static str, String) {
    if from.contains(":secretsmanager:") {
        // Behind the secret's name may be a key of its JSON, a stage and a version.
        let parts: Vec<&str> = from.splitn(8, ':').collect();
        let arn = parts[..parts.len().min(7)].join(":");
        return ("secretsmanager:GetSecretValue", star(&arn));
    }
    match from.starts_with("arn:") {
        true => ("ssm:GetParameters", star(from)),
        false if from.contains("${") || from.is_empty() => ("ssm:GetParameters", "*".to_owned()),
        false => {
            let name = from.trim_start_matches('/');
            (
                "ssm:GetParameters",
                format!("arn:aws:ssm:*:*:parameter/{name}"),
            )
        }
    }
}

fn resources(plugin: Plugin, options: &Options, account: Option<&str>) -> Vec<String> {
    let regions = ["region", "awslogs-region"];
    let region = regions.iter().find_map(|key| options.get(key));
    let region = region.map_or("*".to_owned(), star);
    let partition = match region.get(..3) {
        Some("cn-") => "aws-cn",
        Some("us-") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let account = account.unwrap_or("*");
    let arn =
        |service: &str, rest: &str| format!("arn:{partition}:{service}:{region}:{account}:{rest}");
    if plugin == Plugin::Firehose {
        let stream = options.get("delivery_stream").map_or("*".to_owned(), star);
        let stream = stream.rsplit('/').next().unwrap_or("*").to_owned();
        return vec![arn("firehose", &format!("deliverystream/{stream}"))];
    }
    if plugin == Plugin::Kinesis {
        let stream = options.get("stream").map_or("*".to_owned(), star);
        let stream = stream.rsplit('/').next().unwrap_or("*").to_owned();
        return vec![arn("kinesis", &format!("stream/{stream}"))];
    }
    let mut names: Vec<String> = GROUPS
        .iter()
        .filter_map(|key| options.get(key))
        .map(star)
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() || names.iter().any(|name| name == "*") {
        names = vec!["*".to_owned()];
    }
    let both = |name: &String| [format!("log-group:{name}"), format!("log-group:{name}:*")];
    names
        .iter()
        .flat_map(both)
        .map(|rest| arn("logs", &rest))
        .collect()
}

/// A text with `*` for what is not known of it.
fn star(text: &str) -> String {
    let template = text.find('$').into_iter().chain(unknown_from(text));
    match template.min() {
        Some(end) => format!("{}*", &text[..end]),
        None => text.to_owned(),
    }
}

/// The options that name a group.
const GROUPS: [&str; 4] = [
    "log_group_name",
    "awslogs-group",
    "log_group_template",
    "default_log_group_name",
];

impl Who {
    /// The identity in a sentence.
    fn named(&self) -> &'static str {
        match self {
            Self::Pod => {
                "the role of the router's service account (IRSA or EKS Pod Identity; without one, the nodes' role)"
            }
            Self::Service => {
                "the identity whose credentials the router's service has (on ECS the task role)"
            }
            _ => "the task role",
        }
    }
}

impl Needs {
    /// Those that take on another role.
    fn trusted(&self) -> String {
        let callers = self.of.iter().filter(|(_, statements)| {
            statements
                .values()
                .any(|actions| actions.contains("sts:AssumeRole"))
        });
        let callers: Vec<&str> = callers.map(|(who, _)| who.named()).collect();
        callers.join(" and ")
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (who, statements) in &self.of {
            match who {
                Who::Task | Who::Pod | Who::Service => {
                    writeln!(f, "IAM policy of {}", who.named())?;
                }
                Who::Execution => writeln!(f, "IAM policy of the execution role")?,
                Who::Role(arn) => {
                    let account = arn.split(':').nth(4).filter(|it| !it.is_empty());
                    let account = account
                        .map(|it| format!(" in account {it}"))
                        .unwrap_or_default();
                    let name = if arn == "*" {
                        "that `role_arn` names".to_owned()
                    } else {
                        format!("`{arn}`")
                    };
                    writeln!(
                        f,
                        "IAM policy of the role {name}{account}; its trust policy must name {}",
                        self.trusted()
                    )?;
                }
            }
            let statements: Vec<String> = statements.iter().map(statement).collect();
            writeln!(f, "  {{\"Version\": \"2012-10-17\", \"Statement\": [")?;
            writeln!(f, "    {}", statements.join(",\n    "))?;
            writeln!(f, "  ]}}")?;
        }
        Ok(())
    }
}

fn statement((resources, actions): (&Vec<String>, &BTreeSet<String>)) -> String {
    let listed = |texts: Vec<&String>| {
        let quoted: Vec<String> = texts
            .into_iter()
            .map(|text| Value::from(text.as_str()).to_string())
            .collect();
        quoted.join(", ")
    };
    let (actions, resources) = (
        listed(actions.iter().collect()),
        listed(resources.iter().collect()),
    );
    format!("{{\"Effect\": \"Allow\", \"Action\": [{actions}], \"Resource\": [{resources}]}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(set: &[(&str, &str)]) -> Options {
        let owned = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Options(owned.collect())
    }

    #[test]
    fn a_role_in_another_account_has_the_services_actions_and_the_task_role_assumes_it() {
        let mut needs = Needs::default();
        let role = "arn:aws:iam::210987654321:role/logs";
        let set = [
            ("role_arn", role),
            ("region", "us-gov-west-1"),
            ("log_group_name", "/a/$(tag)"),
        ];
        needs.output(Plugin::CloudWatch, &options(&set), Some("123456789012"));
        assert_eq!(
            Vec::from_iter(needs.actions(&Who::Task)),
            ["sts:AssumeRole"]
        );
        let of_role = needs.actions(&Who::Role(role.to_owned()));
        assert!(of_role.contains("logs:PutLogEvents") && !of_role.contains("sts:AssumeRole"));
        let text = needs.to_string();
        assert!(
            text.contains("arn:aws-us-gov:logs:us-gov-west-1:210987654321:log-group:/a/*"),
            "{text}"
        );
        assert!(text.contains("in account 210987654321; its trust policy must name the task role"));
    }

    #[test]
    fn secrets_and_parameters_are_read_with_the_execution_role() {
        for (from, action, resource) in [
            (
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b:key::",
                "secretsmanager:GetSecretValue",
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b",
            ),
            (
                "arn:aws:ssm:us-east-1:123456789012:parameter/x",
                "ssm:GetParameters",
                "arn:aws:ssm:us-east-1:123456789012:parameter/x",
            ),
            ("/x/y", "ssm:GetParameters", "arn:aws:ssm:*:*:parameter/x/y"),
            ("${Secret}", "ssm:GetParameters", "*"),
        ] {
            assert_eq!(secret_of(from), (action, resource.to_owned()));
        }
    }
}
