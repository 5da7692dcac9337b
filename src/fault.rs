//! What went wrong with one request, and whether it can pass.
//!
//! The SDK models few of the errors that the services answer with, throttling not among them, so a
//! fault is told by its code string and HTTP status, never by the SDK's variant. Whatever is unknown
//! can pass: trying again costs a request, giving up costs the user's data.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

/// What kind of fault decides what is done about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// No permission: nothing the data or a second attempt can help; the host tries later.
    Denied,
    /// What was to be created is there.
    Exists,
    /// What was written to is not there.
    Missing,
    /// Network, server, or unknown: can pass. The service may have accepted the request when
    /// nothing was answered.
    Passing {
        /// Nothing was answered after the request was on its way.
        unanswered: bool,
    },
    /// The request's content will never be accepted as it is.
    Refused,
    /// Too many requests, bytes, or changes at once.
    Throttled,
}

/// How a request ended, as it is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum Outcome {
    /// Accepted.
    Ok,
    /// Accepted, but for some records that are sent again.
    Partial,
    /// [`Kind::Throttled`].
    Throttled,
    /// [`Kind::Denied`].
    Denied,
    /// [`Kind::Missing`].
    Missing,
    /// [`Kind::Exists`].
    Exists,
    /// [`Kind::Refused`].
    Refused,
    /// Answered with anything else.
    Error,
    /// On its way, and nothing was answered.
    Unanswered,
    /// Not sent: no connection, or no credentials.
    Unsent,
}

impl Outcome {
    /// Their names, in order.
    pub const NAMES: [&'static str; 10] = [
        "ok",
        "partial",
        "throttled",
        "denied",
        "missing",
        "exists",
        "refused",
        "error",
        "unanswered",
        "unsent",
    ];

    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Denied => Self::Denied,
            Kind::Exists => Self::Exists,
            Kind::Missing => Self::Missing,
            Kind::Passing { unanswered: true } => Self::Unanswered,
            Kind::Passing { unanswered: false } => Self::Error,
            Kind::Refused => Self::Refused,
            Kind::Throttled => Self::Throttled,
        }
    }
}

/// A failed request.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What is done about it.
    pub kind: Kind,
    /// The service asked to be left alone for so long.
    pub retry_after: Option<Duration>,
    /// The service's code, or a word of ours for a fault without one.
    pub code: String,
    /// What it is counted as.
    pub outcome: Outcome,
    text: String,
    attempt: Option<usize>,
}

impl Fault {
    /// A fault that did not come from the SDK.
    #[must_use]
    pub fn new(kind: Kind, code: &str, text: impl fmt::Display) -> Self {
        Self {
            kind,
            retry_after: None,
            code: code.to_owned(),
            outcome: Outcome::of(kind),
            text: text.to_string(),
            attempt: None,
        }
    }

    /// A fault by which nothing reached the service.
    fn unsent(code: &str, text: impl fmt::Display) -> Self {
        Self {
            outcome: Outcome::Unsent,
            ..Self::new(Kind::Passing { unanswered: false }, code, text)
        }
    }

    /// A fault that one part of an accepted request was answered with.
    #[must_use]
    pub fn answered(code: &str, message: &str) -> Self {
        Self::new(kind_of(code, 500), code, format_args!("{code}: {message}"))
    }

