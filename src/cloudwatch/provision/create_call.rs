//! A create call, repeated until it succeeds, fails permanently, or the flush's deadline is reached.

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

/// A create operation and its rate limiter.
#[derive(Debug)]
pub(super) struct CreateCall {
    operation: Operation,
    limiter: Limiter,
}

/// The target of a create, and its deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) target: &'w LogStreamId,
    pub(super) deadline: Instant,
    /// The log group was created. It may not be visible to the service yet.
    pub(super) group_exists: bool,
}

impl CreateCall {
    pub(super) fn new(settings: &Settings, operation: Operation) -> Self {
        Self {
            operation,
            limiter: Limiter::new(settings, operation, MAX_IN_FLIGHT),
        }
    }

    /// Makes the call until it succeeds, fails permanently, or the deadline is reached. Returns whether
    /// something was created. If it exists already, the call succeeds and returns `false`.
    ///
    /// # Errors
    ///
    /// Returns the error of the last call. Log lines have the error that `explain` returns.
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
            let attempted = self.attempt(wanted.deadline, telemetry, call());
            let error = match timeout_at(wanted.deadline, attempted).await {
                Ok(Ok(_)) => return Ok(true),
                Ok(Err(error)) if error.kind == ErrorClass::Exists => return Ok(false),
                Ok(Err(error)) => error.at(attempt),
                Err(_) => break,
            };
            self.report(wanted, telemetry, &explain(error.clone()));
            if !is_temporary(&error, wanted) {
                return Err(error.within(self.operation.name()));
            }
            let then = Instant::now() + backoff.after(&error);
            last = Some(error);
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
            let limit = (Instant::now() + CALL_TIMEOUT).min(deadline);
            let counted = telemetry.metrics.counted(self.operation, call);
            match deadline::within(limit, counted).await {
                Ok(answer) => answer,
                Err(_) if limit < deadline => Err(SendError::unanswered()),
                Err(_) => Err(SendError::out_of_time()),
            }
        };
        self.limiter.admit(call).await
    }

    /// Logs each failed attempt at debug level, and a rate-limited warning per operation and error code.
    fn report(&self, wanted: Wanted<'_>, telemetry: &Telemetry, error: &SendError) {
        let (name, LogStreamId { group, stream }) = (self.operation.name(), wanted.target);
        let text = format!("log group `{group}`, log stream `{stream}`: {name} failed: {error}");
        telemetry.debug(format_args!("{text}"));
        if error.kind == ErrorClass::Missing && !wanted.group_exists {
            // The log group is missing too. It is created next, or the caller reports why it is not.
            return;
        }
        let part = format!("{name} {}", error.code);
        let kind = log_limiter::LogKey {
            what: "create",
            part: &part,
            unit: "failed attempts to create",
        };
        telemetry.warn(kind, 1, format_args!("{text}"));
    }
}

fn is_temporary(error: &SendError, wanted: Wanted<'_>) -> bool {
    match error.kind {
        ErrorClass::Transient { .. } | ErrorClass::Throttled => true,
        ErrorClass::Missing => wanted.group_exists,
        ErrorClass::Denied | ErrorClass::Exists | ErrorClass::Refused | ErrorClass::Stored => false,
    }
}

/// Maximum time for the response to a create. The call is then attempted again.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// With calls of 100 ms this allows 100 calls a second, twice the service's default quota of 50
/// CreateLogStream calls a second per account. Few calls are throttled before the rate limiter adapts.
const MAX_IN_FLIGHT: usize = 10;
