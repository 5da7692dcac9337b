//! Memory with guard pages, which faults on access beyond its end or after its drop.

use std::io;
use std::ptr::{self, NonNull};

/// A mapping of pages, unmapped on drop.
#[derive(Debug)]
pub(super) struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: an owned mapping, which belongs to no thread.
unsafe impl Send for Mapping {}
// SAFETY: nothing is changed through a shared reference, only through the raw address.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps zeroed pages. `len` is a multiple of [`page_size`].
    ///
    /// # Panics
    ///
    /// When the system cannot map memory.
    pub(super) fn new(len: usize) -> Self {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the system's choice; it replaces nothing.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, access, flags, -1, 0) };
        assert_ne!(
            base,
            libc::MAP_FAILED,
            "mmap of {len} bytes: {}",
            io::Error::last_os_error()
        );
        Self {
            base: NonNull::new(base.cast()).expect("mmap never maps null"),
            len,
        }
    }

    /// Removes all access to one page.
    ///
    /// # Panics
    ///
    /// When the page is not in this mapping.
    pub(super) fn forbid_page(&self, at: usize) {
        assert!(at + page_size() <= self.len);
        // SAFETY: a page of this mapping, which nothing refers to yet.
        let failed = unsafe { libc::mprotect(self.at(at).cast(), page_size(), libc::PROT_NONE) };
        assert_eq!(failed, 0, "mprotect: {}", io::Error::last_os_error());
    }

    /// The address at `offset` bytes into the mapping.
    ///
    /// # Panics
    ///
    /// When `offset` is beyond the end.
    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset <= self.len);
        // SAFETY: within the mapping or at its end.
        unsafe { self.base.as_ptr().add(offset) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this mapping, which is not used any more.
        let failed = unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
        debug_assert_eq!(failed, 0);
    }
}

/// Memory lent to a plugin: bytes followed by a guard page. Access beyond the end, and access after the
/// drop, is a fault.
#[derive(Debug)]
pub(super) struct Loan {
    mapping: Mapping,
    start: usize,
}

impl Loan {
    /// Lends a copy of `bytes`. Structures whose size is a multiple of their alignment are aligned.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let loan = Self::zeroed(bytes.len());
        // SAFETY: the mapping is new and has room for `bytes` between `start` and its guard.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), loan.address(), bytes.len()) };
        loan
    }

    /// Lends `len` zero bytes.
    pub(super) fn zeroed(len: usize) -> Self {
        let usable = len.next_multiple_of(page_size());
        let mapping = Mapping::new(usable + page_size());
        mapping.forbid_page(usable);
        Self {
            mapping,
            start: usable - len,
        }
    }

    pub(super) fn address(&self) -> *mut u8 {
        self.mapping.at(self.start)
    }
}

pub(super) fn page_size() -> usize {
    // SAFETY: asks for a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).expect("every system has a page size")
}

#[cfg(test)]
mod tests {
    use std::{fs, slice};

    use super::*;

    /// The access rights of an address in `/proc/self/maps`; `None` if it is not mapped.
    fn access(address: usize) -> Option<String> {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().find_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            let [start, end] = [start, end].map(|bound| usize::from_str_radix(bound, 16).unwrap());
            (start..end)
                .contains(&address)
                .then(|| rest[..4].to_owned())
        })
    }

    #[test]
    fn a_loan_can_be_read_to_its_last_byte_and_no_further() {
        for len in [1, 7, page_size(), page_size() + 1] {
            let loan = Loan::of(&vec![7; len]);
            let start = loan.address() as usize;
            assert_eq!(access(start + len - 1).as_deref(), Some("rw-p"));
            assert_eq!(access(start + len).as_deref(), Some("---p"));
            // SAFETY: as long as what was lent.
            let bytes = unsafe { slice::from_raw_parts(loan.address(), len) };
            assert_eq!(bytes, vec![7; len]);
        }
    }
}
