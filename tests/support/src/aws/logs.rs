//! CloudWatch Logs: the operations that a log router calls, with the limits of its API reference.

mod describe;
mod groups;
mod put_log_events;
mod streams;
mod tags;
mod verdict;

use super::account::{ACCOUNT_ID, Account};
use super::answer::ErrorAnswer;
use super::operation::{NameRule, Operation, operation};
use super::stored::Group;

/// Decodes one request of the API.
///
/// # Errors
/// `SerializationException` for a body that cannot be read, `UnknownOperationException` for other operations.
pub(super) fn decoded<'a>(
    name: &str,
    body: &'a [u8],
) -> Result<Box<dyn Operation + 'a>, ErrorAnswer> {
    match name {
        "PutLogEvents" => operation::<put_log_events::PutLogEvents<'a>>(body),
        "CreateLogGroup" => operation::<groups::CreateLogGroup>(body),
        "DeleteLogGroup" => operation::<groups::DeleteLogGroup>(body),
        "PutRetentionPolicy" => operation::<groups::PutRetentionPolicy>(body),
        "CreateLogStream" => operation::<streams::CreateLogStream>(body),
        "DeleteLogStream" => operation::<streams::DeleteLogStream>(body),
        "GetLogEvents" => operation::<streams::GetLogEvents>(body),
        "DescribeLogGroups" => operation::<describe::DescribeLogGroups>(body),
        "DescribeLogStreams" => operation::<describe::DescribeLogStreams>(body),
        "TagResource" => operation::<tags::TagResource>(body),
        "ListTagsForResource" => operation::<tags::ListTagsForResource>(body),
        _ => Err(ErrorAnswer::new(400, "UnknownOperationException", "")),
    }
}

fn refused(message: impl Into<String>) -> ErrorAnswer {
    ErrorAnswer::new(400, "InvalidParameterException", message)
}

fn no_group() -> ErrorAnswer {
    ErrorAnswer::new(
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

fn no_stream() -> ErrorAnswer {
    ErrorAnswer::new(
        400,
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
}

fn group_arn(name: &str) -> String {
    format!("arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group:{name}")
}

fn group_name(name: &str) -> Result<(), ErrorAnswer> {
    GROUP_NAME
        .broken_by(name)
        .map_or(Ok(()), |problem| Err(refused(problem)))
}

fn stream_name(name: &str) -> Result<(), ErrorAnswer> {
    STREAM_NAME
        .broken_by(name)
        .map_or(Ok(()), |problem| Err(refused(problem)))
}

fn group_mut<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut Group, ErrorAnswer> {
    account.groups.get_mut(name).ok_or_else(no_group)
}

/// API reference, CreateLogGroup: `[\.\-_/#A-Za-z0-9]+`, 1 to 512 characters.
const GROUP_NAME: NameRule = NameRule {
    member: "logGroupName",
    pattern: r"[\.\-_/#A-Za-z0-9]+",
    longest: 512,
    allowed: |c| c.is_ascii_alphanumeric() || ".-_/#".contains(c),
};

/// API reference, CreateLogStream: `[^:*]*`, 1 to 512 characters.
const STREAM_NAME: NameRule = NameRule {
    member: "logStreamName",
    pattern: "[^:*]*",
    longest: 512,
    allowed: |c| !":*".contains(c),
};
