//! Resources of this process, for tests that check for leaks or measure memory.

use std::fs;
use std::path::Path;

/// The number of threads of this process.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn thread_count() -> usize {
    entries("/proc/self/task")
}

/// The number of open file descriptors of this process.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn fd_count() -> usize {
    // The directory itself is open while it is read.
    entries("/proc/self/fd") - 1
}

/// Whether a file is mapped into this process. A library is mapped until it is unloaded.
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

/// Bytes allocated with the C library's allocator and not freed, by all threads and libraries of this
/// process.
///
/// Free memory that the allocator caches is not counted, except its caches for single threads;
/// [`EXACT_ALLOCATIONS`] switches these off.
#[must_use]
pub fn allocated_bytes() -> usize {
    // SAFETY: takes no arguments, and the allocator's own locks.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

/// The environment variable, and its value, to start a process with exact [`allocated_bytes`].
pub const EXACT_ALLOCATIONS: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect(directory).count()
}
