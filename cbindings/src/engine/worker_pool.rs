//! Worker threads for an output whose flushes cannot yield.
//!
//! `workers` set while a section opens makes Fluent Bit 2.2.0 to 5.1.1 start the threads of a plugin
//! like ours twice; the first ones leak, and their timers read freed memory after a hot reload. So there
//! the threads are started once, later: by a timer's callback, which is given the configuration that
//! `flb_output_enable_multi_threading` takes. Earlier versions start them once by themselves.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use super::functions::{TimerFunctions, function};
use super::timer;
use crate::host_api::has_log_functions;

/// How the worker threads of an instance are started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Started {
    /// Fluent Bit starts them after the section's init.
    ByFluentBit,
    /// The event loop starts them at its first turn.
    Soon,
    /// This Fluent Bit has no way to start them.
    No,
}

/// Has so many worker threads started for an instance.
///
/// # Safety
///
/// `instance` is Fluent Bit's output instance of this number, `in_init` or in a flush of it on the
/// engine's thread.
pub(crate) unsafe fn start(
    number: usize,
    instance: *mut c_void,
    workers: u32,
    in_init: bool,
) -> Started {
    if in_init && !has_log_functions() {
        // SAFETY: the instance in its init, by this function's promise.
        let set = unsafe { set_workers(instance, workers) };
        return if set {
            Started::ByFluentBit
        } else {
            Started::No
        };
    }
    // SAFETY: as above; what a section says itself must not start threads as well.
    if !unsafe { set_workers(instance, 0) } {
        return Started::No;
    }
    let Some(functions) = TimerFunctions::look_up() else {
        return Started::No;
    };
    lock().push(Pool {
        number,
        instance,
        workers,
    });
    let data = ptr::without_provenance_mut(number);
    match timer::call_soon(functions, on_event_loop, data) {
        Some(()) => Started::Soon,
        None => {
            forget(number);
            Started::No
        }
    }
}

/// Forgets an instance whose threads were to be started: it ends.
pub(crate) fn forget(number: usize) {
    lock().retain(|pool| pool.number != number);
}

/// Threads that are started by the event loop.
struct Pool {
    number: usize,
    instance: *mut c_void,
    workers: u32,
}

// SAFETY: the pointer is only used on the engine's thread, while the instance is open.
unsafe impl Send for Pool {}

/// Called by the timer, with the configuration and the instance's number.
unsafe extern "C" fn on_event_loop(config: *mut c_void, data: *mut c_void) {
    let mut pools = lock();
    let Some(at) = pools.iter().position(|pool| pool.number == data.addr()) else {
        return;
    };
    let Pool {
        instance, workers, ..
    } = pools.swap_remove(at);
    drop(pools);
    // SAFETY: this symbol's declaration in `flb_output.h`.
    let enable: Option<EnableMultiThreading> =
        unsafe { function(c"flb_output_enable_multi_threading") };
    let Some(enable) = enable else { return };
    // SAFETY: the instance has not ended, as its end would have taken the entry out.
    if unsafe { set_workers(instance, workers) } {
        // SAFETY: as above, on the engine's thread, with the engine's configuration.
        unsafe { enable(instance, config) };
    }
}

/// # Safety
///
/// `instance` is Fluent Bit's output instance.
unsafe fn set_workers(instance: *mut c_void, count: u32) -> bool {
    // SAFETY: this symbol's declaration in `flb_output.h`.
    let set_property: Option<SetProperty> = unsafe { function(c"flb_output_set_property") };
    let (Some(set_property), Ok(value)) = (set_property, CString::new(count.to_string())) else {
        return false;
    };
    const WORKERS: &CStr = c"workers";
    // SAFETY: the instance, by promise; both strings end in NUL and are copied.
    unsafe { set_property(instance, WORKERS.as_ptr(), value.as_ptr()) == 0 }
}

fn lock() -> std::sync::MutexGuard<'static, Vec<Pool>> {
    SOON.lock().unwrap_or_else(PoisonError::into_inner)
}

static SOON: Mutex<Vec<Pool>> = Mutex::new(Vec::new());

type EnableMultiThreading = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
type SetProperty = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> c_int;
