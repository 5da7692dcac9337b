//! Our threads: one runtime for all instances of a plugin, from the first one's start to the last
//! one's end.
//!
//! There is none when the library is loaded or registered, as a host that becomes a daemon forks
//! after that. Work holds no handle on the runtime, so the last instance to close ends it, on the
//! host's thread.

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

/// A share in the plugin's threads; the last one dropped ends them.
#[derive(Clone, Debug)]
pub struct RuntimeHandle(Arc<Threads>);

impl RuntimeHandle {
    /// Takes a share, starting the threads if this is the first.
    ///
    /// # Errors
    ///
    /// When the system gives no threads.
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
        let threads = Arc::new(Threads(Some(runtime)));
        *running = Arc::downgrade(&threads);
        Ok(Self(threads))
    }

    /// Does something beside every delivery; what has not ended when the threads do is left behind.
    ///
    /// The caller may stand on the host's small stack, and a job is often larger than that: what moves
    /// from it is only the closure, behind a pointer, so that no compiler makes room for the job here.
    pub fn spawn<F>(&self, job: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let begin: Begin<(), ()> = Box::new(|()| Box::pin(job()));
        if let Some(runtime) = &self.0.0 {
            runtime.spawn(async move { begin(()).await });
        }
    }

    /// Delivers a flush on the plugin's threads, when it gets one of the output's permits; a panic
    /// there is a retry and a line in the log.
    ///
    /// The job gets the flush and its deadline. When Fluent Bit ends it has a second to end by
    /// itself, and is dropped then. Takes a closure as [`RuntimeHandle::spawn`] does.
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
        let begin: Begin<Admitted, Verdict> = Box::new(|admitted| Box::pin(job(admitted)));
        let permits = permits.clone();
        // Boxed where it runs: the future of a delivery is larger than this stack.
        runtime.spawn(async move { Box::pin(admit(flush, permits, telemetry, begin)).await });
    }
}

/// A flush that has a permit.
#[derive(Debug)]
pub struct Admitted {
    /// The chunk.
    pub flush: Arc<Flush>,
    /// When it has to be answered.
    pub deadline: Deadline,
    /// When it came.
    pub arrived: Arrived,
}

/// Waits for a permit, then runs a job until it ends or Fluent Bit does.
async fn admit(
    flush: Flush,
    permits: Permits,
    telemetry: Telemetry,
    begin: Begin<Admitted, Verdict>,
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
    let mut job = tokio::spawn(begin(Admitted {
        flush: flush.clone(),
        deadline,
        arrived,
    }));
    let ended = tokio::select! {
        ended = &mut job => ended,
        () = closing_time(closing) => {
            job.abort();
            job.await
        }
    };
    match ended {
        Ok(verdict) => flush.settle(verdict),
        Err(error) if error.is_cancelled() => {}
        Err(_) => telemetry.log.warn(format_args!(
            "{}; the chunk is kept for a retry",
            cbindings::last_panic()
        )),
    }
}

/// Ends a while after Fluent Bit has asked for the chunk.
async fn closing_time(mut closing: watch::Receiver<bool>) {
    // The sender is in the flush, which the caller holds.
    drop(closing.wait_for(|closing| *closing).await);
    sleep(CLOSING_TIME).await;
}

/// Makes a job where it will run.
type Begin<I, O> = Box<dyn FnOnce(I) -> Pin<Box<dyn Future<Output = O> + Send>> + Send>;

#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(LAST_CALL);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

static RUNNING: Lazy<Mutex<Weak<Threads>>> = Lazy::new(Mutex::default);

/// One can encode a chunk while the other serves connections.
const THREADS: usize = 2;
/// How long a delivery may go on when Fluent Bit ends: requests on their way are mostly answered by
/// then, and what they delivered is not sent again.
const CLOSING_TIME: Duration = Duration::from_secs(1);
const NO_PERMIT: LogKey<'_> = LogKey {
    what: "no permit",
    part: "",
    unit: "chunks",
};
/// The host waits in exit: jobs that do not end are left behind.
const LAST_CALL: Duration = Duration::from_secs(1);
