//! The log of Fluent Bit before 2.0.0, whose API table has no log functions.
//!
//! These executables export the function that prints log lines, and a function that returns the
//! `log_level` of `[SERVICE]` (source: 1.9.10). No function returns the `log_level` of a section, so that
//! option has no effect on the plugin's lines there. Without these exports, lines are printed to stderr
//! in the same format.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io::{self, Write};
use std::mem::{self, MaybeUninit};

use crate::host_api::symbol;
use crate::level::Level;

/// Prints a line with Fluent Bit's function, or to stderr in the same format. Never panics.
pub(crate) fn print(level: Level, line: &str) {
    let text = CString::new(line.replace('\0', "\u{fffd}"));
    match (symbol(c"flb_log_print"), text) {
        (Some(print), Ok(text)) => {
            // SAFETY: this symbol's declaration in Fluent Bit's `flb_log.h`.
            let print: LogPrint = unsafe { mem::transmute(print) };
            // SAFETY: a printf-like function; the format takes the one string it is given.
            unsafe {
                print(
                    level as c_int,
                    c"".as_ptr(),
                    0,
                    c"%s".as_ptr(),
                    text.as_ptr(),
                )
            };
        }
        _ => drop(writeln!(
            io::stderr(),
            "{}{line}",
            head(level, local_time())
        )),
    }
}

/// The most verbose level that is printed: the `log_level` of `[SERVICE]`, or info if it is unknown.
pub(crate) fn finest() -> Option<Level> {
    let known = symbol(c"flb_worker_get").zip(symbol(c"flb_worker_log_level"));
    let Some((get, level)) = known else {
        return Some(Level::Info);
    };
    // SAFETY: this symbol's declaration in Fluent Bit's `flb_worker.h`.
    let get: WorkerGet = unsafe { mem::transmute(get) };
    // SAFETY: as above.
    let level: WorkerLogLevel = unsafe { mem::transmute(level) };
    // SAFETY: it reads a variable of the thread.
    let worker = unsafe { get() };
    if worker.is_null() {
        return Some(Level::Info);
    }
    // SAFETY: Fluent Bit's structure of this thread, which lives as long as the thread.
    let finest = unsafe { level(worker) };
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
    levels.into_iter().find(|&level| level as c_int <= finest)
}

/// The start of a log line in Fluent Bit's format: `[2026/11/27 10:00:00] [ warn] `.
fn head(level: Level, time: Option<libc::tm>) -> String {
    let title = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
    };
    let time = time.map_or_else(String::new, |time| {
        let (year, month) = (time.tm_year + 1900, time.tm_mon + 1);
        let (day, hour, minute, second) = (time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec);
        format!("[{year}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}] ")
    });
    format!("{time}[{title:>5}] ")
}

fn local_time() -> Option<libc::tm> {
    // SAFETY: null is allowed: the time is returned only.
    let now = unsafe { libc::time(std::ptr::null_mut()) };
    let mut time = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: `now` is readable and `time` has room for the answer.
    let filled = unsafe { libc::localtime_r(&raw const now, time.as_mut_ptr()) };
    // SAFETY: not null, so it was filled in.
    (!filled.is_null()).then(|| unsafe { time.assume_init() })
}

type LogPrint = unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, ...);
type WorkerGet = unsafe extern "C" fn() -> *mut c_void;
type WorkerLogLevel = unsafe extern "C" fn(*mut c_void) -> c_int;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_as_fluent_bits_own_lines() {
        // SAFETY: zero is a valid value of every field.
        let mut time: libc::tm = unsafe { mem::zeroed() };
        (time.tm_year, time.tm_mon, time.tm_mday) = (126, 10, 7);
        (time.tm_hour, time.tm_min, time.tm_sec) = (9, 8, 5);
        for (level, title) in [
            (Level::Error, "[error]"),
            (Level::Warn, "[ warn]"),
            (Level::Info, "[ info]"),
            (Level::Debug, "[debug]"),
        ] {
            let expected = format!("[2026/11/07 09:08:05] {title} ");
            assert_eq!(head(level, Some(time)), expected);
        }
        assert_eq!(head(Level::Warn, None), "[ warn] ");
    }
}
