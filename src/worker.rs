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

use cbindings::{Flush, Log, Verdict};
use once_cell::sync::Lazy;
use tokio::runtime::{Builder, Runtime};

/// A share in the plugin's threads; the last one dropped ends them.
#[derive(Clone, Debug)]
pub struct Worker(Arc<Threads>);

impl Worker {
    /// Takes a share, starting the threads if this is the first.
    ///
    /// # Errors
    ///
    /// When the system gives no threads.
    pub fn share() -> io::Result<Self> {
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

    /// Delivers a flush on the plugin's threads; a panic there is a retry and a line in the log.
    ///
    /// Takes a closure as [`Worker::spawn`] does.
    pub fn deliver<F>(
        &self,
        flush: Flush,
        log: Log,
        job: impl FnOnce(Arc<Flush>) -> F + Send + 'static,
    ) where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let Some(runtime) = &self.0.0 else { return };
        let begin: Begin<Arc<Flush>, Verdict> = Box::new(|flush| Box::pin(job(flush)));
        runtime.spawn(async move {
            let flush = Arc::new(flush);
            let job = tokio::spawn(begin(flush.clone()));
            match job.await {
                Ok(verdict) => flush.settle(verdict),
                Err(_) => log.warn(format_args!(
                    "{}; the chunk is kept for a retry",
                    cbindings::last_panic()
                )),
            }
        });
    }
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
/// The host waits in exit: jobs that do not end are left behind.
const LAST_CALL: Duration = Duration::from_secs(1);
