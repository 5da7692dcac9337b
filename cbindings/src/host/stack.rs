//! The small stack of a flush, with a guard page below it.

use std::{ptr, slice};

use super::mapping::{Mapping, page_size};

/// A stack that measures how much of it was used.
pub(super) struct Stack {
    mapping: Mapping,
    size: usize,
}

impl Stack {
    /// A new stack of `size` bytes, rounded up to whole pages and filled with [`PAINT`]. A stack overflow
    /// ends the process with SIGSEGV.
    pub(super) fn painted(size: usize) -> Self {
        let size = size.next_multiple_of(page_size());
        let mapping = Mapping::new(page_size() + size);
        mapping.forbid_page(0);
        let stack = Self { mapping, size };
        // SAFETY: the pages above the guard are this stack's, and nothing runs there yet.
        unsafe { ptr::write_bytes(stack.lowest(), PAINT, size) };
        stack
    }

    pub(super) fn used(&self) -> usize {
        // SAFETY: the whole stack was painted, and nothing runs on it now.
        let bytes = unsafe { slice::from_raw_parts(self.lowest(), self.size) };
        // Block by block, with one memory comparison each, then byte by byte.
        let blocks = bytes
            .chunks(BLOCK)
            .take_while(|block| **block == [PAINT; BLOCK])
            .count();
        let rest = &bytes[blocks * BLOCK..];
        rest.len() - rest.iter().take_while(|&&byte| byte == PAINT).count()
    }

    pub(super) fn lowest(&self) -> *mut u8 {
        self.mapping.at(page_size())
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }
}

/// The fill byte: unlikely in a used stack.
const PAINT: u8 = 0xa5;

/// Bytes that are compared at once; a divisor of the page size.
const BLOCK: usize = 128;
