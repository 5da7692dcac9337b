//! Starts worker threads for an instance if its flushes cannot yield, and logs which threads are used.

use std::ffi::c_void;
use std::sync::{Arc, Once};

use crate::engine::Functions;
use crate::engine::worker_pool::{self, Started};
use crate::flush::Flush;
use crate::host_api;
use crate::log_queue::{Log, LogQueue};

/// The threads of one instance's flushes.
#[derive(Debug)]
pub(crate) struct Workers {
    number: usize,
    /// Fluent Bit's output instance; valid until the instance's exit.
    instance: *mut c_void,
    /// Threads to start where flushes cannot yield.
    count: u32,
    described: Once,
    fallback: Once,
}

// SAFETY: the pointer is only used in init, and on the engine's thread in a flush of the instance.
unsafe impl Send for Workers {}
// SAFETY: as above; the rest may be shared.
unsafe impl Sync for Workers {}

impl Workers {
    /// The threads of an instance. Starts worker threads if Fluent Bit does not export the functions that
    /// yielding needs.
    ///
    /// # Safety
    ///
    /// `instance` is Fluent Bit's output instance of this number, in its init; it is valid until its exit.
    pub(crate) unsafe fn new(
        number: usize,
        instance: *mut c_void,
        count: u32,
        queue: &Arc<LogQueue>,
    ) -> Self {
        let workers = Self {
            number,
            instance,
            count,
            described: Once::new(),
            fallback: Once::new(),
        };
        if Functions::find().is_none() {
            workers.start(queue, true);
        }
        workers
    }

    /// Called for each flush. Logs how flushes run, once, and starts worker threads for the next flushes
    /// if this one blocks the engine.
    pub(crate) fn note_flush(&self, flush: &Flush, queue: &Arc<LogQueue>) {
        if flush.blocks_the_engine() {
            self.start(queue, false);
        }
        self.described.call_once(|| {
            let log = Log::new(queue.clone());
            log.debug(format_args!("{}", mode_of(flush)));
            if let Some(warning) = warning_of(flush) {
                log.warn(format_args!("{warning}"));
            }
        });
    }

    fn start(&self, queue: &Arc<LogQueue>, in_init: bool) {
        if self.count == 0 {
            return;
        }
        self.fallback.call_once(|| {
            // SAFETY: in init, or on the engine's thread in a flush of the instance.
            let started = unsafe { worker_pool::start(self.number, self.instance, self.count, in_init) };
            if started == Started::Unsupported {
                Log::new(queue.clone()).warn(format_args!(
                    "this Fluent Bit cannot start worker threads for this output: set `workers {}` in this section",
                    self.count
                ));
            }
        });
    }
}

fn mode_of(flush: &Flush) -> &'static str {
    match (flush.yields, flush.on_engine_thread) {
        (true, true) => "flushes yield on the engine's thread while they wait",
        (true, false) => "flushes yield on worker threads (`workers`) while they wait",
        (false, true) => "flushes block the engine's thread while they wait",
        (false, false) => "flushes block worker threads while they wait",
    }
}

/// A warning about the threads, if the user should change the configuration.
fn warning_of(flush: &Flush) -> Option<&'static str> {
    if flush.blocks_the_engine() {
        return Some(
            "Fluent Bit stands still while this flush waits for its answer, as it cannot yield here; `concurrency` above 0 starts worker threads for the next flushes",
        );
    }
    (flush.yields && !flush.on_engine_thread && host_api::hot_reload()).then_some(
        "hot reload is on, and Fluent Bit 2.2.0 to 5.1.1 start the threads of `workers` twice for a plugin that is loaded by `-e`, which ends it on a later reload: remove `workers` from this section, flushes do not need it",
    )
}
