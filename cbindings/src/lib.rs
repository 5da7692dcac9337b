//! Fluent Bit's output-plugin ABI (the "Go proxy" one). This crate and `json-escape` are the only ones
//! with `unsafe` code.
//!
//! A plugin implements [`Output`] in safe code and is exported with [`export!`]. The contract between
//! Fluent Bit and the plugin is written in `include/fluent_bit_proxy.h`. This crate guarantees:
//!
//! * Fluent Bit calls flush on a coroutine stack of 24 KiB without a guard page. The flush is passed to
//!   the plugin's own threads as a [`Flush`], and the coroutine yields until it is answered (`engine`).
//! * A panic never crosses the ABI: it becomes a verdict.
//! * Fluent Bit's log functions are called on Fluent Bit's threads only: log lines of other threads are
//!   queued for them.

pub mod abi;
mod cmetrics;
mod early_log;
mod engine;
mod entry_points;
mod export;
mod flush;
mod host_api;
mod level;
pub mod line;
mod log_queue;
mod metric_types;
mod metrics;
mod panic_hook;
pub mod process_group;
mod workers;

#[cfg(feature = "host")]
pub mod host;

pub use entry_points::{exit, flush, init, pre_register, pre_run, register};
pub use flush::{Cancellation, Flush, OnOutcome, Outcome, Verdict};
pub use host_api::{Settings, hot_reload};
pub use level::Level;
pub use log_queue::Log;
pub use metric_types::{Family, Kind, PREFIX, Value};
pub use metrics::Metrics;
pub use panic_hook::last_panic;

use std::ffi::CStr;
use std::sync::Arc;

/// An output plugin: one value per `[OUTPUT]` section.
pub trait Output: Send + Sync + Sized + 'static {
    /// The name in a configuration (`Name cloudwatch`).
    const NAME: &'static CStr;
    /// One line for the output of `fluent-bit --help`.
    const DESCRIPTION: &'static CStr;

    /// Opens an instance. `None` stops Fluent Bit's start; the plugin has logged the reasons.
    ///
    /// Runs on Fluent Bit's main thread, so it must not use the network or take long.
    fn open(settings: &Settings, log: &Log) -> Option<Self>;

    /// Begins a flush.
    ///
    /// Runs on the coroutine stack of 24 KiB, so it must pass `flush` to a thread of the plugin and return.
    /// Dropping `flush` answers Fluent Bit. When Fluent Bit shuts down, it cancels each flush
    /// ([`Flush::cancellation`]) and waits until it is dropped.
    fn flush(&self, flush: Flush);

    /// The number of Fluent Bit's worker threads to start if flushes cannot yield; 0 leaves it to the
    /// section's `workers`.
    fn worker_threads(&self) -> u32 {
        0
    }

    /// The metrics of the instance for Fluent Bit's metrics endpoint. Called once, after it is open.
    fn metrics(&self) -> Option<Arc<dyn Metrics>> {
        None
    }

    /// Called once after the instance is open: whether Fluent Bit exports its [`Output::metrics`].
    fn metrics_are_shown(&self, shown: bool) {
        let _ = shown;
    }

    /// Closes the instance. No flush of it is in progress, and none follows.
    fn close(self);
}
