//! The deadline of the current request, as a task-local value.
//!
//! The SDK fetches credentials inside a request, with a timeout that does not depend on the flush. The
//! credentials cache reads this deadline and ends a fetch earlier, so that the error names the
//! credentials provider and is not taken for a request without a response.

use std::future::Future;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs a request until `deadline` at the latest.
///
/// # Errors
///
/// When the request has not ended by the deadline.
pub async fn within<T>(deadline: Instant, request: impl Future<Output = T>) -> Result<T, Elapsed> {
    DEADLINE
        .scope(deadline, timeout_at(deadline, request))
        .await
}

/// The deadline of the current request; `None` outside of [`within`].
#[must_use]
pub fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// The timeout of a part of the request: 90 % of the time left, `max` at most.
pub(crate) fn limit(max: Duration) -> Duration {
    let left = DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now()));
    left.map_or(max, |left| (left * 9 / 10).min(max))
}
