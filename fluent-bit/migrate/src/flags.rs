//! Values that are often wrong, or mean more than they say.

use crate::editor::Editor;
use crate::options::{Options, is_of_the_environment};
use crate::report::Remark;

/// What is to be said of an output's values.
#[must_use]
pub fn of(options: &Options, editor: &mut Editor) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for (key, value) in &options.0 {
        if let Some(inner) = in_quotes(value) {
            editor.set(key, inner);
            remarks.push(Remark::Edit(format!(
                "write `{inner}` for `{key}` without quotes: they are a part of the value"
            )));
        } else if !is_of_the_environment(value) {
            remarks.extend(of_value(key, value, editor));
        }
    }
    if let Some(region) = options
        .get("kms_key_id")
        .map(|_| options.get("region").unwrap_or("REGION"))
    {
        remarks.push(Remark::Change(format!(
            "`kms_key_id`: the policy of that key must let logs.{region}.amazonaws.com use it"
        )));
    }
    remarks
}

/// The options as the edits of [`of`] leave them; what is no value is left out.
#[must_use]
pub fn corrected(options: &Options) -> Options {
    let all = options.0.iter().filter_map(|(key, value)| {
        let value = in_quotes(value).unwrap_or(value);
        let known = !is_of_the_environment(value);
        let value = match key.to_ascii_lowercase().as_str() {
            "region" | "awslogs-region" if known && !is_region(value) => return None,
            "role_arn" if known && !is_role(value) => "${role_arn}",
            "delivery_stream" => value.rsplit('/').next()?,
            "log_group_name" | "awslogs-group" => group(value),
            _ => value,
        };
        Some((key.clone(), value.to_owned()))
    });
    Options(all.collect())
}

/// The name of a group, which may be given as its ARN.
fn group(value: &str) -> &str {
    let name = value
        .strip_prefix("arn:")
        .and_then(|_| value.split(":log-group:").nth(1));
    name.map_or(value, |name| name.trim_end_matches(":*"))
}

fn in_quotes(value: &str) -> Option<&str> {
    let quotes = ['"', '\''];
    let of = |quote: &char| value.strip_prefix(*quote)?.strip_suffix(*quote);
    quotes.iter().find_map(of).filter(|inner| !inner.is_empty())
}

fn of_value(key: &str, value: &str, editor: &mut Editor) -> Option<Remark> {
    match key.to_ascii_lowercase().as_str() {
        "region" | "awslogs-region" if !is_region(value) => Some(Remark::Edit(format!(
            "`{key}` is `{value}`: a region is like `us-east-1`"
        ))),
        "role_arn" if !is_role(value) => Some(Remark::Edit(format!(
            "`{key}` is `{value}`: a role is like `arn:aws:iam::123456789012:role/NAME`"
        ))),
        "delivery_stream" if value.starts_with("arn:") => {
            let name = value.rsplit('/').next().unwrap_or_default();
            editor.set(key, name);
            Some(Remark::Edit(format!(
                "write the name alone: `delivery_stream {name}`"
            )))
        }
        "log_group_name" | "awslogs-group" if value.starts_with("arn:") => {
            let name = group(value);
            editor.set(key, name);
            Some(Remark::Edit(format!(
                "write the name alone: `{key} {name}`"
            )))
        }
        "retry_limit" => retries(value),
        _ => None,
    }
}

fn retries(value: &str) -> Option<Remark> {
    let after = match value.to_ascii_lowercase().as_str() {
        "no_limits" | "false" => return None,
        "no_retries" => "at its first failure".to_owned(),
        "1" => "after 1 retry".to_owned(),
        number => format!(
            "after {} retries",
            number.parse::<u32>().ok().filter(|count| *count < MANY)?
        ),
    };
    Some(Remark::Change(format!(
        "`retry_limit {value}`: Fluent Bit gives a chunk up {after}, and its events are lost; `no_limits` keeps them as long as there is room"
    )))
}

/// `us-east-1`: two letters, words and a number.
fn is_region(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |part: &str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [first, words @ .., last] if !words.is_empty() => {
            (2..=4).contains(&first.len())
                && is_word(first)
                && words.iter().all(is_word)
                && is_number(last)
        }
        _ => false,
    }
}

fn is_role(value: &str) -> bool {
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "iam", "", account, role] => {
            let is_account =
                account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            partition.starts_with("aws")
                && is_account
                && role.starts_with("role/")
                && role.len() > 5
        }
        _ => false,
    }
}

/// Retries that last for hours.
const MANY: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(key: &str, value: &str) -> String {
        let options = Options(vec![(key.to_owned(), value.to_owned())]);
        let remarks = of(&options, &mut Editor::default());
        remarks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_right_is_not_flagged() {
        for (key, value) in [
            ("region", "us-east-1"),
            ("region", "us-gov-west-1"),
            ("region", "ap-southeast-4"),
            ("region", "${AWS_REGION}"),
            ("role_arn", "arn:aws-cn:iam::123456789012:role/a/b"),
            ("delivery_stream", "orders"),
            ("retry_limit", "no_limits"),
            ("retry_limit", "20"),
            ("log_group_name", "/a"),
        ] {
            assert_eq!(said(key, value), "", "{key} {value}");
        }
    }

    #[test]
    fn what_is_wrong_is_flagged_with_what_to_write() {
        for (key, value, told) in [
            ("region", "us-east-1a", "a region is like"),
            ("region", "virginia", "a region is like"),
            (
                "region",
                "\"us-east-1\"",
                "write `us-east-1` for `region` without quotes",
            ),
            ("role_arn", "logs", "a role is like"),
            (
                "delivery_stream",
                "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders",
                "`delivery_stream orders`",
            ),
            (
                "log_group_name",
                "arn:aws:logs:us-east-1:123456789012:log-group:/a:*",
                "`log_group_name /a`",
            ),
            ("retry_limit", "1", "after 1 retry"),
            ("retry_limit", "no_retries", "at its first failure"),
            (
                "kms_key_id",
                "arn:aws:kms:us-east-1:123456789012:key/x",
                "logs.REGION.amazonaws.com",
            ),
        ] {
            assert!(
                said(key, value).contains(told),
                "{key} {value}: {}",
                said(key, value)
            );
        }
    }
}
