//! The record that the examples are rendered for.

use super::super::{Source, Step, Variable};

/// One record with everything the examples mention.
pub(super) struct Record {
    pub(super) tag: &'static str,
    /// Whether the record has a key for each variable's name.
    pub(super) shadowing: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            tag: "web.firelens.0a1b",
            shadowing: false,
        }
    }
}

impl Source for Record {
    fn tag(&self) -> &str {
        self.tag
    }

    fn time(&self) -> (i64, u32) {
        (1_721_003_645, 0)
    }

    fn field(&self, path: &[Step], out: &mut Vec<u8>) -> bool {
        let [Step::Key(first), ..] = path else {
            return false;
        };
        let names: Vec<&str> = path.iter().map(described).collect();
        let shadows = self.shadowing && Variable::named(first).is_some();
        let value = if shadows {
            Some("from the record")
        } else {
            scalar(&names)
        };
        out.extend_from_slice(value.unwrap_or_default().as_bytes());
        value.is_some()
    }

    fn variable(&self, variable: Variable) -> Option<&str> {
        Some(match variable {
            Variable::AvailabilityZone => return None,
            Variable::AwsRegion => "REGION",
            Variable::ContainerId => "ID",
            Variable::ContainerName => "NAME",
            Variable::EcsCluster => "CLUSTER",
            Variable::EcsTaskArn => "ARN",
            Variable::EcsTaskFamily => "",
            Variable::EcsTaskId => "TASK",
            Variable::EcsTaskRevision => "3",
            Variable::Uuid => "UUID",
        })
    }
}

fn described(step: &Step) -> &str {
    match step {
        Step::Index(index) => ["0", "1", "2", "3"][*index],
        Step::Key(key) => key,
    }
}

/// The scalars of the record by their paths; what is not here is a map, an array, null or absent.
fn scalar(path: &[&str]) -> Option<&'static str> {
    Some(match path {
        ["_x"] => "under",
        ["a/b"] => "slash",
        ["array", "0"] => "zero",
        ["array", "1", "name"] => "Jane",
        ["array", "2", "1"] => "six",
        ["details", "az"] => "a",
        ["details", "region"] => "us-west-2",
        ["f"] => "1.5",
        ["host"] => "h1",
        ["ident"] => "cron",
        ["key-dash"] => "dash",
        ["kubernetes", "annotations", "fluentbit.io/tag"] => "thetag",
        ["kubernetes", "container_name"] => "myapp",
        ["kubernetes", "host"] => "ip-10-1-128-166.us-east-2.compute.internal",
        ["kubernetes", "namespace_name"] => "my-namespace",
        ["kubernetes", "pod_name"] => "myapp-5468c5d4d7-n2swr",
        ["n"] => "7",
        ["pam", "a b"] => "spaced",
        ["pam", "a.b"] => "dotted",
        ["pam", "it's"] => "quoted",
        ["pam", "item"] => "soup",
        ["pam", "item2", "subitem"] => "rice",
        ["pam", "item2", "subitem2", "more"] => "final",
        ["pam", "x)y"] => "parenthesis",
        ["st", ..] => "st",
        ["tag"] => "a key called tag",
        ["task"] => "t1",
        ["time"] => "a key called time",
        ["uuid", "x"] => "nested",
        ["yes"] => "true",
        _ => return None,
    })
}
