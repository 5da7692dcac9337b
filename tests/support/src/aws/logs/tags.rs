//! Tags of log groups by their ARN.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::groups::legal_tags;
use super::{group_arn, group_mut, no_group};
use crate::aws::answer::ErrorAnswer;
use crate::aws::operation::{Operation, Outcome};
use crate::aws::rule::PartialFailure;
use crate::aws::service::Service;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagResource {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTagsForResource {
    resource_arn: String,
}

impl Operation for TagResource {
    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        service.change(|account| {
            let group = group_mut(account, named_by(&self.resource_arn)?)?;
            let mut tags = group.tags.clone();
            tags.extend(self.tags);
            legal_tags(&tags)?;
            group.tags = tags;
            Ok(json!({}))
        })
    }
}

impl Operation for ListTagsForResource {
    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let account = service.account();
        let group = account
            .groups
            .get(named_by(&self.resource_arn)?)
            .ok_or_else(no_group)?;
        Ok(json!({"tags": group.tags}))
    }
}

fn named_by(arn: &str) -> Result<&str, ErrorAnswer> {
    let name = arn.strip_prefix(&group_arn("")).ok_or_else(no_group)?;
    Ok(name.strip_suffix(":*").unwrap_or(name))
}
