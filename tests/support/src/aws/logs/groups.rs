//! Creating and deleting log groups, and how long they keep their events.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{group_mut, group_name, no_group, refused};
use crate::aws::answer::ErrorAnswer;
use crate::aws::operation::{Operation, Outcome, Subject, broken};
use crate::aws::rule::PartialFailure;
use crate::aws::service::Service;
use crate::aws::stored::Group;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateLogGroup {
    log_group_name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    kms_key_id: Option<String>,
    log_group_class: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeleteLogGroup {
    log_group_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PutRetentionPolicy {
    log_group_name: String,
    retention_in_days: u32,
}

impl CreateLogGroup {
    fn checked(&self) -> Result<(), ErrorAnswer> {
        group_name(&self.log_group_name)?;
        legal_tags(&self.tags)?;
        let class = self.log_group_class.as_deref().unwrap_or("STANDARD");
        if !CLASSES.contains(&class) {
            let constraint =
                "Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]";
            return Err(refused(broken("logGroupClass", class, constraint)));
        }
        let too_long = self.kms_key_id.as_ref().is_some_and(|key| key.len() > 256);
        if too_long {
            Err(refused("kmsKeyId is longer than 256 characters."))
        } else {
            Ok(())
        }
    }

    fn group(self, now_ms: i64) -> Group {
        let mut group = Group::new(now_ms);
        group.tags = self.tags;
        group.kms_key_id = self.kms_key_id;
        group.class = self.log_group_class.unwrap_or(group.class);
        group
    }
}

impl Operation for CreateLogGroup {
    fn subject(&self) -> Subject {
        Subject {
            group: Some(self.log_group_name.clone()),
            ..Subject::default()
        }
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        self.checked()?;
        let now_ms = service.clock.now_ms();
        service.change(|account| {
            if account.groups.contains_key(&self.log_group_name) {
                let message = "The specified log group already exists";
                return Err(ErrorAnswer::new(
                    400,
                    "ResourceAlreadyExistsException",
                    message,
                ));
            }
            account
                .groups
                .insert(self.log_group_name.clone(), self.group(now_ms));
            Ok(json!({}))
        })
    }
}

impl Operation for DeleteLogGroup {
    fn subject(&self) -> Subject {
        Subject {
            group: Some(self.log_group_name.clone()),
            ..Subject::default()
        }
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let removed = service.change(|account| account.groups.remove(&self.log_group_name));
        removed.map(|_| json!({})).ok_or_else(no_group)
    }
}

impl Operation for PutRetentionPolicy {
    fn subject(&self) -> Subject {
        Subject {
            group: Some(self.log_group_name.clone()),
            ..Subject::default()
        }
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let days = self.retention_in_days;
        if !RETENTION_DAYS.contains(&days) {
            let constraint = format!("Member must satisfy enum value set: {RETENTION_DAYS:?}");
            return Err(refused(broken(
                "retentionInDays",
                &days.to_string(),
                &constraint,
            )));
        }
        service.change(|account| {
            group_mut(account, &self.log_group_name)?.retention_days = Some(days);
            Ok(json!({}))
        })
    }
}

/// API reference, CreateLogGroup: at most 50 tags, keys of 1 to 128 and values of up to 256 characters.
pub(super) fn legal_tags(tags: &BTreeMap<String, String>) -> Result<(), ErrorAnswer> {
    let legal = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    if tags.len() > 50 {
        return Err(refused("A log group can have at most 50 tags."));
    }
    match tags.iter().find(|tag| !legal(*tag)) {
        Some((key, _)) => Err(refused(format!(
            "The tag '{key}' is not within its limits."
        ))),
        None => Ok(()),
    }
}

const CLASSES: [&str; 3] = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"];

/// API reference, PutRetentionPolicy, retentionInDays.
const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];
