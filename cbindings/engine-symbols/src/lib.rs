//! `libengine_symbols.so`: the functions of Fluent Bit's engine that plugins look up by name.
//!
//! Fluent Bit's executable exports them. A Rust executable exports no symbols, so the plugin host
//! (`cbindings::host`) loads this library into the global scope and binds each function to its own
//! implementation. A call of an unbound function ends the process.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Exports functions that call the functions bound to their names.
macro_rules! forward {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Safety
            ///
            /// As Fluent Bit's function of this name.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                let bound = slots::$name.load(Ordering::Acquire);
                assert!(!bound.is_null(), concat!(stringify!($name), " is not bound"));
                type Function = unsafe extern "C" fn($($type),*) $(-> $result)?;
                // SAFETY: bound to a function of this type by the promise of `bind_engine_symbol`.
                let function = unsafe { std::mem::transmute::<*mut c_void, Function>(bound) };
                // SAFETY: the caller's promise.
                unsafe { function($($argument),*) }
            }
        )*

        #[expect(non_upper_case_globals, reason = "a slot has the name of its function")]
        mod slots {
            use super::*;
            $(pub(super) static $name: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());)*
        }

        fn slot(name: &CStr) -> Option<&'static AtomicPtr<c_void>> {
            $(if name.to_bytes() == stringify!($name).as_bytes() {
                return Some(&slots::$name);
            })*
            None
        }
    };
}

forward! {
    /// The coroutine that this thread resumed last.
    fn flb_coro_get() -> *mut c_void;
    /// Sets the coroutine that this thread resumes.
    fn flb_coro_set(coro: *mut c_void);
    /// The context that runs on this thread.
    fn co_active() -> *mut c_void;
    /// Switches to another context.
    fn co_switch(context: *mut c_void);
    /// The scheduler of this thread's event loop.
    fn flb_sched_ctx_get() -> *mut c_void;
    /// Creates a timer.
    fn flb_sched_timer_cb_create(
        scheduler: *mut c_void,
        kind: c_int,
        milliseconds: c_int,
        callback: *mut c_void,
        data: *mut c_void,
        timer: *mut *mut c_void
    ) -> c_int;
    /// Closes a timer.
    fn flb_sched_timer_invalidate(timer: *mut c_void);
    /// The name of an output instance.
    fn flb_output_name(instance: *mut c_void) -> *const c_char;
    /// Sets an option of an output instance.
    fn flb_output_set_property(
        instance: *mut c_void,
        key: *const c_char,
        value: *const c_char
    ) -> c_int;
    /// Starts the worker threads of an output instance.
    fn flb_output_enable_multi_threading(instance: *mut c_void, config: *mut c_void) -> c_int;
}

/// Binds the exported function of a name; returns 0, or -1 if there is no such function.
///
/// # Safety
///
/// `name` ends in NUL; `function` is a function of the type that is declared for it above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bind_engine_symbol(name: *const c_char, function: *mut c_void) -> c_int {
    // SAFETY: ends in NUL by this function's promise.
    let name = unsafe { CStr::from_ptr(name) };
    let Some(slot) = slot(name) else { return -1 };
    slot.store(function, Ordering::Release);
    0
}
