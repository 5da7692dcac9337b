//! What the process holds, for tests that look for leaks or measure memory.

use std::fs;
use std::path::Path;

/// The threads of this process.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn thread_count() -> usize {
    entries("/proc/self/task")
}

/// The open file descriptors of this process.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn fd_count() -> usize {
    // The directory itself is open while it is read.
    entries("/proc/self/fd") - 1
}

/// Whether a file is mapped into this process, as a library is until it is unloaded.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn is_mapped(file: &Path) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc/self/maps");
    let file = file.to_string_lossy();
    maps.lines().any(|line| line.ends_with(&*file))
}

/// Bytes that are allocated by the C library's allocator and not freed yet, in every thread and every
/// library of this process that allocates with it.
///
/// Memory that the allocator keeps for later is not counted, except what it keeps for single threads:
/// [`EXACT_ALLOCATIONS`] turns that off.
#[must_use]
pub fn allocated_bytes() -> usize {
    // SAFETY: takes no arguments, and the allocator's own locks.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

/// A variable of the environment, and its value, with which a process starts whose
/// [`allocated_bytes`] are exact.
pub const EXACT_ALLOCATIONS: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect(directory).count()
}
