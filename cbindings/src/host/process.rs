//! What the process holds, for tests that look for leaks.

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

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect(directory).count()
}
