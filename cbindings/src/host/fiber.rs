//! Reports stack switches to the thread sanitizer, if the process has one.

use std::ffi::{CStr, c_uint, c_void};
use std::ptr;

/// A stack in the thread sanitizer (a fiber); null without a sanitizer.
pub(super) struct Fiber {
    fiber: *mut c_void,
    is_own: bool,
}

impl Fiber {
    /// The fiber of a new stack.
    pub(super) fn new() -> Self {
        let Some(create) = symbol(c"__tsan_create_fiber") else {
            return Self::none();
        };
        // SAFETY: this symbol's declaration in `sanitizer/tsan_interface.h`.
        let create: unsafe extern "C" fn(c_uint) -> *mut c_void =
            unsafe { std::mem::transmute(create) };
        // SAFETY: no condition.
        let fiber = unsafe { create(0) };
        Self {
            fiber,
            is_own: true,
        }
    }

    /// The fiber of the current stack.
    pub(super) fn current() -> Self {
        let Some(current) = symbol(c"__tsan_get_current_fiber") else {
            return Self::none();
        };
        // SAFETY: this symbol's declaration in `sanitizer/tsan_interface.h`.
        let current: unsafe extern "C" fn() -> *mut c_void =
            unsafe { std::mem::transmute(current) };
        // SAFETY: no condition.
        let fiber = unsafe { current() };
        Self {
            fiber,
            is_own: false,
        }
    }

    /// Reports that the thread switches to this stack next.
    ///
    /// The thread sanitizer counts calls and returns for each stack. Inlined, so that no return of this
    /// function is counted on a stack on which it was not called.
    #[inline(always)]
    pub(super) fn enter(&self) {
        let Some(switch) = symbol(c"__tsan_switch_to_fiber") else {
            return;
        };
        // SAFETY: this symbol's declaration in `sanitizer/tsan_interface.h`.
        let switch: unsafe extern "C" fn(*mut c_void, c_uint) =
            unsafe { std::mem::transmute(switch) };
        // SAFETY: a stack that has not been destroyed.
        unsafe { switch(self.fiber, 0) };
    }

    fn none() -> Self {
        Self {
            fiber: ptr::null_mut(),
            is_own: false,
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        let Some(destroy) = self
            .is_own
            .then(|| symbol(c"__tsan_destroy_fiber"))
            .flatten()
        else {
            return;
        };
        // SAFETY: this symbol's declaration in `sanitizer/tsan_interface.h`.
        let destroy: unsafe extern "C" fn(*mut c_void) = unsafe { std::mem::transmute(destroy) };
        // SAFETY: made by `new`, destroyed once, and no thread runs on it.
        unsafe { destroy(self.fiber) };
    }
}

fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: a look-up by a NUL-terminated name in what is loaded.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}
