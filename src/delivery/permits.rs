//! How many chunks of an output are delivered at once.
//!
//! Fluent Bit starts a flush for each chunk that it has, a thousand and more of a backlog. Those beyond
//! the limit wait here, in the order in which they came. They hold neither a request's body nor a thread.

use std::sync::Arc;
use std::time::Duration;

use cbindings::Flush;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The permits of one output; clones are the same.
#[derive(Clone, Debug)]
pub struct Permits {
    semaphore: Arc<Semaphore>,
    flush_timeout: Duration,
}

/// One chunk may be delivered, until this is dropped.
#[derive(Debug)]
pub struct Permit {
    /// When Fluent Bit is answered, whatever is left by then.
    pub deadline: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Permits {
    /// Lets so many chunks be delivered at once, each for `flush_timeout` at most.
    #[must_use]
    pub fn new(concurrency: u32, flush_timeout: Duration) -> Self {
        Self {
            semaphore: Arc::new(Semaphore::new(concurrency as usize)),
            flush_timeout,
        }
    }

    /// Waits for a permit; `None` when the flush's time is over before.
    ///
    /// Waiting takes none of the flush's time, so that a backlog uses up no retry of chunks that were
    /// never tried. Only where Fluent Bit cannot end before the flush is answered, it does.
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
