//! Listing log groups and streams, a page at a time.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{group_arn, no_group, refused};
use crate::aws::answer::ErrorAnswer;
use crate::aws::operation::{Operation, Outcome, Subject};
use crate::aws::rule::PartialFailure;
use crate::aws::service::Service;
use crate::aws::stored::{Group, Stream};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogGroups {
    #[serde(default)]
    log_group_name_prefix: String,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogStreams {
    log_group_name: String,
    #[serde(default)]
    log_stream_name_prefix: String,
    #[serde(flatten)]
    page: Page,
}

/// Which part of a listing is asked for; a token is the name after which it goes on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    next_token: Option<String>,
    limit: Option<usize>,
}

impl Page {
    fn of<T>(
        self,
        member: &str,
        all: &BTreeMap<String, T>,
        prefix: &str,
        shown: impl Fn(&str, &T) -> Value,
    ) -> Outcome {
        let limit = self.checked_limit()?;
        let after = self.next_token.unwrap_or_default();
        let mut rest = all
            .iter()
            .filter(|(name, _)| name.starts_with(prefix) && **name > after)
            .peekable();
        let (mut listed, mut last) = (Vec::new(), None);
        while let Some((name, item)) = rest.next_if(|_| listed.len() < limit) {
            listed.push(shown(name, item));
            last = Some(name);
        }
        let token = rest.peek().and(last);
        Ok(match token {
            Some(token) => json!({member: listed, "nextToken": token}),
            None => json!({member: listed}),
        })
    }

    /// API reference, DescribeLogStreams: 1 to 50, and 50 when none is given.
    fn checked_limit(&self) -> Result<usize, ErrorAnswer> {
        match self.limit.unwrap_or(50) {
            limit @ 1..=50 => Ok(limit),
            _ => Err(refused("limit must be between 1 and 50.")),
        }
    }
}

impl Operation for DescribeLogGroups {
    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let account = service.account();
        self.page.of(
            "logGroups",
            &account.groups,
            &self.log_group_name_prefix,
            shown_group,
        )
    }
}

impl Operation for DescribeLogStreams {
    fn subject(&self) -> Subject {
        Subject {
            group: Some(self.log_group_name.clone()),
            ..Subject::default()
        }
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let account = service.account();
        let group = account
            .groups
            .get(&self.log_group_name)
            .ok_or_else(no_group)?;
        let arn = group_arn(&self.log_group_name);
        self.page.of(
            "logStreams",
            &group.streams,
            &self.log_stream_name_prefix,
            |name, stream| shown_stream(&arn, name, stream),
        )
    }
}

fn shown_group(name: &str, group: &Group) -> Value {
    let arn = group_arn(name);
    let mut shown = json!({
        "logGroupName": name,
        "creationTime": group.created_ms,
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "logGroupClass": group.class,
        "metricFilterCount": 0,
        "storedBytes": 0,
    });
    if let Some(days) = group.retention_days {
        shown["retentionInDays"] = days.into();
    }
    if let Some(key) = &group.kms_key_id {
        shown["kmsKeyId"] = key.as_str().into();
    }
    shown
}

fn shown_stream(group_arn: &str, name: &str, stream: &Stream) -> Value {
    json!({
        "logStreamName": name,
        "creationTime": stream.created_ms,
        "arn": format!("{group_arn}:log-stream:{name}"),
        "uploadSequenceToken": stream.tally.count.to_string(),
        "storedBytes": 0,
    })
}
