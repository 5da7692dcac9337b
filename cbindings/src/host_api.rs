//! The host's functions, made safe.
//!
//! Fluent Bit 2.0.0 added the log functions to its API table, which earlier hosts allocate
//! shorter. A host that calls `FLBPluginPreRegister` is 2.2.0 or later, so only then are they read;
//! [`early_log`] writes the lines of other hosts.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::abi::{Api, GetProperty};
use crate::level::Level;
use crate::{early_log, line};

/// Reads one output section's options.
#[derive(Debug)]
pub struct Settings {
    instance: *mut c_void,
    property: Option<GetProperty>,
    name: String,
}

impl Settings {
    /// # Safety
    ///
    /// `api` is the host's table and `instance` the output instance it belongs to, both valid for
    /// as long as this value.
    pub(crate) unsafe fn new(api: *const Api, instance: *mut c_void, name: String) -> Self {
        // SAFETY: valid by promise. Not by way of a reference to the whole, which an early host's
        // table is too short for.
        let property = unsafe { (*api).output_get_property };
        Self {
            instance,
            property,
            name,
        }
    }

    /// The option's value; `None` when it is absent or empty, which users mean alike.
    ///
    /// Bytes that are not UTF-8 are replaced by U+FFFD, so that a check of the value refuses them.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<String> {
        let property = self.property?;
        let key = CString::new(key).ok()?;
        // SAFETY: the host's own function with its own instance, valid by `new`; `key` ends in NUL.
        let value = unsafe { property(key.as_ptr(), self.instance) };
        if value.is_null() {
            return None;
        }
        // SAFETY: not null, and a NUL-terminated string that the host keeps during init.
        let value = unsafe { CStr::from_ptr(value) };
        Some(value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
    }

    /// The instance's name as the host's own lines and metrics have it: the alias, or
    /// `cloudwatch.0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The host's log, for one instance.
///
/// The instance's level is asked for once: the host fixes it before init, and a line may be
/// written by a thread that runs on when the host has freed the instance.
#[derive(Debug)]
pub(crate) struct HostLog {
    print: Option<LogPrint>,
    finest: Option<Level>,
    prefix: String,
}

impl HostLog {
    /// # Safety
    ///
    /// `api` is the host's table and `instance` its output instance, both valid now.
    pub(crate) unsafe fn new(api: *const Api, instance: *mut c_void, prefix: String) -> Self {
        if !has_log_functions() {
            return Self {
                print: None,
                finest: early_log::finest(),
                prefix,
            };
        }
        // SAFETY: a host that pre-registers allocates the table with its log functions.
        let print = unsafe { (*api).log_print };
        // SAFETY: as above.
        let check = unsafe { (*api).output_log_check };
        let finest = match check {
            // SAFETY: the host's own function with its own instance.
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

    /// Prints a line; for the host's threads, which its log function is made for.
    ///
    /// Never panics, also with a broken stderr: a chunk may be on loan.
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

/// Notes that the host is 2.2.0 or later.
pub(crate) fn host_pre_registers() {
    PRE_REGISTERED.store(true, Ordering::Relaxed);
}

/// Notes whether the host may be reloaded while it runs.
pub(crate) fn host_reloads(hot: bool) {
    HOT_RELOAD.store(hot, Ordering::Relaxed);
}

/// Whether the host may be reloaded while it runs; known once its pipeline is set up.
#[must_use]
pub fn hot_reload() -> bool {
    HOT_RELOAD.load(Ordering::Relaxed)
}

/// The host's name for an instance, if it can be asked.
///
/// # Safety
///
/// `instance` is the host's output instance.
pub(crate) unsafe fn instance_name(instance: *mut c_void) -> Option<String> {
    let name = symbol(c"flb_output_name")?;
    // SAFETY: this symbol's declaration in the host's `flb_output.h`, unchanged since 1.0.
    let name: OutputName = unsafe { std::mem::transmute(name) };
    // SAFETY: the host's own instance, by this function's promise.
    let name = unsafe { name(instance) };
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and the instance's own NUL-terminated alias or name.
    let name = unsafe { CStr::from_ptr(name) };
    Some(name.to_string_lossy().into_owned())
}

/// A function that the host's executable exports beside its API table.
pub(crate) fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: a look-up by a NUL-terminated name in what is already loaded.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Whether the host's table has more than its first two entries.
pub(crate) fn has_log_functions() -> bool {
    PRE_REGISTERED.load(Ordering::Relaxed)
}

/// The last level that is enabled; `None` when the log is off.
fn finest(enabled: impl Fn(Level) -> bool) -> Option<Level> {
    [Level::Debug, Level::Info, Level::Warn, Level::Error]
        .into_iter()
        .find(|&level| enabled(level))
}

type LogPrint = unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, ...);
type OutputName = unsafe extern "C" fn(*mut c_void) -> *const c_char;

static PRE_REGISTERED: AtomicBool = AtomicBool::new(false);
static HOT_RELOAD: AtomicBool = AtomicBool::new(false);
