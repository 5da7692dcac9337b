//! One output section: init, flushes, exit, all on the engine's thread or on worker threads.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::ThreadId;
use std::time::Duration;

use super::coroutine::Coroutine;
use super::event_loop;
use super::journal::{self, Journal, Line};
use super::library::Loaded;
use super::mapping::Loan;
use super::scheduler;
use super::section::Section;
use super::symbols::{OutputPlugin, ProxyContext};
use crate::abi::{Context, InitArguments};

/// An open instance. Dropping it calls the plugin's exit.
#[derive(Debug)]
pub struct Instance {
    open: Arc<Open>,
    exited: bool,
}

/// What the calls of an instance need.
#[derive(Debug)]
struct Open {
    loaded: Arc<Loaded>,
    section: Section,
    context: Loan,
    journal: Arc<Journal>,
    /// The owner number of its coroutines.
    number: usize,
}

impl Instance {
    pub(super) fn open(loaded: Arc<Loaded>, section: Section) -> Result<Self, Refused> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = loaded.next_name();
        section.set_name(&name);
        section.pool.set_count(section.workers());
        let open = Arc::new(Open {
            loaded,
            section,
            context: Loan::zeroed(mem::size_of::<ProxyContext>()),
            journal: Arc::default(),
            number: COUNT.fetch_add(1, Ordering::Relaxed),
        });
        open.section.pool.set_journal(&open.journal);
        let mut instance = Self {
            open,
            exited: false,
        };
        let code = instance.on_engine(move |open| {
            journal::register(&name, &open.journal);
            open.init()
        });
        if code <= 0 {
            let exit_code = instance.close();
            return Err(Refused {
                code,
                exit_code,
                lines: instance.lines(),
            });
        }
        instance.on_engine(|open| {
            let times = open.loaded.generation.pool_starts();
            let name = open.section.name().to_string_lossy();
            open.section.pool.start_after_init(&name, times);
            open.pre_run();
        });
        Ok(instance)
    }

    /// Flushes a chunk in a coroutine on its own small stack, and waits for the answer.
    ///
    /// Several threads may call this at the same time: flush is called for one after another, and the
    /// flushes wait concurrently. Chunk and tag are copies. Access beyond their end, or after the plugin
    /// has answered or its exit has returned, is a fault.
    #[must_use]
    pub fn flush(&self, tag: impl AsRef<[u8]>, chunk: impl AsRef<[u8]>) -> Flushed {
        self.begin_flush(tag, chunk).wait()
    }

    /// Begins a flush.
    #[must_use]
    pub fn begin_flush(&self, tag: impl AsRef<[u8]>, chunk: impl AsRef<[u8]>) -> Pending {
        let chunk_len = chunk.as_ref().len();
        let tag = Loan::of(&[tag.as_ref(), b"\0"].concat());
        self.start(Some((Loan::of(chunk.as_ref()), tag)), chunk_len)
    }

    /// Calls flush with null for the chunk and the tag.
    #[must_use]
    pub fn flush_null(&self) -> Flushed {
        self.start(None, 0).wait()
    }

    /// The thread that opened the section, whose event loop its flushes run in.
    #[must_use]
    pub fn engine_thread(&self) -> ThreadId {
        self.on_engine(|_| std::thread::current().id())
    }

    /// The number of timers in the engine's event loop.
    #[must_use]
    pub fn timer_count(&self) -> usize {
        self.on_engine(|_| scheduler::descriptors().len())
    }

    /// The number of worker threads of the section.
    #[must_use]
    pub fn worker_threads(&self) -> usize {
        self.open.section.pool.thread_count()
    }

    fn start(&self, loans: Option<(Loan, Loan)>, chunk_len: usize) -> Pending {
        let worker = self.open.section.pool.next();
        let (result, results) = mpsc::channel();
        // Owned by the `end` closure, so that it outlives the coroutine and is freed with it.
        let borrowed = Borrowed {
            loans,
            code: Box::new(Cell::new(ABANDONED)),
        };
        let call = Call {
            open: self.open.clone(),
            data: borrowed
                .loans
                .as_ref()
                .map_or(0, |(chunk, _)| chunk.address().expose_provenance()),
            tag: borrowed
                .loans
                .as_ref()
                .map_or(0, |(_, tag)| tag.address().expose_provenance()),
            len: chunk_len,
            code: ptr::from_ref(&*borrowed.code).expose_provenance(),
        };
        let make = move || call.coroutine();
        let end = move |coroutine: &Coroutine| {
            let stack_used = coroutine.stack_used();
            let code = borrowed.code.get();
            drop(borrowed);
            // A test that does not wait has dropped the receiver.
            let _ = result.send(Flushed { code, stack_used });
        };
        let event_loop = worker.as_deref().unwrap_or(self.open.loaded.engine());
        event_loop.start_coroutine(self.open.number, make, end);
        Pending(results)
    }

    /// The log lines of this instance so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.open.journal.lines()
    }

    /// Waits for a line that contains `part`; `None` after the timeout.
    #[must_use]
    pub fn wait_for_line(&self, part: &str, timeout: Duration) -> Option<Line> {
        self.open.journal.wait_for(part, timeout)
    }

    /// The option keys that the plugin has read.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<String> {
        self.open.section.asked()
    }

    /// Calls the plugin's exit. Flushes without an answer are never resumed, and their chunks are freed
    /// when exit returns.
    #[must_use]
    pub fn exit(mut self) -> Exited {
        let code = self.close();
        Exited {
            code,
            lines: self.lines(),
        }
    }

    /// Calls the plugin's exit as Fluent Bit before 2.1 does for the section opened last: once for each
    /// section of the plugin, the first time while worker threads of this section still run.
    #[must_use]
    pub fn exit_too_early(&self) -> c_int {
        self.on_engine(|open| open.exit())
    }

    /// Frees the flushes of a section whose exit is never called, as an old Fluent Bit does at shutdown.
    pub fn abandon_flushes(&self) {
        self.on_engine(|open| event_loop::abandon(open.number));
    }

    fn close(&mut self) -> c_int {
        self.exited = true;
        // As in Fluent Bit, the worker threads end first, after all of their flushes are answered.
        self.on_engine(|open| {
            open.section.pool.end();
            open.pre_exit();
            open.exit()
        })
    }

    fn on_engine<T: Send + 'static>(&self, call: impl FnOnce(&Open) -> T + Send + 'static) -> T {
        let open = self.open.clone();
        self.open.loaded.engine().call(move || call(&open))
    }
}

