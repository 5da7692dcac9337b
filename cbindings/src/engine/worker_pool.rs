//! Worker threads for an output whose flushes cannot yield.
//!
//! If `workers` is set while a section opens, Fluent Bit 2.2.0 to 5.1.1 starts the threads of a Go-proxy
//! plugin twice. The first threads leak, and their timers read freed memory after a hot reload. So with
//! these versions a timer callback starts the threads once, after init; the callback gets the
//! configuration that `flb_output_enable_multi_threading` needs. Earlier versions start the threads once.

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
    /// A timer callback starts them in the first iteration of the event loop.
    ByTimer,
    /// This Fluent Bit cannot start them.
    Unsupported,
}

/// Starts `workers` worker threads for an instance.
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
            Started::Unsupported
        };
    }
    // SAFETY: as above. The section's own `workers` must not start threads in addition.
    if !unsafe { set_workers(instance, 0) } {
        return Started::Unsupported;
    }
    let Some(functions) = TimerFunctions::look_up() else {
        return Started::Unsupported;
    };
    lock().push(Pool {
        number,
        instance,
        workers,
    });
    let data = ptr::without_provenance_mut(number);
    match timer::call_soon(functions, start_pool, data) {
        Some(()) => Started::ByTimer,
        None => {
            forget(number);
            Started::Unsupported
        }
    }
}

/// Removes an instance that closes before its threads were started.
pub(crate) fn forget(number: usize) {
    lock().retain(|pool| pool.number != number);
}

/// Threads that the timer callback will start.
struct Pool {
    number: usize,
    instance: *mut c_void,
    workers: u32,
}

// SAFETY: the pointer is only used on the engine's thread, while the instance is open.
unsafe impl Send for Pool {}

/// The timer callback; its arguments are the configuration and the instance's number.
unsafe extern "C" fn start_pool(config: *mut c_void, data: *mut c_void) {
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
    // SAFETY: the instance is open, as its exit removes the entry.
    if unsafe { set_workers(instance, workers) } {
        // SAFETY: as above, on the engine's thread, with the engine's configuration.
        unsafe { enable(instance, config) };
    }
}

/// Sets the option `workers` of an instance; returns whether that succeeded.
///
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
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

static PENDING: Mutex<Vec<Pool>> = Mutex::new(Vec::new());

type EnableMultiThreading = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
type SetProperty = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> c_int;