    /// Reads an SDK error.
    #[must_use]
    pub fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(context) => answered(error, context.err(), context.raw()),
            SdkError::ResponseError(context) => {
                let status = context.raw().status().as_u16();
                let kind = if status < 500 {
                    UNANSWERED
                } else {
                    kind_of("", status)
                };
                Self::new(
                    kind,
                    "ResponseError",
                    format_args!("HTTP {status}, unreadable answer: {}", Chain(error)),
                )
            }
            SdkError::TimeoutError(_) => Self::unanswered(),
            _ => undelivered(error),
        }
    }

    /// The same fault, said to be of one call among several.
    #[must_use]
    pub fn within(self, call: &str) -> Self {
        Self {
            text: format!("{call}: {}", self.text),
            ..self
        }
    }

    /// The same fault, of the attempt of this number, from 1.
    #[must_use]
    pub fn at(self, attempt: usize) -> Self {
        Self {
            attempt: Some(attempt),
            ..self
        }
    }

    /// The flush had to end before the pace let the request go.
    #[must_use]
    pub fn no_turn() -> Self {
        let text = "the service throttles, and the request's turn did not come before the flush's deadline (`flush_timeout`)";
        Self::new(Kind::Throttled, "Paced", text)
    }

    /// The same fault; one of missing permission names the IAM action, if the service did not.
    #[must_use]
    pub fn needing(self, action: &str) -> Self {
        let refused = PERMISSION_CODES.contains(&self.code.as_str());
        if !refused || self.text.contains(action) {
            return self;
        }
        Self {
            text: format!("{} (the IAM action {action} must be allowed)", self.text),
            ..self
        }
    }

    /// The same fault; unless requests are retried, one without an answer is left to the host.
    #[must_use]
    pub fn retried(self, auto_retry: bool) -> Self {
        if auto_retry || self.kind != UNANSWERED {
            return self;
        }
        Self {
            kind: Kind::Denied,
            text: format!("{} (`auto_retry_requests` is off)", self.text),
            ..self
        }
    }

    /// Nothing was answered for so long that another attempt is better.
    #[must_use]
    pub fn unanswered() -> Self {
        Self::new(UNANSWERED, "Timeout", "no answer in time")
    }

    /// Nothing was answered before the flush had to end.
    #[must_use]
    pub fn out_of_time() -> Self {
        Self::new(
            UNANSWERED,
            "Timeout",
            "no answer before the flush's deadline (`flush_timeout`)",
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempt {
            Some(attempt) => write!(f, "{} (attempt {attempt})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The service answered with an error.
fn answered<E>(error: &SdkError<E, HttpResponse>, answer: &E, raw: &HttpResponse) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = raw.status().as_u16();
    let code = answer.code().unwrap_or("Unknown");
    let message = answer.message().filter(|message| !message.is_empty());
    let message = message.map_or_else(|| excerpt(raw), without_value);
    let request = error.request_id().unwrap_or("none");
    let text = format_args!("{code}: {message} (HTTP {status}, request id {request})");
    Fault {
        retry_after: retry_after(raw),
        ..Fault::new(kind_of(code, status), code, text)
    }
}

/// A message without the value that it complains of, which may be a user's.
fn without_value(message: &str) -> String {
    let value = message.find("Value '").zip(message.rfind("' at '"));
    match value.filter(|(from, to)| from < to) {
        Some((from, to)) => [&message[..from], "Value", &message[to + 1..]].concat(),
        None => message.to_owned(),
    }
}

/// The beginning of an answer that is none of the service's own: a proxy's page, most often.
fn excerpt(raw: &HttpResponse) -> String {
    let body = String::from_utf8_lossy(raw.body().bytes().unwrap_or_default());
    let words: Vec<&str> = body.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(EXCERPT).collect();
    if text.is_empty() {
        "no message".to_owned()
    } else {
        format!("no message, but \"{text}\"")
    }
}

/// The request did not get as far as an answer.
fn undelivered(error: &(dyn Error + 'static)) -> Fault {
    let credentials = chain(error).any(|cause| cause.is::<CredentialsError>());
    if credentials {
        // The provider may be back in a moment: one that is not there fails fast anyway.
        let text = format_args!("no credentials: {}", Chain(error));
        return Fault::unsent("Credentials", text);
    }
    if chain(error).any(is_about_connecting) {
        return Fault::unsent("Connection", Chain(error));
    }
    Fault::new(UNANSWERED, "Connection", Chain(error))
}

/// Without a connection the service has seen nothing. The HTTP client says so in words only.
fn is_about_connecting(cause: &(dyn Error + 'static)) -> bool {
    let refused = cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    let text = cause.to_string();
    refused
        || text.contains("(Connect)")
        || text.contains("HTTP connect")
        || text.contains("dns error")
}

/// The one table of codes; a service's older and newer spellings of one error stand together.
fn kind_of(code: &str, status: u16) -> Kind {
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
        | "InvalidKMSResourceException" => Kind::Denied,
        "ResourceAlreadyExistsException" => Kind::Exists,
        "ResourceNotFoundException" => Kind::Missing,
        "InvalidParameterException"
        | "InvalidParameterValueException"
        | "InvalidArgumentException"
        | "SerializationException"
        | "ValidationException"
        | "ValidationError"
        | "MalformedQueryString"
        | "InvalidSourceException" => Kind::Refused,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "LimitExceededException"
        | "ProvisionedThroughputExceededException"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete" => Kind::Throttled,
        // Data Firehose answers a delivery stream beyond its rate with this one.
        "ServiceUnavailableException" => Kind::Throttled,
        _ => match status {
            413 => Kind::Refused,
            429 => Kind::Throttled,
            _ => Kind::Passing { unanswered: false },
        },
    }
}

/// `x-amz-retry-after` in milliseconds, or HTTP's own header in seconds.
fn retry_after(raw: &HttpResponse) -> Option<Duration> {
    let header = |name| raw.headers().get(name).and_then(|value| value.parse().ok());
    header("x-amz-retry-after")
        .map(Duration::from_millis)
        .or_else(|| header("retry-after").map(Duration::from_secs))
}

/// An error and what caused it, as one sentence.
pub struct Chain<'e>(pub &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        for cause in chain(self.0) {
            let text = cause.to_string();
            // Many causes repeat what the one above them has said.
            if said.contains(&text) {
                continue;
            }
            let separator = if said.is_empty() { "" } else { ": " };
            write!(f, "{separator}{text}")?;
            said.push_str(&text);
        }
        Ok(())
    }
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        (*error).source()
    })
}

/// Refusals that a change of the identity's policies mends.
const PERMISSION_CODES: [&str; 4] = [
    "AccessDeniedException",
    "AccessDenied",
    "NotAuthorized",
    "UnauthorizedOperation",
];

/// Characters of an unknown answer that are told: a page's title, or a proxy's reason.
const EXCERPT: usize = 160;

const UNANSWERED: Kind = Kind::Passing { unanswered: true };

#[cfg(test)]
mod tests;
