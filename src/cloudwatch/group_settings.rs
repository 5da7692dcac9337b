//! The settings with which a log group is created: tags, a KMS key and a class.
//!
//! Each needs its own permission, and the account or the region may not have the key or the class.
//! `on_create_refused continue` allows a log group to be created without its tags or class. A log group
//! is never created without its key, because encryption is not optional.

use std::fmt;

use aws_sdk_cloudwatchlogs::operation::create_log_group::builders::CreateLogGroupFluentBuilder;
use aws_sdk_cloudwatchlogs::types::LogGroupClass;

use crate::cloudwatch::options::{CreateOptions, OnRefused};
use crate::delivery::error::{ErrorClass, SendError};

/// The settings that are still requested.
#[derive(Clone, Debug)]
pub(super) struct GroupSettings<'c> {
    options: &'c CreateOptions,
    wanted: Vec<GroupSetting>,
}

/// One setting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum GroupSetting {
    Tags,
    Key,
    Class,
}

impl<'c> GroupSettings<'c> {
    pub(super) fn of(options: &'c CreateOptions) -> Self {
        let set = [
            (GroupSetting::Tags, !options.tags.is_empty()),
            (GroupSetting::Key, options.kms_key_id.is_some()),
            (GroupSetting::Class, options.class.is_some()),
        ];
        let wanted = set.into_iter().filter(|(_, is_set)| *is_set);
        Self {
            options,
            wanted: wanted.map(|(setting, _)| setting).collect(),
        }
    }

    /// Adds the settings to a request.
    pub(super) fn add(
        &self,
        mut request: CreateLogGroupFluentBuilder,
    ) -> CreateLogGroupFluentBuilder {
        let options = self.options;
        if self.wanted.contains(&GroupSetting::Tags) {
            for (key, value) in &options.tags {
                request = request.tags(key, value);
            }
        }
        if self.wanted.contains(&GroupSetting::Key) {
            request = request.set_kms_key_id(options.kms_key_id.clone());
        }
        if self.wanted.contains(&GroupSetting::Class) {
            request = request.set_log_group_class(options.class.map(LogGroupClass::from));
        }
        request
    }

    /// Removes the setting that the error names, or the next setting if the error names none. Returns `None`
    /// if the group must not be created without it.
    pub(super) fn give_up(&mut self, error: &SendError) -> Option<GroupSetting> {
        if !may_be_about_a_setting(error) || self.options.on_refused == OnRefused::Keep {
            return None;
        }
        let index = match self.named(error) {
            Some(setting) => self.wanted.iter().position(|wanted| *wanted == setting),
            // The group itself may not be created. Removing settings would not change that.
            None if names_the_group(error) => None,
            None => self
                .wanted
                .iter()
                .position(|setting| *setting != GroupSetting::Key),
        };
        let index = index.filter(|&index| self.wanted[index] != GroupSetting::Key)?;
        Some(self.wanted.remove(index))
    }

    /// Adds to the error which option it is about and what to do.
    pub(super) fn explain(&self, error: SendError) -> SendError {
        let setting = self
            .named(&error)
            .filter(|_| may_be_about_a_setting(&error));
        let Some(setting) = setting else {
            return self.explain_unnamed(error.needing("logs:CreateLogGroup"));
        };
        let continued = self.options.on_refused == OnRefused::Continue;
        let (option, advice) = (setting.option(), setting.advice());
        let choice = match setting {
            GroupSetting::Key => "",
            GroupSetting::Tags | GroupSetting::Class if continued => return error,
            GroupSetting::Tags | GroupSetting::Class => "; or set `on_create_refused continue`",
        };
        error.followed_by(format_args!(
            "; the log group is not created without `{option}`: {advice}{choice}"
        ))
    }

    /// Adds the possible options to an error that names none of them.
    fn explain_unnamed(&self, error: SendError) -> SendError {
        if !may_be_about_a_setting(&error) || names_the_group(&error) || self.wanted.is_empty() {
            return error;
        }
        let names: Vec<_> = self.wanted.iter().map(|setting| setting.option()).collect();
        let which = match names.len() {
            1 => "which",
            _ => "any of which",
        };
        let can_continue = names != [GroupSetting::Key.option()];
        let choice = match self.options.on_refused {
            OnRefused::Keep if can_continue => {
                "; `on_create_refused continue` creates it without tags and class"
            }
            OnRefused::Keep | OnRefused::Continue => "",
        };
        let names = names.join("`, `");
        error.followed_by(format_args!(
            "; the log group is requested with `{names}`, {which} may be the reason{choice}"
        ))
    }

    /// The setting that the error names.
    fn named(&self, error: &SendError) -> Option<GroupSetting> {
        let text = error.to_string().to_lowercase();
        let words: Vec<_> = match denied_action(&text) {
            Some(action) => vec![action],
            None => text
                .split_whitespace()
                .filter(|word| !is_name(word))
                .collect(),
        };
        let is_named = |setting: &&GroupSetting| words.iter().any(|word| setting.is_meant_by(word));
        self.wanted.iter().find(is_named).copied()
    }
}

fn may_be_about_a_setting(error: &SendError) -> bool {
    matches!(error.kind, ErrorClass::Denied | ErrorClass::Refused)
}

fn names_the_group(error: &SendError) -> bool {
    let text = error.to_string().to_lowercase();
    denied_action(&text) == Some("logs:createloggroup")
}

/// The action in "... is not authorized to perform: ACTION on resource: ...".
fn denied_action(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("perform: ")?;
    rest.split_whitespace().next()
}

/// Whether a word is a name or an ARN. These may contain any word: `/ecs/staging` is not about tags.
fn is_name(word: &str) -> bool {
    word.contains('/') || word.contains("arn:")
}

impl GroupSetting {
    /// Whether a word of the service's messages, in lower case, refers to the setting.
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

    /// What to do if the service refuses the setting.
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
