//! One output section: init, flush from any thread, exit.

use std::collections::BTreeSet;
use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use super::journal::{Journal, Line};
use super::library::Loaded;
use super::mapping::Loan;
use super::section::Section;
use super::stack;
use super::symbols::{OutputPlugin, ProxyContext};
use crate::abi::{Context, InitArguments};

/// An open instance. Dropping it calls the plugin's exit.
#[derive(Debug)]
pub struct Instance {
    loaded: Arc<Loaded>,
    section: Box<Section>,
    context: Loan,
    journal: Arc<Journal>,
    exited: bool,
}

impl Instance {
    pub(super) fn open(loaded: Arc<Loaded>, section: Section) -> Result<Self, Refused> {
        let mut instance = Self {
            loaded,
            section: Box::new(section),
            context: Loan::zeroed(mem::size_of::<ProxyContext>()),
            journal: Arc::default(),
            exited: false,
        };
        let code = instance.init();
        if code <= 0 {
            let exit_code = instance.leave();
            return Err(Refused {
                code,
                exit_code,
                lines: instance.lines(),
            });
        }
        instance.pre_run();
        Ok(instance)
    }

    /// Delivers a chunk, on a small stack of its own, and waits for the answer.
    ///
    /// Several threads may be here at once, as with `workers`. Chunk and tag are copies that can
    /// be read exactly as far as they reach and exactly until the plugin answers.
    #[must_use]
    pub fn flush(&self, tag: impl AsRef<[u8]>, chunk: impl AsRef<[u8]>) -> Flushed {
        let chunk_len = chunk.as_ref().len();
        let chunk = Loan::of(chunk.as_ref());
        let tag = Loan::of(&[tag.as_ref(), b"\0"].concat());
        let (data, tag) = (chunk.address().cast(), tag.address().cast());
        let flush = self.loaded.symbols.flush;
        let (code, stack_used) = self.journal.during(|| {
            stack::call_on(self.section.stack(), || {
                // SAFETY: the context that init stored; data and tag outlive the call.
                unsafe { flush(self.remote(), data, chunk_len, tag) }
            })
        });
        Flushed { code, stack_used }
    }

    /// Calls flush without a chunk and without a tag: with null for both.
    #[must_use]
    pub fn flush_null(&self) -> Flushed {
        let flush = self.loaded.symbols.flush;
        let (code, stack_used) = self.journal.during(|| {
            stack::call_on(self.section.stack(), || {
                // SAFETY: the context that init stored; of nothing, no byte is read.
                unsafe { flush(self.remote(), ptr::null(), 0, ptr::null()) }
            })
        });
        Flushed { code, stack_used }
    }

    /// The lines that the plugin has written so far while the host called this instance.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.journal.lines()
    }

    /// Waits for a line with this text in it; `None` when it has not come in time.
    #[must_use]
    pub fn wait_for_line(&self, part: &str, patience: Duration) -> Option<Line> {
        self.journal.wait_for(part, patience)
    }

    /// The option keys that the plugin has asked for.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<String> {
        self.section.asked()
    }

    /// Calls the plugin's exit. No flush is under way, as the instance is not shared any more.
    #[must_use]
    pub fn exit(mut self) -> Exited {
        let code = self.leave();
        Exited {
            code,
            lines: self.lines(),
        }
    }

    /// Calls the plugin's exit as hosts before 2.1 do to the section opened last: once for each
    /// section of the plugin, the first time while this one is still at work.
    #[must_use]
    pub fn exit_too_early(&self) -> c_int {
        let exit = self.loaded.symbols.exit;
        // SAFETY: what init stored; the plugin expects it more than once.
        self.journal.during(|| unsafe { exit(self.remote()) })
    }

    fn init(&self) -> c_int {
        let name = self.loaded.name();
        let loan = Loan::zeroed(mem::size_of::<OutputPlugin>());
        let arguments = InitArguments {
            name: name.as_ptr().cast_mut(),
            api: self.loaded.table.address().cast_const().cast(),
            instance: ptr::from_ref(&*self.section).cast_mut().cast(),
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

    fn leave(&mut self) -> c_int {
        self.exited = true;
        if let Some(pre_exit) = self.loaded.since_2_2(self.loaded.symbols.pre_exit) {
            // SAFETY: the export's contract: before exit, 0 for "no hot reload".
            self.journal.during(|| unsafe { pre_exit(0) });
        }
        let exit = self.loaded.symbols.exit;
        // SAFETY: what init stored, or the null it left; given back once.
        self.journal.during(|| unsafe { exit(self.remote()) })
    }

    fn remote(&self) -> *mut c_void {
        let context = self.context.address().cast::<ProxyContext>();
        // SAFETY: zeroed by the host, then written by init alone.
        unsafe { (*context).context.remote }
    }
}

// SAFETY: the plugin's context belongs to no thread, and the contract has flush called from
// several at once.
unsafe impl Sync for Instance {}

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.exited {
            self.leave();
        }
    }
}

/// The plugin's answer to a flush.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flushed {
    /// As returned: 0 error, 1 OK, 2 retry; Fluent Bit takes any other for an error.
    pub code: c_int,
    /// Bytes of the flush stack that were used, the host's few frames included.
    pub stack_used: usize,
}

/// An instance that did not open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What init returned.
    pub code: c_int,
    /// What exit returned after that.
    pub exit_code: c_int,
    /// What the plugin wrote.
    pub lines: Vec<Line>,
}

/// An instance that was closed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exited {
    /// What exit returned.
    pub code: c_int,
    /// All that the plugin wrote while the host called this instance.
    pub lines: Vec<Line>,
}
