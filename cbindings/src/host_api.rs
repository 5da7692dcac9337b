//! Safe wrappers of Fluent Bit's functions.
//!
//! Fluent Bit 2.0.0 added log functions to its API table; earlier versions allocate a shorter table. A
//! Fluent Bit that calls `FLBPluginPreRegister` is 2.2.0 or later, and only then these functions are
//! read. With other versions, [`early_log`] writes the lines.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::abi::{Api, GetProperty};
use crate::level::Level;
use crate::{early_log, line};

/// The options of an output section.
#[derive(Debug)]
pub struct Settings {
    instance: *mut c_void,
    property: Option<GetProperty>,
    name: String,
}

impl Settings {
    /// The options of `instance`.
    ///
    /// # Safety
    ///
    /// `api` is Fluent Bit's table and `instance` its output instance. Both are valid as long as this
    /// value.
    pub(crate) unsafe fn new(api: *const Api, instance: *mut c_void, name: String) -> Self {
        // SAFETY: valid by promise. A reference to the whole `Api` would be unsound, as an early table is
        // shorter.
        let property = unsafe { (*api).output_get_property };
        Self {
            instance,
            property,
            name,
        }
    }

    /// The value of an option; `None` when it is absent or empty.
    ///
    /// Bytes that are not UTF-8 are replaced by U+FFFD, so that the check of the value rejects them.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<String> {
        let property = self.property?;
        let key = CString::new(key).ok()?;
        // SAFETY: Fluent Bit's own function with its own instance, valid by `new`; `key` ends in NUL.
        let value = unsafe { property(key.as_ptr(), self.instance) };
        if value.is_null() {
            return None;
        }
        // SAFETY: not null, and a NUL-terminated string that Fluent Bit keeps during init.
        let value = unsafe { CStr::from_ptr(value) };
        Some(value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
    }

    /// The instance's name in Fluent Bit's log lines and metrics: the alias, or for example
    /// `cloudwatch.0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Fluent Bit's log, for one instance.
///
/// The level is read once: Fluent Bit sets it before init, and a thread may write a line after Fluent Bit
/// has freed the instance.
#[derive(Debug)]
pub(crate) struct FluentBitLog {
    print: Option<LogPrint>,
    finest: Option<Level>,
    prefix: String,
}

impl FluentBitLog {
    /// The log of `instance`; lines begin with `prefix`.
    ///
    /// # Safety
    ///
    /// `api` is Fluent Bit's table and `instance` its output instance. Both are valid during the call.
    pub(crate) unsafe fn new(api: *const Api, instance: *mut c_void, prefix: String) -> Self {
        if !has_log_functions() {
            return Self {
                print: None,
                finest: early_log::finest(),
                prefix,
            };
        }
        // SAFETY: a Fluent Bit that pre-registers allocates the table with its log functions.
        let print = unsafe { (*api).log_print };
        // SAFETY: as above.
        let check = unsafe { (*api).output_log_check };
        let finest = match check {
            // SAFETY: Fluent Bit's own function with its own instance.
            Some(check) => finest(|level| unsafe { check(instance, level as c_int) != 0 }),
            None => Some(Level::Info),
        };
        Self {
            print,
            finest,
            prefix,
        }
    }

    #[cfg(any(test, feature = "host"))]
    pub(crate) fn muted() -> Self {
        Self {
            print: None,
            finest: None,
            prefix: String::new(),
        }
    }

    pub(crate) fn enabled(&self, level: Level) -> bool {
        self.finest.is_some_and(|finest| level <= finest)
    }

    /// Prints a line. Called on Fluent Bit's threads only, as its log function requires.
    ///
    /// Never panics, even with a broken stderr, as a chunk may be borrowed at that time.
    pub(crate) fn print(&self, level: Level, text: &str) {
        let line = line::printable(&format!("[output:{}] {text}", self.prefix));
        match (self.print, CString::new(line.replace('\0', "\u{fffd}"))) {
            (Some(print), Ok(line)) => {
                // SAFETY: a printf-like function; the format takes the one string it is given.
                unsafe {
                    print(
                        level as c_int,
                        c"".as_ptr(),
                        0,
                        c"%s".as_ptr(),
                        line.as_ptr(),
                    )
                };
            }
            _ => early_log::print(level, &line),
        }
    }
}

/// Records that Fluent Bit is 2.2.0 or later.
pub(crate) fn set_pre_registered() {
    PRE_REGISTERED.store(true, Ordering::Relaxed);
}

/// Records whether hot reload is enabled.
pub(crate) fn set_hot_reload(hot: bool) {
    HOT_RELOAD.store(hot, Ordering::Relaxed);
}

/// Whether hot reload is enabled; known after the pipeline is set up.
#[must_use]
pub fn hot_reload() -> bool {
    HOT_RELOAD.load(Ordering::Relaxed)
}

/// Fluent Bit's name of an instance, if Fluent Bit exports the function to read it.
///
/// # Safety
///
/// `instance` is Fluent Bit's output instance.
pub(crate) unsafe fn instance_name(instance: *mut c_void) -> Option<String> {
    let name = symbol(c"flb_output_name")?;
    // SAFETY: this symbol's declaration in the host's `flb_output.h`, unchanged since 1.0.
    let name: OutputName = unsafe { std::mem::transmute(name) };
    // SAFETY: Fluent Bit's own instance, by this function's promise.
    let name = unsafe { name(instance) };
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and the instance's own NUL-terminated alias or name.
    let name = unsafe { CStr::from_ptr(name) };
    Some(name.to_string_lossy().into_owned())
}

/// Looks up a symbol that Fluent Bit's executable exports.
pub(crate) fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: a look-up of a NUL-terminated name in the loaded objects.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Whether the API table has the log functions: Fluent Bit is 2.2.0 or later.
pub(crate) fn has_log_functions() -> bool {
    PRE_REGISTERED.load(Ordering::Relaxed)
}

/// The most verbose level that is enabled; `None` when the log is off.
fn finest(enabled: impl Fn(Level) -> bool) -> Option<Level> {
    [Level::Debug, Level::Info, Level::Warn, Level::Error]
        .into_iter()
        .find(|&level| enabled(level))
}

type LogPrint = unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, ...);
type OutputName = unsafe extern "C" fn(*mut c_void) -> *const c_char;

static PRE_REGISTERED: AtomicBool = AtomicBool::new(false);
static HOT_RELOAD: AtomicBool = AtomicBool::new(false);
