//! Coroutines as in libco and Fluent Bit: contexts with their own stacks on one thread.
//!
//! Only the stack pointer changes and not the thread, so thread-locals are shared and use no space of the
//! small stack. libco is written in assembly; this module uses `makecontext` of the C library.

use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_uint, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::{io, ptr};

use libc::ucontext_t;

use super::fiber::Fiber;
use super::journal::{self, Journal};
use super::stack::Stack;

/// `struct flb_coro`, in a build without valgrind's headers.
#[repr(C)]
struct Coro {
    caller: *mut Context,
    callee: *mut Context,
    data: *mut c_void,
}

/// `struct flb_coro` in a build with valgrind's headers.
#[repr(C)]
struct CoroWithId {
    valgrind_stack_id: c_uint,
    coro: Coro,
}

/// The layout of `struct flb_coro`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Layout {
    /// As in the published builds of Fluent Bit.
    #[default]
    Plain,
    /// With an id in front, as in builds with valgrind's headers.
    WithValgrindId,
    /// A layout that plugins do not know: flushes cannot yield.
    Unknown,
}

impl Layout {
    /// The layout that `PLUGIN_HOST_FLUSH` selects: with `threads`, every test runs with a Fluent Bit whose
    /// coroutine layout is unknown.
    ///
    /// # Panics
    ///
    /// With another value.
    #[must_use]
    pub fn of_environment() -> Self {
        match std::env::var("PLUGIN_HOST_FLUSH").as_deref() {
            Ok("threads") => Self::Unknown,
            Ok(other) => panic!("PLUGIN_HOST_FLUSH cannot be `{other}`"),
            Err(_) => Self::Plain,
        }
    }
}

/// A libco context ("cothread").
struct Context {
    registers: UnsafeCell<MaybeUninit<ucontext_t>>,
    /// The journal of the lines that are printed while it runs.
    journal: Option<Arc<Journal>>,
    /// Whose lines were written when it switched away. Not on its stack, which is freed as it is.
    outer: Cell<Option<Arc<Journal>>>,
    fiber: Fiber,
}

/// A call on its own stack, which may yield.
pub(super) struct Coroutine {
    memory: Box<CoroWithId>,
    layout: Layout,
    context: Box<Context>,
    stack: Stack,
    body: Box<Body>,
}

struct Body {
    /// Not on the stack of the coroutine, which may be freed in the middle of the call.
    call: Box<dyn FnMut()>,
    has_ended: Cell<bool>,
    coro: Cell<*mut Coro>,
}

impl Coroutine {
    /// Creates a coroutine that runs `call` when it is resumed, on a new stack of `size` bytes.
    pub(super) fn new(
        layout: Layout,
        size: usize,
        journal: Arc<Journal>,
        call: impl FnMut() + 'static,
    ) -> Self {
        let context = Box::new(Context {
            registers: UnsafeCell::new(MaybeUninit::zeroed()),
            journal: Some(journal),
            outer: Cell::default(),
            fiber: Fiber::new(),
        });
        let coro = Coro {
            caller: ptr::null_mut(),
            callee: ptr::from_ref(&*context).cast_mut(),
            data: ptr::null_mut(),
        };
        let mut memory = Box::new(CoroWithId {
            valgrind_stack_id: 7,
            coro,
        });
        if layout == Layout::Unknown {
            memory.coro.callee = ptr::null_mut();
        }
        let coroutine = Self {
            memory,
            layout,
            context,
            stack: Stack::painted(size),
            body: Box::new(Body {
                call: Box::new(call),
                has_ended: Cell::new(false),
                coro: Cell::new(ptr::null_mut()),
            }),
        };
        coroutine.prepare();
        coroutine
    }

    /// Resumes the coroutine until it yields or ends.
    pub(super) fn resume(&self) {
        BODY.set(ptr::from_ref(&*self.body).cast_mut());
        CURRENT.set(self.address());
        let coro = self.coro();
        self.body.coro.set(coro);
        // SAFETY: the coroutine's own structure; a plugin writes it only while it resumes it.
        unsafe { (*coro).caller = active() };
        switch(ptr::from_ref(&*self.context).cast_mut());
    }

    pub(super) fn has_ended(&self) -> bool {
        self.body.has_ended.get()
    }

    pub(super) fn stack_used(&self) -> usize {
        self.stack.used()
    }

    /// The pointer that `flb_coro_get` returns.
    fn address(&self) -> *mut c_void {
        let with_id = ptr::from_ref(&*self.memory).cast_mut();
        match self.layout {
            Layout::WithValgrindId => with_id.cast(),
            Layout::Plain | Layout::Unknown => self.coro().cast(),
        }
    }

    fn coro(&self) -> *mut Coro {
        ptr::from_ref(&self.memory.coro).cast_mut()
    }

