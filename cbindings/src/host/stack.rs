//! Calls on a small stack of their own, as a coroutine library makes them.
//!
//! The thread stays the same, only its stack pointer moves, so that thread-locals are the calling
//! thread's and take no room of the small stack. libco, which Fluent Bit uses, does it in
//! assembly; `makecontext` is the C library's way to the same end.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::{io, ptr, slice};

use libc::ucontext_t;

use super::mapping::{Mapping, page_size};

/// Calls on a new stack of `size` bytes and tells how many of them were used.
///
/// Below the stack is a guard page: what needs more than `size` ends the process with SIGSEGV.
/// A panic of `call` ends it too.
pub(super) fn call_on<T>(size: usize, call: impl FnOnce() -> T) -> (T, usize) {
    let stack = Stack::painted(size);
    let mut call = Some(call);
    let mut result = None;
    stack.run(&mut || result = call.take().map(|call| call()));
    (
        result.expect("a context that came back has called"),
        stack.used(),
    )
}

struct Stack {
    mapping: Mapping,
    size: usize,
}

impl Stack {
    fn painted(size: usize) -> Self {
        let size = size.next_multiple_of(page_size());
        let mapping = Mapping::new(page_size() + size);
        mapping.forbid_page(0);
        let stack = Self { mapping, size };
        // SAFETY: the pages above the guard are this stack's, and nothing runs there yet.
        unsafe { ptr::write_bytes(stack.lowest(), PAINT, size) };
        stack
    }

    fn run(&self, mut body: &mut dyn FnMut()) {
        let mut here = MaybeUninit::<ucontext_t>::zeroed();
        let mut there = MaybeUninit::<ucontext_t>::zeroed();
        // SAFETY: room for a context; it is made runnable by `makecontext` below.
        let failed = unsafe { libc::getcontext(there.as_mut_ptr()) };
        assert_eq!(failed, 0, "getcontext: {}", io::Error::last_os_error());
        // SAFETY: zeroed, which is a value of this plain structure, and filled by `getcontext`.
        let context = unsafe { there.assume_init_mut() };
        context.uc_stack.ss_sp = self.lowest().cast();
        context.uc_stack.ss_size = self.size;
        context.uc_link = here.as_mut_ptr();
        // SAFETY: a context from `getcontext` with a stack that lives until this returns.
        unsafe { libc::makecontext(context, enter, 0) };
        BODY.set((&raw mut body).cast());
        // SAFETY: `there` starts in `enter` and, when that returns, goes on at `here`.
        let failed = unsafe { libc::swapcontext(here.as_mut_ptr(), context) };
        assert_eq!(failed, 0, "swapcontext: {}", io::Error::last_os_error());
    }

    fn used(&self) -> usize {
        // SAFETY: the whole stack was painted, and nothing runs on it any more.
        let bytes = unsafe { slice::from_raw_parts(self.lowest(), self.size) };
        // Block by block, which is one comparison of memory each, then byte by byte.
        let blocks = bytes
            .chunks(BLOCK)
            .take_while(|block| **block == [PAINT; BLOCK])
            .count();
        let rest = &bytes[blocks * BLOCK..];
        rest.len() - rest.iter().take_while(|&&byte| byte == PAINT).count()
    }

    fn lowest(&self) -> *mut u8 {
        self.mapping.at(page_size())
    }
}

extern "C" fn enter() {
    let body = BODY.take().cast::<&mut dyn FnMut()>();
    // SAFETY: `run` set it just now on this thread and waits, with the closure alive.
    let body = unsafe { &mut *body };
    body();
}

thread_local! {
    static BODY: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
}

/// An unlikely byte of a used stack.
const PAINT: u8 = 0xa5;

/// A divisor of the page size.
const BLOCK: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_used_is_what_the_call_needs() {
        let (sum, used) = call_on(24 * 1024, || {
            let block = std::hint::black_box([1u8; 8 * 1024]);
            block.iter().map(|&byte| usize::from(byte)).sum::<usize>()
        });
        assert_eq!(sum, 8 * 1024);
        assert!((8 * 1024..24 * 1024).contains(&used), "{used} bytes");
    }

    #[test]
    fn the_call_runs_on_the_callers_thread_and_elsewhere_in_memory() {
        let outside = std::thread::current().id();
        let here = &raw const outside as usize;
        let ((inside, there), _) = call_on(24 * 1024, || {
            let inside = std::thread::current().id();
            let there = &raw const inside as usize;
            (inside, there)
        });
        assert_eq!(inside, outside);
        assert!(here.abs_diff(there) > 24 * 1024);
    }
}
