//! Errors as the SDK gives them, and what they are taken for.

use std::io;

use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::delivery::error::classify::{excerpt, without_value};

#[test]
fn throttling_is_told_by_code_or_status() {
    for code in [
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "ServiceUnavailableException",
    ] {
        assert_eq!(kind_of(code, 400), ErrorClass::Throttled, "{code}");
    }
    assert_eq!(kind_of("Unknown", 429), ErrorClass::Throttled);
}

#[test]
fn what_is_unknown_can_pass() {
    for (code, status) in [
        ("InternalFailure", 500),
        ("ServiceUnavailable", 503),
        ("NeverHeardOf", 400),
        ("", 504),
    ] {
        assert_eq!(
            kind_of(code, status),
            ErrorClass::Transient { unanswered: false },
            "{code} {status}"
        );
    }
}

#[test]
fn only_what_names_the_content_is_refused() {
    assert_eq!(
        kind_of("InvalidParameterException", 400),
        ErrorClass::Refused
    );
    assert_eq!(kind_of("SerializationException", 400), ErrorClass::Refused);
    assert_eq!(kind_of("Unknown", 413), ErrorClass::Refused);
    assert_eq!(kind_of("AccessDeniedException", 400), ErrorClass::Denied);
    assert_eq!(kind_of("ExpiredTokenException", 400), ErrorClass::Denied);
    assert_eq!(kind_of("InvalidSourceException", 400), ErrorClass::Denied);
}

#[test]
fn of_the_answers_about_sequence_tokens_one_says_that_all_is_stored() {
    let passing = ErrorClass::Transient { unanswered: false };
    assert_eq!(
        kind_of("DataAlreadyAcceptedException", 400),
        ErrorClass::Stored
    );
    assert_eq!(kind_of("InvalidSequenceTokenException", 400), passing);
}

#[test]
fn a_request_that_found_no_connection_was_not_seen_by_the_service() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let timeout = io::Error::other("HTTP connect timeout occurred after 3s");
    let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    let unanswered = |error| undelivered(&error).kind == UNANSWERED;
    assert!(!unanswered(refused) && !unanswered(timeout) && unanswered(reset));
}

#[test]
fn missing_permission_names_its_action_once() {
    let denied = |text: &str| SendError::new(ErrorClass::Denied, "AccessDeniedException", text);
    let said = |fault: SendError| fault.needing("logs:PutLogEvents").to_string();
    assert_eq!(
        said(denied("no")),
        "no (the IAM action logs:PutLogEvents must be allowed)"
    );
    let named = "not authorized to perform: logs:PutLogEvents";
    assert_eq!(said(denied(named)), named);
    let expired = SendError::new(ErrorClass::Denied, "ExpiredTokenException", "expired");
    assert_eq!(said(expired), "expired");
}

#[test]
fn only_a_fault_without_an_answer_is_left_to_the_host() {
    assert_eq!(
        SendError::out_of_time().retried(false).kind,
        ErrorClass::Denied
    );
    assert_eq!(SendError::out_of_time().retried(true).kind, UNANSWERED);
    let throttled = SendError::new(ErrorClass::Throttled, "Throttling", "slow down");
    assert_eq!(throttled.retried(false).kind, ErrorClass::Throttled);
}

#[test]
fn an_answer_that_is_not_the_services_own_is_told_in_brief() {
    let answer =
        |body: &str| HttpResponse::new(StatusCode::try_from(403).unwrap(), SdkBody::from(body));
    assert_eq!(excerpt(&answer("")), "no message");
    let page = "<html>\n  <title>Blocked by proxy</title>";
    assert_eq!(
        excerpt(&answer(page)),
        "no message, but \"<html> <title>Blocked by proxy</title>\""
    );
    assert!(excerpt(&answer(&"é".repeat(1000))).chars().count() < 200);
}

#[test]
fn a_value_that_the_service_repeats_is_left_out() {
    let said =
        without_value("1 error: Value 'it's ' at 'x' here' at 'logEvents.1.member.message' failed");
    assert_eq!(
        said,
        "1 error: Value at 'logEvents.1.member.message' failed"
    );
    assert_eq!(without_value("' at 'Value '"), "' at 'Value '");
}

#[test]
fn a_chain_says_each_cause_once() {
    let inner = std::io::Error::other("connection refused");
    let outer = std::io::Error::other(inner);
    assert_eq!(Chain(&outer).to_string(), "connection refused");
}
