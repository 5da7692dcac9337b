//! Options -> the IAM actions that a plugin's identity needs; and whether a policy allows them.

use std::collections::BTreeSet;

use router::cloudwatch::options::Config;
use serde::Deserialize;

use crate::options::Options;
use crate::plugin::{Plugin, reader};

/// The actions that an output's requests need.
#[must_use]
pub fn actions(plugin: Plugin, options: &Options) -> BTreeSet<&'static str> {
    let role = options.get("role_arn").map(|_| "sts:AssumeRole");
    role.into_iter()
        .chain(of_service(plugin, options))
        .collect()
}

/// Those of the service that takes the events.
#[must_use]
pub fn of_service(plugin: Plugin, options: &Options) -> Vec<&'static str> {
    match plugin {
        Plugin::CloudWatch => of_cloudwatch(options),
        Plugin::Firehose => vec!["firehose:PutRecordBatch"],
        Plugin::Kinesis => vec!["kinesis:PutRecords"],
    }
}

fn of_cloudwatch(options: &Options) -> Vec<&'static str> {
    let creation = Config::read(&reader(Plugin::CloudWatch, options)).create_options;
    let group = creation.group;
    let needed = [
        ("logs:PutLogEvents", true),
        ("logs:CreateLogStream", creation.stream),
        ("logs:CreateLogGroup", group),
        (
            "logs:PutRetentionPolicy",
            group && creation.retention_days.is_some(),
        ),
        ("logs:TagResource", group && !creation.tags.is_empty()),
        (
            "logs:AssociateKmsKey",
            group && creation.kms_key_id.is_some(),
        ),
    ];
    let needed = needed.into_iter().filter(|(_, is_needed)| *is_needed);
    needed.map(|(action, _)| action).collect()
}

/// An IAM policy, as far as its actions go: resources and conditions are not looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    statement: OneOrMany<Statement>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: String,
    #[serde(default)]
    action: OneOrMany<String>,
    not_action: Option<OneOrMany<String>>,
}

impl Statement {
    /// Whether it is about an action: one that it names, or one that its `NotAction` leaves.
    fn covers(&self, action: &str) -> bool {
        let is_in = |actions: &OneOrMany<String>| {
            let mut patterns = actions.all().iter();
            patterns.any(|pattern| matches(pattern, action))
        };
        let left = self
            .not_action
            .as_ref()
            .is_some_and(|others| !is_in(others));
        is_in(&self.action) || left
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    fn all(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Policy {
    /// Whether an action is allowed on some resource, and never denied.
    #[must_use]
    pub fn allows(&self, action: &str) -> bool {
        let statements = self.statement.all();
        let any = |effect: &str| {
            statements
                .iter()
                .any(|it| it.effect == effect && it.covers(action))
        };
        any("Allow") && !any("Deny")
    }
}

/// IAM's patterns, in any case: `*` is any text, `?` one character.
fn matches(pattern: &str, action: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let action = action.to_ascii_lowercase();
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < action.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, read));
            at += 1;
        } else if matches!(pattern.get(at), Some(byte) if *byte == b'?' || *byte == action[read]) {
            at += 1;
            read += 1;
        } else if let Some((starred, from)) = star {
            star = Some((starred, from + 1));
            at = starred + 1;
            read = from + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_output_does_is_what_it_needs() {
        let options = |set: &[(&str, &str)]| {
            let owned = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Options(owned.collect())
        };
        let set = options(&[
            ("auto_create_stream", "no"),
            ("role_arn", "arn:aws:iam::123456789012:role/x"),
        ]);
        let least = ["logs:PutLogEvents", "sts:AssumeRole"];
        assert_eq!(Vec::from_iter(actions(Plugin::CloudWatch, &set)), least);
        let set = options(&[
            ("awslogs-create-group", "true"),
            ("log_retention_days", "7"),
            ("new_log_group_tags", "a=b"),
            ("kms_key_id", "arn:aws:kms:us-east-1:123456789012:key/x"),
        ]);
        assert_eq!(actions(Plugin::CloudWatch, &set).len(), 6);
        let retention_alone = options(&[("log_retention_days", "7")]);
        let actions_alone = actions(Plugin::CloudWatch, &retention_alone);
        assert!(!actions_alone.contains("logs:PutRetentionPolicy"));
        assert_eq!(
            Vec::from_iter(actions(Plugin::Firehose, &set)),
            ["firehose:PutRecordBatch"]
        );
    }

    #[test]
    fn a_policy_with_not_action_allows_and_denies_the_rest() {
        let policy = |effect: &str| -> Policy {
            let allow = r#"{"Effect": "Allow", "Action": "*"}"#;
            let other = format!(r#"{{"Effect": "{effect}", "NotAction": ["iam:*", "logs:*"]}}"#);
            let text = format!(r#"{{"Statement": [{allow}, {other}]}}"#);
            serde_json::from_str(&text).unwrap()
        };
        let deny = policy("Deny");
        assert!(deny.allows("logs:PutLogEvents") && !deny.allows("firehose:PutRecordBatch"));
        let text = r#"{"Statement": {"Effect": "Allow", "NotAction": "iam:*"}}"#;
        let allow: Policy = serde_json::from_str(text).unwrap();
        assert!(allow.allows("logs:PutLogEvents") && !allow.allows("iam:PassRole"));
    }

    #[test]
    fn a_policy_allows_what_its_patterns_take_and_no_denial_takes() {
        let policy: Policy = serde_json::from_str(
            r#"{"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["logs:Put*", "LOGS:create?ogStream"], "Resource": "*"},
                {"Effect": "Allow", "Action": "firehose:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "logs:PutRetentionPolicy", "Resource": "*"}]}"#,
        )
        .unwrap();
        for (action, allowed) in [
            ("logs:PutLogEvents", true),
            ("logs:CreateLogStream", true),
            ("logs:CreateLogGroup", false),
            ("firehose:PutRecordBatch", true),
            ("logs:PutRetentionPolicy", false),
        ] {
            assert_eq!(policy.allows(action), allowed, "{action}");
        }
    }
}