    fn prepare(&self) {
        let registers = self.context.registers.get().cast::<ucontext_t>();
        // SAFETY: room for a context; it is made runnable by `makecontext` below.
        let failed = unsafe { libc::getcontext(registers) };
        assert_eq!(failed, 0, "getcontext: {}", io::Error::last_os_error());
        // SAFETY: zeroed, which is a value of this plain structure, and filled by `getcontext`.
        let context = unsafe { &mut *registers };
        context.uc_stack.ss_sp = self.stack.lowest().cast();
        context.uc_stack.ss_size = self.stack.size();
        context.uc_link = ptr::null_mut();
        // SAFETY: a context from `getcontext` with a stack that lives as long as the coroutine.
        unsafe { libc::makecontext(context, enter, 0) };
    }
}

/// The first function of a coroutine. It never returns, as it has no caller.
extern "C" fn enter() {
    let body = BODY.get();
    // SAFETY: `resume` set it just now on this thread, and the coroutine owns it.
    let call = unsafe { &mut (*body).call };
    call();
    // SAFETY: as above.
    let body = unsafe { &*body };
    body.has_ended.set(true);
    loop {
        // SAFETY: the coroutine's own structure.
        let caller = unsafe { (*body.coro.get()).caller };
        switch(caller);
    }
}

/// `co_active`.
pub(super) unsafe extern "C" fn co_active() -> *mut c_void {
    active().cast()
}

/// `co_switch`.
pub(super) unsafe extern "C" fn co_switch(context: *mut c_void) {
    switch(context.cast());
}

/// `flb_coro_get`.
pub(super) unsafe extern "C" fn flb_coro_get() -> *mut c_void {
    CURRENT.get()
}

/// `flb_coro_set`.
pub(super) unsafe extern "C" fn flb_coro_set(coro: *mut c_void) {
    CURRENT.set(coro);
}

fn active() -> *mut Context {
    let active = ACTIVE.get();
    if active.is_null() {
        let main = MAIN.with(|main| ptr::from_ref(main).cast_mut());
        ACTIVE.set(main);
        return main;
    }
    active
}

fn switch(to: *mut Context) {
    let from = active();
    ACTIVE.set(to);
    // SAFETY: a context of this thread that has been prepared or has switched away.
    let to = unsafe { &*to };
    // SAFETY: the context that runs now.
    let from = unsafe { &*from };
    from.outer.set(journal::set_current(to.journal.clone()));
    to.fiber.enter();
    // SAFETY: both are contexts of this thread, and `to` waits to go on.
    let failed =
        unsafe { libc::swapcontext(from.registers.get().cast(), to.registers.get().cast()) };
    assert_eq!(failed, 0, "swapcontext: {}", io::Error::last_os_error());
    journal::set_current(from.outer.take());
}

thread_local! {
    static MAIN: Context = Context {
        registers: UnsafeCell::new(MaybeUninit::zeroed()),
        journal: None,
        outer: Cell::default(),
        fiber: Fiber::current(),
    };
    static ACTIVE: Cell<*mut Context> = const { Cell::new(ptr::null_mut()) };
    static CURRENT: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
    static BODY: Cell<*mut Body> = const { Cell::new(ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coroutine(call: impl FnMut() + 'static) -> Coroutine {
        Coroutine::new(Layout::Plain, 24 * 1024, Arc::default(), call)
    }

    #[test]
    fn stack_used_is_the_stack_that_the_call_needs() {
        let called = coroutine(|| {
            let block = std::hint::black_box([1u8; 8 * 1024]);
            assert_eq!(
                block.iter().map(|&byte| usize::from(byte)).sum::<usize>(),
                8 * 1024
            );
        });
        called.resume();
        assert!(called.has_ended());
        let used = called.stack_used();
        assert!((8 * 1024..24 * 1024).contains(&used), "{used} bytes");
    }

    #[test]
    fn coroutines_resume_after_their_yields_in_any_order() {
        let steps = Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = |number: usize, step: usize, steps: &Arc<std::sync::Mutex<Vec<_>>>| {
            steps.lock().unwrap().push((number, step));
        };
        let made: Vec<_> = (0..3)
            .map(|number| {
                let steps = steps.clone();
                coroutine(move || {
                    for step in 0..2 {
                        note(number, step, &steps);
                        // SAFETY: the slot of the coroutine that runs.
                        let caller = unsafe { (*CURRENT.get().cast::<Coro>()).caller };
                        switch(caller);
                    }
                })
            })
            .collect();
        for number in [0, 1, 2, 2, 1, 0] {
            made[number].resume();
        }
        assert!(made.iter().all(|one| !one.has_ended()));
        made.iter().for_each(Coroutine::resume);
        assert!(made.iter().all(Coroutine::has_ended));
        let expected = [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)];
        assert_eq!(*steps.lock().unwrap(), expected);
    }
}
