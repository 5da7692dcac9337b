//! The calls that create, repeated until they succeed, cannot pass, or the flush's deadline is reached.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::aws::deadline;
use crate::aws::session::Settings;
use crate::cloudwatch::provision::limiter::Limiter;
use crate::cloudwatch::route::LogStreamId;
use crate::delivery::backoff::Backoff;
use crate::delivery::error::{ErrorClass, SendError};
use crate::telemetry::metrics::descriptors::Operation;
use crate::telemetry::{Telemetry, log_limiter};

/// An operation that creates, with its rate limiter.
#[derive(Debug)]
pub(super) struct CreateCall {
    operation: Operation,
    limiter: Limiter,
}

/// What is to be created, for which stream, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) target: &'w LogStreamId,
    pub(super) deadline: Instant,
    /// The log group was created, though it may not be visible yet.
    pub(super) group_exists: bool,
}

impl CreateCall {
    pub(super) fn new(settings: &Settings, operation: Operation) -> Self {
        Self {
            operation,
            limiter: Limiter::new(settings, operation, MOST_IN_FLIGHT),
        }
    }

    /// Makes the call until it succeeds, cannot pass, or the deadline is reached. Whether something
    /// was created: what exists already is a success too.
    ///
    /// # Errors
    ///
    /// The fault of the last call that was made. Lines have it as `explain` returns it.
    pub(super) async fn repeat<T, F>(
        &self,
        wanted: Wanted<'_>,
        telemetry: &Telemetry,
        call: impl Fn() -> F,
        explain: impl Fn(SendError) -> SendError,
    ) -> Result<bool, SendError>
    where
        F: Future<Output = Result<T, SendError>>,
    {
        let mut backoff = Backoff::new(fastrand::Rng::new());
        let mut last = None;
        for attempt in 1.. {
            let made = self.attempt(wanted.deadline, telemetry, call());
            let fault = match timeout_at(wanted.deadline, made).await {
                Ok(Ok(_)) => return Ok(true),
                Ok(Err(fault)) if fault.kind == ErrorClass::Exists => return Ok(false),
                Ok(Err(fault)) => fault.at(attempt),
                Err(_) => break,
            };
            self.report(wanted, telemetry, &explain(fault.clone()));
            if !can_pass(&fault, wanted) {
                return Err(fault.within(self.operation.name()));
            }
            let then = Instant::now() + backoff.after(&fault);
            last = Some(fault);
            if then >= wanted.deadline {
                break;
            }
            sleep_until(then).await;
        }
        Err(last
            .unwrap_or_else(SendError::no_turn)
            .within(self.operation.name()))
    }

    async fn attempt<T>(
        &self,
        deadline: Instant,
        telemetry: &Telemetry,
        call: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        let call = async {
            let limit = (Instant::now() + LONGEST_CALL).min(deadline);
            let counted = telemetry.metrics.counted(self.operation, call);
            match deadline::within(limit, counted).await {
                Ok(answer) => answer,
                Err(_) if limit < deadline => Err(SendError::unanswered()),
                Err(_) => Err(SendError::out_of_time()),
            }
        };
        self.limiter.admit(call).await
    }

    /// Each failed attempt is a debug line; at warn they are limited for each operation and code.
    fn report(&self, wanted: Wanted<'_>, telemetry: &Telemetry, fault: &SendError) {
        let (name, LogStreamId { group, stream }) = (self.operation.name(), wanted.target);
        let text = format!("log group `{group}`, log stream `{stream}`: {name} failed: {fault}");
        telemetry.debug(format_args!("{text}"));
        if fault.kind == ErrorClass::Missing && !wanted.group_exists {
            // The log group is missing too. It is created next, or the caller says why not.
            return;
        }
        let part = format!("{name} {}", fault.code);
        let kind = log_limiter::LogKey {
            what: "create",
            part: &part,
            unit: "failed attempts to create",
        };
        telemetry.warn(kind, 1, format_args!("{text}"));
    }
}

fn can_pass(fault: &SendError, wanted: Wanted<'_>) -> bool {
    match fault.kind {
        ErrorClass::Transient { .. } | ErrorClass::Throttled => true,
        ErrorClass::Missing => wanted.group_exists,
        ErrorClass::Denied | ErrorClass::Exists | ErrorClass::Refused | ErrorClass::Stored => false,
    }
}

/// A create without an answer for this long is made again.
const LONGEST_CALL: Duration = Duration::from_secs(3);
/// At 100 ms a call this is twice the 50 CreateLogStream calls a second that the service takes from an
/// account by default; the first throttled answers are few.
const MOST_IN_FLIGHT: usize = 10;
