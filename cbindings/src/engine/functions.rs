//! Functions of the engine that Fluent Bit's executable exports.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

use crate::host_api::symbol;

/// Coroutines and timers. Their declarations are equal in every version that `engine` names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Functions {
    /// `flb_coro_get`: the coroutine that this thread resumed last (`struct flb_coro *`).
    pub(super) coro_get: unsafe extern "C" fn() -> *mut c_void,
    /// `flb_coro_set`: sets the coroutine that this thread resumes.
    pub(super) coro_set: unsafe extern "C" fn(*mut c_void),
    /// `co_active`: the libco context that runs on this thread.
    pub(super) co_active: unsafe extern "C" fn() -> *mut c_void,
    /// `co_switch`: switches to another libco context.
    pub(super) co_switch: unsafe extern "C" fn(*mut c_void),
    /// Timers of this thread's event loop.
    pub(super) timers: TimerFunctions,
}

/// Timers of an event loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerFunctions {
    /// `flb_sched_ctx_get`: the scheduler of this thread's event loop.
    pub(super) scheduler: unsafe extern "C" fn() -> *mut c_void,
    /// `flb_sched_timer_cb_create`: scheduler, kind, milliseconds, callback, its data, the new timer.
    pub(super) create: unsafe extern "C" fn(
        *mut c_void,
        c_int,
        c_int,
        TimerCallback,
        *mut c_void,
        *mut *mut c_void,
    ) -> c_int,
    /// `flb_sched_timer_invalidate`: closes a timer; the event loop frees it at the end of its turn.
    pub(super) invalidate: unsafe extern "C" fn(*mut c_void),
}

/// The callback of a timer. Arguments: `struct flb_config *`, and the data of the timer.
pub(super) type TimerCallback = unsafe extern "C" fn(*mut c_void, *mut c_void);

impl Functions {
    /// The functions; `None` if Fluent Bit does not export all of them.
    pub(crate) fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Functions>> = OnceLock::new();
        FOUND.get_or_init(Self::look_up).as_ref()
    }

    fn look_up() -> Option<Self> {
        Some(Self {
            // SAFETY: this symbol's declaration in `flb_coro.h`.
            coro_get: unsafe { function(c"flb_coro_get") }?,
            // SAFETY: as above.
            coro_set: unsafe { function(c"flb_coro_set") }?,
            // SAFETY: this symbol's declaration in `libco.h`.
            co_active: unsafe { function(c"co_active") }?,
            // SAFETY: as above.
            co_switch: unsafe { function(c"co_switch") }?,
            timers: TimerFunctions::look_up()?,
        })
    }
}

impl TimerFunctions {
    pub(super) fn look_up() -> Option<Self> {
        Some(Self {
            // SAFETY: this symbol's declaration in `flb_scheduler.h`.
            scheduler: unsafe { function(c"flb_sched_ctx_get") }?,
            // SAFETY: as above.
            create: unsafe { function(c"flb_sched_timer_cb_create") }?,
            // SAFETY: as above.
            invalidate: unsafe { function(c"flb_sched_timer_invalidate") }?,
        })
    }
}

/// Looks up a function that the executable exports.
///
/// # Safety
///
/// `F` is a function pointer, of the type that the symbol is declared with.
pub(super) unsafe fn function<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    let found = symbol(name)?;
    // SAFETY: a function of type `F` by this function's promise; the sizes are equal.
    Some(unsafe { std::mem::transmute_copy::<*mut c_void, F>(&found) })
}
