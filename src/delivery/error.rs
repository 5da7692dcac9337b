//! What went wrong with one request, and whether it can pass.
//!
//! The SDK models few of the errors that the services answer with, throttling not among them, so a
//! fault is told by its code string and HTTP status, never by the SDK's variant. Whatever is unknown
//! can pass: trying again costs a request, giving up costs the user's data.

mod chain;
mod classify;
mod clock_skew;
mod retry_after;
mod transport;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use cbindings::line::cut;
pub use chain::Chain;
pub use retry_after::MOST_QUIET;
use retry_after::retry_after;

use classify::{MOST_MESSAGE_BYTES, answered, kind_of};
use transport::undelivered;

/// What kind of fault decides what is done about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorClass {
    /// No permission: nothing the data or a second attempt can help; the host tries later.
    Denied,
    /// What was to be created is there.
    Exists,
    /// What was written to is not there.
    Missing,
    /// Network, server, or unknown: can pass. The service may have accepted the request when
    /// nothing was answered.
    Transient {
        /// Nothing was answered after the request was on its way.
        unanswered: bool,
    },
    /// The whole request is refused, for something that it holds or for its target.
    Refused,
    /// The service has accepted the same request before.
    Stored,
    /// Too many requests, bytes, or changes at once.
    Throttled,
}

impl ErrorClass {
    /// Whether the service looked at what the request holds, and so had not throttled it.
    #[must_use]
    pub fn is_within_the_quota(self) -> bool {
        matches!(
            self,
            Self::Exists | Self::Missing | Self::Refused | Self::Stored
        )
    }
}

/// How a request ended, as it is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum Outcome {
    /// Accepted.
    Ok,
    /// Accepted, but for some records that are sent again.
    Partial,
    /// [`ErrorClass::Throttled`].
    Throttled,
    /// [`ErrorClass::Denied`].
    Denied,
    /// [`ErrorClass::Missing`].
    Missing,
    /// [`ErrorClass::Exists`].
    Exists,
    /// [`ErrorClass::Refused`].
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

    fn of(kind: ErrorClass) -> Self {
        match kind {
            ErrorClass::Denied => Self::Denied,
            ErrorClass::Exists => Self::Exists,
            ErrorClass::Missing => Self::Missing,
            ErrorClass::Transient { unanswered: true } => Self::Unanswered,
            ErrorClass::Transient { unanswered: false } => Self::Error,
            ErrorClass::Refused => Self::Refused,
            ErrorClass::Stored => Self::Ok,
            ErrorClass::Throttled => Self::Throttled,
        }
    }
}

/// A failed request.
#[derive(Clone, Debug)]
pub struct SendError {
    /// What is done about it.
    pub kind: ErrorClass,
    /// The service asked to be left alone for so long.
    pub retry_after: Option<Duration>,
    /// The service's code, or a word of ours for a fault without one.
    pub code: String,
    /// What it is counted as.
    pub outcome: Outcome,
    text: String,
    attempt: Option<usize>,
}

impl SendError {
    /// A fault that did not come from the SDK.
    #[must_use]
    pub fn new(kind: ErrorClass, code: &str, text: impl fmt::Display) -> Self {
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
            ..Self::new(ErrorClass::Transient { unanswered: false }, code, text)
        }
    }

    /// A fault that one part of an accepted request was answered with.
    #[must_use]
    pub fn answered(code: &str, message: &str) -> Self {
        let message = cut(message, MOST_MESSAGE_BYTES);
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
                // Only a success that cannot be read leaves open what became of the request.
                let kind = if context.raw().status().is_success() {
                    UNANSWERED
                } else {
                    kind_of("", status)
                };
                let text = format_args!("HTTP {status}, unreadable answer: {}", Chain(error));
                Self {
                    retry_after: retry_after(context.raw()),
                    ..Self::new(kind, "ResponseError", text)
                }
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

    /// The same fault, with advice after its text.
    #[must_use]
    pub fn followed_by(self, advice: impl fmt::Display) -> Self {
        Self {
            text: format!("{}{advice}", self.text),
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

    /// The rate limiter did not admit the request before the flush's deadline.
    #[must_use]
    pub fn no_turn() -> Self {
        Self::unsent(
            NO_TURN,
            "the service throttles, and the request's turn did not come before the flush's deadline (`flush_timeout`)",
        )
    }

    /// The flush's deadline left no time for the request's answer.
    #[must_use]
    pub fn no_time() -> Self {
        Self::unsent(
            NO_TIME,
            "not sent, as its answer could not come before the flush's deadline (`flush_timeout`)",
        )
    }

    /// Whether no request began: the rate limiter or the deadline did not admit it.
    #[must_use]
    pub fn never_began(&self) -> bool {
        [NO_TURN, NO_TIME].contains(&self.code.as_str())
    }

    /// The request waited for credentials or a connection until its time was up.
    #[must_use]
    pub fn not_sent() -> Self {
        Self::unsent(
            "NotSent",
            "the request could not be sent in time: no connection, or no credentials",
        )
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
            kind: ErrorClass::Denied,
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

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempt {
            Some(attempt) => write!(f, "{} (attempt {attempt})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Refusals that a change of the identity's policies mends.
const PERMISSION_CODES: [&str; 4] = [
    "AccessDeniedException",
    "AccessDenied",
    "NotAuthorized",
    "UnauthorizedOperation",
];

/// Codes of requests that never began.
const NO_TURN: &str = "Paced";
const NO_TIME: &str = "Deadline";

const UNANSWERED: ErrorClass = ErrorClass::Transient { unanswered: true };

#[cfg(test)]
mod tests;
