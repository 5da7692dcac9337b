//! The Tokio runtime of a plugin, shared by all its instances.
//!
//! The runtime starts with the first instance and not when the library is loaded or registered, as
//! Fluent Bit forks after that when it runs as a daemon. Tasks hold no handle of the runtime, so closing
//! the last instance ends it, on a thread of Fluent Bit.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use cbindings::{Flush, Verdict};
use once_cell::sync::Lazy;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::delivery::Deadline;
use crate::delivery::ledger::Arrived;
use crate::delivery::permits::Permits;
use crate::telemetry::Telemetry;
use crate::telemetry::log_limiter::LogKey;

/// A handle of the runtime. Dropping the last handle ends the runtime.
#[derive(Clone, Debug)]
pub struct RuntimeHandle(Arc<SharedRuntime>);

impl RuntimeHandle {
    /// Returns a handle, and starts the runtime if it does not run.
    ///
    /// # Errors
    ///
    /// When the system cannot start the threads.
    pub fn acquire() -> io::Result<Self> {
        let mut running = lock(&RUNNING);
        if let Some(threads) = running.upgrade() {
            return Ok(Self(threads));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("aws-output")
            .enable_all()
            .build()?;
        let threads = Arc::new(SharedRuntime(Some(runtime)));
        *running = Arc::downgrade(&threads);
        Ok(Self(threads))
    }

    /// Runs a background task. A task that has not ended when the runtime ends is dropped.
    ///
    /// The caller may run on Fluent Bit's small coroutine stack (24 KiB), and a future is often larger
    /// than that. So `job` is a closure that is boxed here and creates the future on the runtime's thread.
    pub fn spawn<F>(&self, job: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let start: StartJob<(), ()> = Box::new(|()| Box::pin(job()));
        if let Some(runtime) = &self.0.0 {
            runtime.spawn(async move { start(()).await });
        }
    }

    /// Delivers a flush on the runtime after it gets one of the output's permits. A panic of the job is
    /// logged and leads to a retry.
    ///
    /// When Fluent Bit shuts down, the job has 1 s to end by itself; then it is dropped. `job` is a
    /// closure for the same reason as in [`RuntimeHandle::spawn`].
    pub fn deliver<F>(
        &self,
        flush: Flush,
        permits: &Permits,
        telemetry: Telemetry,
        job: impl FnOnce(Admitted) -> F + Send + 'static,
    ) where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let Some(runtime) = &self.0.0 else { return };
        let start: StartJob<Admitted, Verdict> = Box::new(|admitted| Box::pin(job(admitted)));
        let permits = permits.clone();
        // Boxed on the runtime's thread: the future of a delivery is larger than this stack.
        runtime.spawn(async move { Box::pin(admit(flush, permits, telemetry, start)).await });
    }
}

/// A flush that has a permit.
#[derive(Debug)]
pub struct Admitted {
    /// The chunk.
    pub flush: Arc<Flush>,
    /// When the flush must be answered.
    pub deadline: Deadline,
    /// When the chunk arrived, in the order of the ledger.
    pub arrived: Arrived,
}

/// Waits for a permit, then runs a job until it ends or Fluent Bit has shut down for 1 s.
async fn admit(
    flush: Flush,
    permits: Permits,
    telemetry: Telemetry,
    start: StartJob<Admitted, Verdict>,
) {
    let (close, mut closing) = watch::channel(false);
    flush
        .cancellation()
        .on_cancel(move || _ = close.send_replace(true));
    let arrived = telemetry.metrics.ledger().arrive();
    let permit = tokio::select! {
        permit = permits.acquire(&flush) => permit,
        _ = closing.wait_for(|closing| *closing) => return,
    };
    let Some(permit) = permit else {
        return telemetry.warn(NO_PERMIT, 1, format_args!(
            "a chunk of tag `{}` waited for `flush_timeout` behind others of this output (`concurrency`); Fluent Bit will retry it",
            flush.tag().escape_ascii()
        ));
    };
    let flush = Arc::new(flush);
    let deadline = Deadline::new(permit.deadline).closed_by(closing.clone());
    let mut job = tokio::spawn(start(Admitted {
        flush: flush.clone(),
        deadline,
        arrived,
    }));
    let result = tokio::select! {
        result = &mut job => result,
        () = closing_time(closing) => {
            job.abort();
            job.await
        }
    };
    match result {
        Ok(verdict) => flush.settle(verdict),
        Err(error) if error.is_cancelled() => {}
        Err(_) => telemetry.log.warn(format_args!(
            "{}; the chunk is kept for a retry",
            cbindings::last_panic()
        )),
    }
}

/// Completes [`CLOSING_TIME`] after Fluent Bit cancelled the flush.
async fn closing_time(mut closing: watch::Receiver<bool>) {
    // The sender is in the flush, which the caller holds.
    drop(closing.wait_for(|closing| *closing).await);
    sleep(CLOSING_TIME).await;
}

/// Creates the future of a job on the thread where it runs.
type StartJob<I, O> = Box<dyn FnOnce(I) -> Pin<Box<dyn Future<Output = O> + Send>> + Send>;

#[derive(Debug)]
struct SharedRuntime(Option<Runtime>);

impl Drop for SharedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

static RUNNING: Lazy<Mutex<Weak<SharedRuntime>>> = Lazy::new(Mutex::default);

/// Two threads: one encodes a chunk while the other serves connections.
const THREADS: usize = 2;
/// How long a delivery may continue when Fluent Bit shuts down. Most requests in flight are answered
/// within this time, so their events are not sent again.
const CLOSING_TIME: Duration = Duration::from_secs(1);
const NO_PERMIT: LogKey<'_> = LogKey {
    what: "no permit",
    part: "",
    unit: "chunks",
};
/// How long the exit callback waits for tasks; tasks that have not ended are dropped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