impl Open {
    fn init(&self) -> c_int {
        let name = self.loaded.name();
        let loan = Loan::zeroed(mem::size_of::<OutputPlugin>());
        let arguments = InitArguments {
            name: name.as_ptr().cast_mut(),
            api: self.loaded.table.address().cast_const().cast(),
            instance: ptr::from_ref(&self.section).cast_mut().cast(),
            context: self.context.address().cast::<Context>(),
        };
        let plugin = OutputPlugin {
            arguments,
            callbacks: [ptr::null_mut(); 5],
        };
        let place = loan.address().cast::<OutputPlugin>();
        // SAFETY: zeroed room of this size and alignment.
        unsafe { place.write(plugin) };
        let init = self.loaded.symbols.init;
        // SAFETY: the arguments hold for the call; table and section until the exit.
        self.journal
            .during(|| unsafe { init(place.cast_const().cast()) })
    }

    fn pre_run(&self) {
        if let Some(pre_run) = self.loaded.since_2_2(self.loaded.symbols.pre_run) {
            // SAFETY: the export's contract: after init, 0 for "no hot reload".
            self.journal.during(|| unsafe { pre_run(0) });
        }
    }

    fn pre_exit(&self) {
        if let Some(pre_exit) = self.loaded.since_2_2(self.loaded.symbols.pre_exit) {
            // SAFETY: the export's contract: before exit, 0 for "no hot reload".
            self.journal.during(|| unsafe { pre_exit(0) });
        }
    }

    fn exit(&self) -> c_int {
        let exit = self.loaded.symbols.exit;
        // SAFETY: the context that init stored, or the null that it left; passed once.
        let code = self.journal.during(|| unsafe { exit(self.remote()) });
        event_loop::abandon(self.number);
        code
    }

    fn remote(&self) -> *mut c_void {
        let context = self.context.address().cast::<ProxyContext>();
        // SAFETY: zeroed by the host, then written by init alone.
        unsafe { (*context).context.remote }
    }
}

// SAFETY: the plugin's context belongs to no thread, and the borrowed memory may be shared.
unsafe impl Send for Open {}
// SAFETY: as above.
unsafe impl Sync for Open {}

/// The memory that a flush borrows, and its return code.
struct Borrowed {
    loans: Option<(Loan, Loan)>,
    code: Box<Cell<c_int>>,
}

// SAFETY: only the thread of the coroutine writes the code and reads it.
unsafe impl Send for Borrowed {}

/// The call of a flush. It holds addresses only, as a coroutine that is never resumed drops nothing.
struct Call {
    open: Arc<Open>,
    data: usize,
    tag: usize,
    len: usize,
    code: usize,
}

impl Call {
    fn coroutine(self) -> Coroutine {
        let Self {
            open,
            data,
            tag,
            len,
            code,
        } = self;
        let flush = open.loaded.symbols.flush;
        let remote = open.remote();
        let call = move || {
            let data = ptr::with_exposed_provenance(data);
            let tag = ptr::with_exposed_provenance(tag);
            // SAFETY: the context that init stored; data and tag are valid until the flush's end.
            let answer = unsafe { flush(remote, data, len, tag) };
            let code: *const Cell<c_int> = ptr::with_exposed_provenance(code);
            // SAFETY: alive until the coroutine is freed.
            unsafe { &*code }.set(answer);
        };
        let stack = open.section.stack();
        Coroutine::new(open.loaded.layout, stack, open.journal.clone(), call)
    }
}

/// A flush in progress.
#[derive(Debug)]
pub struct Pending(mpsc::Receiver<Flushed>);

impl Pending {
    /// Waits for the answer. The code of a flush that the instance's exit has abandoned is
    /// [`ABANDONED`].
    #[must_use]
    pub fn wait(self) -> Flushed {
        self.0.recv().unwrap_or(Flushed {
            code: ABANDONED,
            stack_used: 0,
        })
    }

    /// Waits for the answer; `None` after the timeout.
    #[must_use]
    pub fn wait_for(&self, timeout: Duration) -> Option<Flushed> {
        self.0.recv_timeout(timeout).ok()
    }
}

/// The code of a flush that was never resumed.
pub const ABANDONED: c_int = -100;

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.exited {
            self.close();
        }
    }
}

/// The plugin's answer to a flush.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flushed {
    /// The returned code: 0 error, 1 OK, 2 retry. Fluent Bit treats any other code as an error.
    pub code: c_int,
    /// The used bytes of the flush stack, including a few frames of the host.
    pub stack_used: usize,
}

/// A failed init.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What init returned.
    pub code: c_int,
    /// What exit returned after the failed init.
    pub exit_code: c_int,
    /// The plugin's log lines.
    pub lines: Vec<Line>,
}

/// The result of closing an instance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exited {
    /// What exit returned.
    pub code: c_int,
    /// All log lines of the instance.
    pub lines: Vec<Line>,
}
