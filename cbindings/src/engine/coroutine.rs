//! The coroutine that a flush runs in: yielding it, and resuming it from the event loop.
//!
//! `struct flb_coro` has, in every version that `engine` names, two libco contexts one after the
//! other: `caller`, which is resumed when the coroutine yields, and `callee`, the coroutine's own.
//! Builds with valgrind's headers have a number in front of them, which takes a slot of its own by
//! alignment; `data` follows. So one of the second and third slots is `callee`: the one that holds the
//! context that runs now.

use std::ffi::c_void;

use super::functions::Functions;

/// The coroutine of a flush.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coroutine {
    functions: &'static Functions,
    /// `struct flb_coro *`.
    coro: *mut c_void,
    /// `coro->caller`.
    caller: *mut *mut c_void,
    /// `coro->callee`.
    callee: *mut c_void,
}

impl Coroutine {
    /// The coroutine that the calling flush runs in; `None` when it cannot be recognised.
    pub(crate) fn current(functions: &'static Functions) -> Option<Self> {
        // SAFETY: reads a thread-local of Fluent Bit's.
        let coro = unsafe { (functions.coro_get)() };
        // SAFETY: as above.
        let active = unsafe { (functions.co_active)() };
        if coro.is_null() || active.is_null() {
            return None;
        }
        let slots = coro.cast::<*mut c_void>();
        let is_callee = |slot: &usize| {
            // SAFETY: a coroutine of Fluent Bit's has three slots at least.
            let slot = unsafe { slots.add(*slot) };
            // SAFETY: as above; only this thread writes them.
            ptr_at(unsafe { &*slot }) == active
        };
        let callee_slot = CALLEE_SLOTS.into_iter().find(is_callee)?;
        Some(Self {
            functions,
            coro,
            // SAFETY: the slot before one of the second and third.
            caller: unsafe { slots.add(callee_slot - 1) },
            callee: active,
        })
    }

    /// Goes on where this coroutine was resumed, until it is resumed again.
    ///
    /// Nothing that must be dropped may be left on the coroutine's stack: Fluent Bit frees the stack of
    /// a flush that waits when it ends.
    pub(crate) fn yield_now(self) {
        // SAFETY: the coroutine runs on this thread, so its structure is there.
        let caller = unsafe { *self.caller };
        // SAFETY: the context that resumed this coroutine waits in `co_switch` on this thread.
        unsafe { (self.functions.co_switch)(caller) };
    }

    /// Resumes the coroutine until it yields or ends; for the event loop of the thread it yielded on.
    ///
    /// # Safety
    ///
    /// The coroutine yielded on this thread and has not been resumed or freed since.
    pub(crate) unsafe fn resume(self) {
        // SAFETY: a coroutine of this thread.
        unsafe { (self.functions.coro_set)(self.coro) };
        // SAFETY: reads a thread-local of Fluent Bit's.
        let here = unsafe { (self.functions.co_active)() };
        // SAFETY: the coroutine has not been freed, by this function's promise.
        unsafe { *self.caller = here };
        // SAFETY: it waits in `co_switch` on this thread, by this function's promise.
        unsafe { (self.functions.co_switch)(self.callee) };
    }
}

fn ptr_at(slot: &*mut c_void) -> *mut c_void {
    *slot
}

/// Where `callee` may be: in the second slot, or behind valgrind's number in the third.
const CALLEE_SLOTS: [usize; 2] = [1, 2];
