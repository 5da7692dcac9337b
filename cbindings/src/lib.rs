//! Fluent Bit's output-plugin ABI (the "Go proxy" one). This crate and `json-escape` are the only ones
//! with `unsafe` code.
//!
//! A plugin implements [`Output`] in safe code and names itself once with [`export!`]. What the
//! host promises and what it gets is written in `include/fluent_bit_proxy.h`. Three things are
//! settled here for good:
//!
//! * Fluent Bit calls flush on a coroutine stack of 24 KiB without a guard page, so a flush is
//!   handed to the plugin's own threads as a [`Flush`], and the coroutine yields until it is answered
//!   (`engine`);
//! * a panic never crosses the boundary, it becomes a verdict;
//! * the host's log belongs to the host's threads, so lines of ours travel back to one of them.

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
    /// The name a configuration uses (`Name cloudwatch`).
    const NAME: &'static CStr;
    /// One line for the host's help.
    const DESCRIPTION: &'static CStr;

    /// Opens an instance; `None` stops the host's start. The reasons have been logged by then.
    ///
    /// Runs on the host's main thread: no network, no long work.
    fn open(settings: &Settings, log: &Log) -> Option<Self>;

    /// Takes a flush over.
    ///
    /// Runs on the host's small stack: hand `flush` to a thread of the plugin and return. The host
    /// is answered when `flush` is dropped. When it ends, it asks for its chunks by
    /// [`Flush::cancellation`] and waits for each to be dropped.
    fn flush(&self, flush: Flush);

    /// How many worker threads Fluent Bit should call flush on, where flushes cannot yield; 0 for those
    /// that the section's `workers` asks for, if it does.
    fn worker_threads(&self) -> u32 {
        0
    }

    /// What the host's metrics endpoint shows of the instance; asked for once, after it is open.
    fn metrics(&self) -> Option<Arc<dyn Metrics>> {
        None
    }

    /// Told once, after the instance is open, whether the host shows its [`Output::metrics`].
    fn metrics_are_shown(&self, shown: bool) {
        let _ = shown;
    }

    /// Closes the instance: no flush of it is under way and none will come.
    fn close(self);
}
