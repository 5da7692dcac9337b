//! When the request that is being made must be done.
//!
//! The SDK looks for credentials inside a request, with a limit of its own that knows nothing of the
//! flush. The moment stands beside the task, so that a look-up ends in time to be told by its name
//! and not as a request that was not answered.

use std::future::Future;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Makes a request that ends at this moment at the latest.
///
/// # Errors
///
/// When it has not ended by then.
pub async fn within<T>(deadline: Instant, request: impl Future<Output = T>) -> Result<T, Elapsed> {
    DEADLINE
        .scope(deadline, timeout_at(deadline, request))
        .await
}

/// When the request that is being made ends at the latest; `None` outside of [`within`].
#[must_use]
pub fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// How long a part of the request may take: nine tenths of what is left, and `most` at most.
pub(crate) fn limit(most: Duration) -> Duration {
    let left = DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now()));
    left.map_or(most, |left| (left * 9 / 10).min(most))
}
