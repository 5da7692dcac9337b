//! The host's functions as the plugin finds them in its API table.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::{mem, slice};

use super::generation::Generation;
use super::journal;
use super::mapping::Loan;
use super::section::Section;
use crate::abi::Api;

/// The table as a host of this generation allocates it, and not a byte more.
pub(super) fn table(generation: Generation) -> Loan {
    let api = Api {
        output_get_property: Some(output_get_property),
        input_get_property: Some(of_an_input),
        output_get_cmt_instance: Some(metrics_of_an_output()),
        input_get_cmt_instance: Some(without_metrics),
        log_print: Some(variadic(log_print)),
        input_log_check: Some(check_of_an_input),
        output_log_check: Some(output_log_check),
    };
    // SAFETY: a structure of pointers, which has no padding, for as long as it lives.
    let bytes = unsafe { slice::from_raw_parts((&raw const api).cast(), mem::size_of::<Api>()) };
    let mut bytes: Vec<u8> = bytes.to_vec();
    bytes.resize(generation.table_len(), 0);
    Loan::of(&bytes)
}

unsafe extern "C" fn output_get_property(
    key: *const c_char,
    instance: *mut c_void,
) -> *const c_char {
    // SAFETY: the plugin passes a NUL-terminated key.
    let key = unsafe { CStr::from_ptr(key) };
    // SAFETY: the plugin passes the instance it was given.
    let section = unsafe { section(instance) };
    section.property(key)
}

unsafe extern "C" fn output_log_check(instance: *mut c_void, level: c_int) -> c_int {
    // SAFETY: the plugin passes the instance it was given.
    let section = unsafe { section(instance) };
    c_int::from(section.logs_at(level))
}

/// Only for the format `%s` with one string; any other is a mistake worth the process.
unsafe extern "C" fn log_print(
    level: c_int,
    _file: *const c_char,
    _line: c_int,
    format: *const c_char,
    text: *const c_char,
) {
    // SAFETY: the plugin passes a NUL-terminated format.
    let format = unsafe { CStr::from_ptr(format) };
    assert_eq!(format, c"%s", "the format must not be made of data");
    // SAFETY: the format takes one NUL-terminated string.
    let text = unsafe { CStr::from_ptr(text) };
    journal::write(level, text.to_string_lossy().into_owned());
}

unsafe extern "C" fn of_an_input(_: *const c_char, _: *mut c_void) -> *const c_char {
    panic!("an output asked for an input's option")
}

unsafe extern "C" fn check_of_an_input(_: *mut c_void, _: c_int) -> c_int {
    panic!("an output asked for an input's log level")
}

/// What the executable exports under this name, as Fluent Bit puts it into its table.
fn metrics_of_an_output() -> Metrics {
    let name = c"flb_output_get_cmt_instance";
    // SAFETY: a look-up by a NUL-terminated name in what is already loaded.
    let exported = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if exported.is_null() {
        return without_metrics;
    }
    // SAFETY: this symbol's declaration in the host's `flb_output.h`.
    unsafe { mem::transmute::<*mut c_void, Metrics>(exported) }
}

/// Builds without metrics leave these entries as the allocator gave them.
unsafe extern "C" fn without_metrics(_: *mut c_void) -> *mut c_void {
    panic!("the entry may be uninitialised")
}

/// A function with one string after the format, as the variadic one that the table declares.
///
/// The unnamed arguments of a variadic call travel where named ones would: the C conventions of
/// Linux on `x86_64` and `aarch64` put the first six (eight) integers and pointers in the same
/// registers either way, and five is all there are here.
fn variadic(print: PrintOne) -> PrintAny {
    const { assert!(cfg!(target_os = "linux")) };
    const { assert!(cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))) };
    // SAFETY: both are function pointers, and the two conventions agree for these arguments.
    unsafe { mem::transmute::<PrintOne, PrintAny>(print) }
}

/// # Safety
///
/// `instance` is what the host gave the plugin as such, and has not exited.
unsafe fn section<'a>(instance: *mut c_void) -> &'a Section {
    // SAFETY: a section, by this function's promise; it is never changed but behind its locks.
    unsafe { instance.cast::<Section>().as_ref() }.expect("an instance")
}

type Metrics = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
type PrintOne = unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, *const c_char);
type PrintAny = unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, ...);
