//! What a log group is created with besides its name: tags, a KMS key, a class.
//!
//! They need permissions of their own, and the account or the region may not have the key or the class.
//! A log group is not created without what the options ask for, unless `on_create_refused continue`
//! allows it for tags and class. It is never created without its key: encryption is not optional.

use std::fmt;

use aws_sdk_cloudwatchlogs::operation::create_log_group::builders::CreateLogGroupFluentBuilder;
use aws_sdk_cloudwatchlogs::types::LogGroupClass;

use crate::cloudwatch::options::{CreateOptions, OnRefused};
use crate::delivery::error::{ErrorClass, SendError};

/// Those of them that the service is still asked for.
#[derive(Clone, Debug)]
pub(super) struct GroupSettings<'c> {
    creation: &'c CreateOptions,
    wanted: Vec<GroupSetting>,
}

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum GroupSetting {
    Tags,
    Key,
    Class,
}

impl<'c> GroupSettings<'c> {
    pub(super) fn of(creation: &'c CreateOptions) -> Self {
        let set = [
            (GroupSetting::Tags, !creation.tags.is_empty()),
            (GroupSetting::Key, creation.kms_key_id.is_some()),
            (GroupSetting::Class, creation.class.is_some()),
        ];
        let wanted = set.into_iter().filter(|(_, is_set)| *is_set);
        Self {
            creation,
            wanted: wanted.map(|(extra, _)| extra).collect(),
        }
    }

    /// Adds them to a request.
    pub(super) fn add(
        &self,
        mut request: CreateLogGroupFluentBuilder,
    ) -> CreateLogGroupFluentBuilder {
        let creation = self.creation;
        if self.wanted.contains(&GroupSetting::Tags) {
            for (key, value) in &creation.tags {
                request = request.tags(key, value);
            }
        }
        if self.wanted.contains(&GroupSetting::Key) {
            request = request.set_kms_key_id(creation.kms_key_id.clone());
        }
        if self.wanted.contains(&GroupSetting::Class) {
            request = request.set_log_group_class(creation.class.map(LogGroupClass::from));
        }
        request
    }

    /// Leaves out the one that a fault is about, or the next one when the fault does not say; `None`
    /// when the group is not to be created without it.
    pub(super) fn give_up(&mut self, fault: &SendError) -> Option<GroupSetting> {
        if !can_concern(fault) || self.creation.on_refused == OnRefused::Keep {
            return None;
        }
        let index = match self.named(fault) {
            Some(extra) => self.wanted.iter().position(|wanted| *wanted == extra),
            // The group itself may not be created: nothing left out would change that.
            None if names_the_group(fault) => None,
            None => self
                .wanted
                .iter()
                .position(|extra| *extra != GroupSetting::Key),
        };
        let index = index.filter(|&index| self.wanted[index] != GroupSetting::Key)?;
        Some(self.wanted.remove(index))
    }

    /// The same fault, with what is not there without it and what to do.
    pub(super) fn explain(&self, fault: SendError) -> SendError {
        let extra = self.named(&fault).filter(|_| can_concern(&fault));
        let Some(extra) = extra else {
            return self.explain_unnamed(fault.needing("logs:CreateLogGroup"));
        };
        let continued = self.creation.on_refused == OnRefused::Continue;
        let (option, advice) = (extra.option(), extra.advice());
        let choice = match extra {
            GroupSetting::Key => "",
            GroupSetting::Tags | GroupSetting::Class if continued => return fault,
            GroupSetting::Tags | GroupSetting::Class => "; or set `on_create_refused continue`",
        };
        fault.followed_by(format_args!(
            "; the log group is not created without `{option}`: {advice}{choice}"
        ))
    }

    /// A refusal that does not say what it is about: it may be any of them.
    fn explain_unnamed(&self, fault: SendError) -> SendError {
        if !can_concern(&fault) || names_the_group(&fault) || self.wanted.is_empty() {
            return fault;
        }
        let options: Vec<_> = self.wanted.iter().map(|extra| extra.option()).collect();
        let which = match options.len() {
            1 => "which",
            _ => "any of which",
        };
        let can_continue = options != [GroupSetting::Key.option()];
        let choice = match self.creation.on_refused {
            OnRefused::Keep if can_continue => {
                "; `on_create_refused continue` creates it without tags and class"
            }
            OnRefused::Keep | OnRefused::Continue => "",
        };
        let options = options.join("`, `");
        fault.followed_by(format_args!(
            "; the log group is requested with `{options}`, {which} may be the reason{choice}"
        ))
    }

    /// The one that a fault is about, as far as its text says.
    fn named(&self, fault: &SendError) -> Option<GroupSetting> {
        let text = fault.to_string().to_lowercase();
        let words: Vec<_> = match denied_action(&text) {
            Some(action) => vec![action],
            None => text
                .split_whitespace()
                .filter(|word| !is_name(word))
                .collect(),
        };
        let is_named = |extra: &&GroupSetting| words.iter().any(|word| extra.is_meant_by(word));
        self.wanted.iter().find(is_named).copied()
    }
}

fn can_concern(fault: &SendError) -> bool {
    matches!(fault.kind, ErrorClass::Denied | ErrorClass::Refused)
}

fn names_the_group(fault: &SendError) -> bool {
    let text = fault.to_string().to_lowercase();
    denied_action(&text) == Some("logs:createloggroup")
}

/// The action of "... is not authorized to perform: ACTION on resource: ...".
fn denied_action(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("perform: ")?;
    rest.split_whitespace().next()
}

/// A name or an ARN may hold any word: `/ecs/staging` says nothing about tags.
fn is_name(word: &str) -> bool {
    word.contains('/') || word.contains("arn:")
}

impl GroupSetting {
    /// Whether a word of the service's messages, in lower case, means it.
    fn is_meant_by(self, word: &str) -> bool {
        match self {
            Self::Tags => {
                let word = word.trim_start_matches("logs:");
                word.trim_start_matches(|c: char| !c.is_alphanumeric())
                    .starts_with("tag")
            }
            Self::Key => word.contains("kms"),
            Self::Class => word.contains("class"),
        }
    }

    fn option(self) -> &'static str {
        match self {
            Self::Tags => "new_log_group_tags",
            Self::Key => "kms_key_id",
            Self::Class => "log_group_class",
        }
    }

    /// What to do when it is refused.
    fn advice(self) -> &'static str {
        match self {
            Self::Tags => "allow the IAM action logs:TagResource or correct the tags",
            Self::Key => {
                "allow the IAM action logs:AssociateKmsKey, allow the service logs.REGION.amazonaws.com in the key's policy, or correct the key"
            }
            Self::Class => "the region must have the class",
        }
    }
}

impl fmt::Display for GroupSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (option, advice) = (self.option(), self.advice());
        write!(f, "`{option}` ({advice})")
    }
}

#[cfg(test)]
mod tests;
