//! The coroutine that a flush runs in: yielding it, and resuming it from the event loop.
//!
//! In every version that `engine` names, `struct flb_coro` has two adjacent libco contexts: `caller`,
//! which is resumed when the coroutine yields, and `callee`, the coroutine itself. `data` follows. Builds
//! with valgrind's headers have an id before them, which takes one slot because of alignment. So `callee`
//! is the second or the third slot: the one that equals the context that runs now.

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
    /// The coroutine of the calling flush; `None` when its layout is unknown.
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
            // SAFETY: a coroutine of Fluent Bit has three slots at least.
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

    /// Yields to the context that resumed this coroutine. Returns when the coroutine is resumed again.
    ///
    /// The coroutine's stack must hold no value that needs a drop: at shutdown Fluent Bit frees the stack
    /// of a waiting flush without resuming it.
    pub(crate) fn yield_now(self) {
        // SAFETY: the coroutine runs on this thread, so its structure is there.
        let caller = unsafe { *self.caller };
        // SAFETY: the context that resumed this coroutine waits in `co_switch` on this thread.
        unsafe { (self.functions.co_switch)(caller) };
    }

    /// Resumes the coroutine until it yields or ends. Called by the event loop of the thread it yielded on.
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

/// The possible slots of `callee`: the second, or the third after valgrind's id.
const CALLEE_SLOTS: [usize; 2] = [1, 2];
