//! What a new log group is created with beside its name: tags, a key, a class.
//!
//! They need permissions of their own, and a key or a class can be one that the account or the region
//! does not have. A group without them takes events and one that does not exist takes none, so what
//! is at fault is left out and the service asked again.

use std::fmt;

use aws_sdk_cloudwatchlogs::operation::create_log_group::builders::CreateLogGroupFluentBuilder;
use aws_sdk_cloudwatchlogs::types::LogGroupClass;

use crate::cloudwatch::options::Creation;
use crate::fault::{Fault, Kind};

/// Those of them that the service is still asked for.
#[derive(Clone, Debug)]
pub(super) struct Extras<'c> {
    creation: &'c Creation,
    wanted: Vec<Extra>,
}

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Extra {
    Tags,
    Key,
    Class,
}

impl<'c> Extras<'c> {
    pub(super) fn of(creation: &'c Creation) -> Self {
        let set = [
            (Extra::Tags, !creation.tags.is_empty()),
            (Extra::Key, creation.kms_key_id.is_some()),
            (Extra::Class, creation.class.is_some()),
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
        if self.wanted.contains(&Extra::Tags) {
            for (key, value) in &creation.tags {
                request = request.tags(key, value);
            }
        }
        if self.wanted.contains(&Extra::Key) {
            request = request.set_kms_key_id(creation.kms_key_id.clone());
        }
        if self.wanted.contains(&Extra::Class) {
            request = request.set_log_group_class(creation.class.map(LogGroupClass::from));
        }
        request
    }

    /// Leaves out the one that a fault is about, or the next one when it does not say; `None` when
    /// none of them can be at fault.
    pub(super) fn give_up(&mut self, fault: &Fault) -> Option<Extra> {
        if !matches!(fault.kind, Kind::Denied | Kind::Refused) {
            return None;
        }
        let text = fault.to_string().to_lowercase();
        let named = |extra: &Extra| extra.words().iter().any(|word| text.contains(word));
        let index = match self.wanted.iter().position(named) {
            Some(index) => index,
            // The group itself may not be created: nothing left out would change that.
            None if text.contains("logs:createloggroup") => return None,
            None if self.wanted.is_empty() => return None,
            None => 0,
        };
        Some(self.wanted.remove(index))
    }
}

impl Extra {
    /// What the service calls it in its messages.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Tags => &["tag"],
            Self::Key => &["kms"],
            Self::Class => &["class"],
        }
    }
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tags => "its tags (`new_log_group_tags`, IAM action logs:TagResource)",
            Self::Key => {
                "its key (`kms_key_id`, IAM action logs:AssociateKmsKey, and the key's policy must allow the service logs.REGION.amazonaws.com)"
            }
            Self::Class => "its class (`log_group_class`, which the region must have)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_up(code: (Kind, &str), texts: &[&str]) -> Vec<Option<Extra>> {
        let creation = Creation {
            tags: vec![("a".into(), "b".into())],
            kms_key_id: Some("key".into()),
            class: Some("STANDARD"),
            ..Creation::default()
        };
        let mut extras = Extras::of(&creation);
        texts
            .iter()
            .map(|text| extras.give_up(&Fault::new(code.0, code.1, text)))
            .collect()
    }

    #[test]
    fn the_one_that_the_service_names_is_left_out() {
        let denied = (Kind::Denied, "AccessDeniedException");
        assert_eq!(
            given_up(denied, &["not authorized to perform: logs:TagResource"]),
            [Some(Extra::Tags)]
        );
        let refused = (Kind::Refused, "InvalidParameterException");
        assert_eq!(
            given_up(
                refused,
                &[
                    "The specified KMS Key Id could not be found.",
                    "invalid log group class"
                ]
            ),
            [Some(Extra::Key), Some(Extra::Class)]
        );
    }

    #[test]
    fn without_a_name_they_are_left_out_one_after_another() {
        let denied = (Kind::Denied, "AccessDeniedException");
        assert_eq!(
            given_up(denied, &["no"; 4]),
            [
                Some(Extra::Tags),
                Some(Extra::Key),
                Some(Extra::Class),
                None
            ]
        );
    }

    #[test]
    fn a_group_that_may_not_be_created_at_all_needs_no_more_attempts() {
        let denied = (Kind::Denied, "AccessDeniedException");
        let text = "not authorized to perform: logs:CreateLogGroup on resource: x";
        assert_eq!(given_up(denied, &[text]), [None]);
        assert_eq!(
            given_up((Kind::Throttled, "ThrottlingException"), &["kms"]),
            [None]
        );
    }
}
