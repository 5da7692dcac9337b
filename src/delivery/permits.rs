//! Limits how many chunks of an output are delivered concurrently (`concurrency`).
//!
//! Fluent Bit starts a flush for each of its chunks, more than 1000 with a backlog. Chunks beyond the
//! limit wait here for a permit in order of arrival. A waiting chunk holds no request body and no thread.

use std::sync::Arc;
use std::time::Duration;

use cbindings::Flush;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The permits of one output; clones share them.
#[derive(Clone, Debug)]
pub struct Permits {
    semaphore: Arc<Semaphore>,
    flush_timeout: Duration,
}

/// Permission to deliver one chunk, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    /// When the flush must be answered.
    pub deadline: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Permits {
    /// Permits for `concurrency` chunks at a time, each for `flush_timeout` at most.
    #[must_use]
    pub fn new(concurrency: u32, flush_timeout: Duration) -> Self {
        Self {
            semaphore: Arc::new(Semaphore::new(concurrency as usize)),
            flush_timeout,
        }
    }

    /// Waits for a permit; `None` when `flush_timeout` ends before.
    ///
    /// `flush_timeout` begins with the permit, so that chunks in a backlog do not use up retries without
    /// an attempt. It begins with the call only when Fluent Bit cannot end before the flush is answered.
    pub async fn acquire(&self, flush: &Flush) -> Option<Permit> {
        let latest = Instant::now() + self.flush_timeout;
        let permit = self.semaphore.clone().acquire_owned();
        let permit = if flush.holds_up_the_end() {
            timeout_at(latest, permit).await.ok()?
        } else {
            permit.await
        };
        let deadline = if flush.holds_up_the_end() {
            latest
        } else {
            Instant::now() + self.flush_timeout
        };
        Some(Permit {
            deadline,
            _permit: permit.ok()?,
        })
    }
}
