//! The API table with the functions of the plugin host.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::{mem, slice};

use super::generation::Generation;
use super::journal;
use super::mapping::Loan;
use super::section::Section;
use crate::abi::Api;

/// The table with the exact size that Fluent Bit of this generation allocates.
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

/// Supports the format `%s` with one string only; panics with any other format.
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

/// The function that the executable exports with this name, as in Fluent Bit's table.
fn metrics_of_an_output() -> Metrics {
    let name = c"flb_output_get_cmt_instance";
    // SAFETY: a look-up of a NUL-terminated name in the loaded objects.
    let exported = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if exported.is_null() {
        return without_metrics;
    }
    // SAFETY: this symbol's declaration in the host's `flb_output.h`.
    unsafe { mem::transmute::<*mut c_void, Metrics>(exported) }
}

/// Fluent Bit built without metrics leaves these entries uninitialised.
unsafe extern "C" fn without_metrics(_: *mut c_void) -> *mut c_void {
    panic!("the entry may be uninitialised")
}

/// Converts a function with one string after the format to the variadic type that the table declares.
///
/// In the C calling conventions of Linux, variadic and named arguments use the same registers for the
/// first six (`x86_64`) or eight (`aarch64`) integers and pointers; here are five.
fn variadic(print: PrintOne) -> PrintAny {
    const { assert!(cfg!(target_os = "linux")) };
    const { assert!(cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))) };
    // SAFETY: both are function pointers, and the two conventions agree for these arguments.
    unsafe { mem::transmute::<PrintOne, PrintAny>(print) }
}

/// The section of an instance pointer.
///
/// # Safety
///
/// `instance` is the pointer that the host passed to the plugin, and its section has not exited.
unsafe fn section<'a>(instance: *mut c_void) -> &'a Section {
    // SAFETY: a section, by this function's promise; it is changed only under its locks.
    unsafe { instance.cast::<Section>().as_ref() }.expect("an instance")
}

type Metrics = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
type PrintOne = unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, *const c_char);
type PrintAny = unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, ...);
