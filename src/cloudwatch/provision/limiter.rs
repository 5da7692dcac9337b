//! Rate limiter of an operation that creates or configures log groups and streams.
//!
//! The service limits the rate of each such operation per account and region, independently of writes.
//! A throttled create therefore slows down creates only.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::aws::session::Settings;
use crate::delivery::error::SendError;
use crate::delivery::rate_limiter::RateLimiter;
use crate::telemetry::metrics::descriptors::Operation;

/// Admits the calls of one operation.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Shared by all output sections of the process with the same settings.
    rate_limiter: Arc<RateLimiter>,
    permits: Semaphore,
}

impl Limiter {
    /// The limiter of an operation. At most `max` calls of this output section are in flight at a time.
    #[must_use]
    pub(crate) fn new(settings: &Settings, operation: Operation, max: usize) -> Self {
        Self {
            rate_limiter: RateLimiter::shared(settings, operation),
            permits: Semaphore::new(max),
        }
    }

    /// Makes a call once it is admitted. The permit is released when the call ends or is cancelled.
    ///
    /// # Errors
    ///
    /// Returns the error of the call.
    pub(crate) async fn admit<T>(
        &self,
        call: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        self.rate_limiter.acquire().await;
        let answer = call.await;
        self.rate_limiter
            .note(answer.as_ref().err(), answer.is_ok());
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_leaves_its_permit() {
        let limiter = Limiter::new(&Settings::default(), Operation::CreateLogGroup, 1);
        for _ in 0..5_000 {
            let call = limiter.admit(pending::<Result<(), SendError>>());
            let cancelled = tokio::time::timeout(Duration::from_millis(1), call).await;
            assert!(cancelled.is_err());
        }
        assert_eq!(limiter.permits.available_permits(), 1);
        assert!(limiter.admit(async { Ok(()) }).await.is_ok());
    }
}
