//! A plugin's shared library: loaded, registered, and unloaded after its last instance.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::coroutine::Layout;
use super::event_loop::EventLoop;
use super::exports;
use super::generation::Generation;
use super::instance::{Instance, Refused};
use super::mapping::Loan;
use super::section::Section;
use super::symbols::Symbols;
use super::table::table;
use crate::abi::{Definition, OUTPUT_PLUGIN};

/// A loaded plugin.
///
/// Clones and instances share it. Dropping the last of them unregisters the plugin and closes the
/// library.
#[derive(Clone, Debug)]
pub struct Library(pub(super) Arc<Loaded>);

impl Library {
    /// Loads a plugin as `-e` does.
    ///
    /// Loading runs the initialisers of the file in this process, so the file must be a plugin built with
    /// this crate.
    ///
    /// # Errors
    ///
    /// When the library cannot be loaded (the loader's message), or a symbol is missing (its name).
    ///
    /// # Panics
    ///
    /// When the path has a NUL in it.
    pub fn open(path: &Path, generation: Generation) -> Result<Self, String> {
        Self::open_with(path, generation, Layout::of_environment())
    }

    /// As [`Library::open`], with this layout of coroutines.
    ///
    /// # Errors
    ///
    /// As [`Library::open`].
    ///
    /// # Panics
    ///
    /// As [`Library::open`].
    pub fn open_with(path: &Path, generation: Generation, layout: Layout) -> Result<Self, String> {
        exports::load();
        let path = CString::new(path.as_os_str().as_bytes()).expect("no NUL in a path");
        // SAFETY: a NUL-terminated path; the file's initialisers are this function's caveat.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
        if handle.is_null() {
            return Err(loader_error());
        }
        // SAFETY: just opened; its exports' types are this function's caveat.
        let symbols = unsafe { Symbols::of(handle) }.inspect_err(|_| close(handle))?;
        let (definition, table) = (definition(generation), table(generation));
        Ok(Self(Arc::new(Loaded {
            handle,
            generation,
            symbols,
            definition,
            table,
            layout,
            engine: OnceLock::new(),
            opened: AtomicUsize::new(0),
        })))
    }

    /// Registers the plugin; first calls `FLBPluginPreRegister`, as Fluent Bit since 2.2.0 does.
    ///
    /// # Errors
    ///
    /// When the plugin failed; the error is its code.
    pub fn register(&self) -> Result<Registered, c_int> {
        if let Some(pre_register) = self.0.since_2_2(self.0.symbols.pre_register) {
            // SAFETY: the export's contract: before registration, 0 for "no hot reload".
            refused(unsafe { pre_register(0) })?;
        }
        // SAFETY: the host's definition, writable until the library is closed.
        refused(unsafe { (self.0.symbols.register)(self.0.definition()) })?;
        // SAFETY: as above, and no call that writes it is under way.
        let definition = unsafe { &*self.0.definition() };
        Ok(Registered {
            kind: definition.kind,
            proxy: definition.proxy,
            flags: definition.flags,
            // SAFETY: set by the plugin to a string that lives as long as the library.
            name: unsafe { text(definition.name) },
            // SAFETY: as above.
            description: unsafe { text(definition.description) },
        })
    }

    /// Opens an instance for a section, and then calls `FLBPluginOutputPreRun`.
    ///
    /// # Errors
    ///
    /// When the plugin's init failed; the error has its log lines. As in Fluent Bit, exit was then called
    /// with the null context that init left.
    pub fn instance(&self, section: Section) -> Result<Instance, Refused> {
        Instance::open(self.0.clone(), section)
    }
}

/// The plugin's definition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registered {
    /// 2 for an output.
    pub kind: c_int,
    /// 11 for the Go proxy's calling convention.
    pub proxy: c_int,
    /// Network flags.
    pub flags: c_int,
    /// The name in a configuration.
    pub name: String,
    /// One line for `fluent-bit --help`.
    pub description: String,
}

#[derive(Debug)]
pub(super) struct Loaded {
    handle: *mut c_void,
    pub(super) generation: Generation,
    pub(super) symbols: Symbols,
    definition: Loan,
    pub(super) table: Loan,
    pub(super) layout: Layout,
    engine: OnceLock<EventLoop>,
    opened: AtomicUsize,
}

// SAFETY: a library's handle and functions belong to no thread.
unsafe impl Send for Loaded {}
// SAFETY: nothing here is written after registration.
unsafe impl Sync for Loaded {}

impl Loaded {
    /// The engine's thread; started for the first section.
    pub(super) fn engine(&self) -> &EventLoop {
        self.engine.get_or_init(|| EventLoop::start("engine"))
    }

    /// The next section's name, as Fluent Bit numbers them.
    pub(super) fn next_name(&self) -> String {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        format!("{}.{number}", self.name().to_string_lossy())
    }

    pub(super) fn definition(&self) -> *mut Definition {
        self.definition.address().cast()
    }

    /// The host's own copy of the registered name; empty before registration.
    pub(super) fn name(&self) -> CString {
        // SAFETY: the host's definition, zeroed or registered.
        let name = unsafe { (*self.definition()).name };
        if name.is_null() {
            return CString::default();
        }
        // SAFETY: set by the plugin to a string that lives as long as the library.
        unsafe { CStr::from_ptr(name) }.to_owned()
    }

    pub(super) fn since_2_2<F>(&self, symbol: Option<F>) -> Option<F> {
        symbol.filter(|_| self.generation.calls_around())
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if let Some(unregister) = self.symbols.unregister {
            // SAFETY: the definition that was registered, after the last instance's exit.
            unsafe { unregister(self.definition()) };
        }
        close(self.handle);
    }
}

/// Closes the handle of a library.
fn close(handle: *mut c_void) {
    // SAFETY: opened by `Library::open` and closed once, with no call under way.
    unsafe { libc::dlclose(handle) };
}

fn definition(generation: Generation) -> Loan {
    let loan = Loan::zeroed(generation.definition_len());
    let definition = loan.address().cast::<Definition>();
    // SAFETY: room for the definition, which nothing else refers to yet.
    unsafe { (*definition).kind = OUTPUT_PLUGIN };
    loan
}

/// Fluent Bit treats only -1 as a failure.
fn refused(code: c_int) -> Result<(), c_int> {
    if code == -1 { Err(code) } else { Ok(()) }
}

/// # Safety
///
/// `text` is NUL-terminated.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: by this function's promise.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

fn loader_error() -> String {
    // SAFETY: asks the loader for this thread's last error.
    let error = unsafe { libc::dlerror() };
    if error.is_null() {
        return "the loader gave no reason".to_owned();
    }
    // SAFETY: not null, and NUL-terminated until the thread's next loader call.
    unsafe { text(error) }
}
