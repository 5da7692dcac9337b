//! Errors that a service answered with.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use cbindings::line::cut;

use super::retry_after::retry_after;
use super::{ErrorClass, SendError};
use crate::delivery::error::clock_skew;

/// The service answered with an error.
pub(super) fn answered<E>(
    error: &SdkError<E, HttpResponse>,
    answer: &E,
    raw: &HttpResponse,
) -> SendError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = raw.status().as_u16();
    let code = answer.code().unwrap_or("Unknown");
    let message = answer.message().filter(|message| !message.is_empty());
    let message = message.map_or_else(|| excerpt(raw), without_value);
    let message = cut(&message, MOST_MESSAGE_BYTES);
    let request = error.request_id().unwrap_or("none");
    let mut text = format!("{code}: {message} (HTTP {status}, request id {request})");
    let mut kind = kind_of(code, status);
    if let Some(advice) = clock_skew::advice(code, raw) {
        kind = ErrorClass::Transient { unanswered: false };
        text += &advice;
    }
    SendError {
        retry_after: retry_after(raw),
        ..SendError::new(kind, code, text)
    }
}

/// A message without the value that it complains of, which may be a user's.
pub(super) fn without_value(message: &str) -> String {
    let value = message.find("Value '").zip(message.rfind("' at '"));
    match value.filter(|(from, to)| from < to) {
        Some((from, to)) => [&message[..from], "Value", &message[to + 1..]].concat(),
        None => message.to_owned(),
    }
}

/// The beginning of an answer that is none of the service's own: a proxy's page, most often.
pub(super) fn excerpt(raw: &HttpResponse) -> String {
    let body = String::from_utf8_lossy(raw.body().bytes().unwrap_or_default());
    let words: Vec<&str> = body.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(EXCERPT).collect();
    if text.is_empty() {
        "no message".to_owned()
    } else {
        format!("no message, but \"{text}\"")
    }
}

/// The one table of codes; a service's older and newer spellings of one error stand together.
pub(super) fn kind_of(code: &str, status: u16) -> ErrorClass {
    match code {
        "AccessDeniedException"
        | "AccessDenied"
        | "NotAuthorized"
        | "UnauthorizedOperation"
        | "OptInRequired"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidKMSResourceException"
        // The key that encrypts a Kinesis data stream.
        | "KMSAccessDeniedException"
        | "KMSDisabledException"
        | "KMSInvalidStateException"
        | "KMSNotFoundException"
        | "KMSOptInRequired"
        // A delivery stream that takes records from CloudWatch Logs alone.
        | "InvalidSourceException" => ErrorClass::Denied,
        // From the time when PutLogEvents took sequence tokens.
        "DataAlreadyAcceptedException" => ErrorClass::Stored,
        "ResourceAlreadyExistsException" => ErrorClass::Exists,
        "ResourceNotFoundException" => ErrorClass::Missing,
        "InvalidParameterException"
        | "InvalidParameterValueException"
        | "InvalidArgumentException"
        | "SerializationException"
        | "ValidationException"
        | "ValidationError" => ErrorClass::Refused,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "LimitExceededException"
        | "KMSThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete" => ErrorClass::Throttled,
        // Data Firehose answers a delivery stream beyond its rate with this one.
        "ServiceUnavailableException" => ErrorClass::Throttled,
        _ => match status {
            413 => ErrorClass::Refused,
            429 => ErrorClass::Throttled,
            _ => ErrorClass::Transient { unanswered: false },
        },
    }
}

/// Of a service's message, lines show so much.
pub(super) const MOST_MESSAGE_BYTES: usize = 1024;

/// Characters of an unknown answer that are told: a page's title, or a proxy's reason.
const EXCERPT: usize = 160;
