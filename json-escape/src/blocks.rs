//! A text, a vector at a time.

use std::ptr;

use crate::table::{LONGEST, Table, is_special};
use crate::utf8::Check;

/// Bytes that the processor works on together.
pub(crate) trait Vector: Copy {
    /// How many they are.
    const BYTES: usize;
    /// Bits of [`Vector::high_bit_mask`] for each of them.
    const BITS: u32;

    /// Reads a vector.
    ///
    /// # Safety
    ///
    /// As many bytes as it has can be read from there.
    unsafe fn load(from: *const u8) -> Self;

    /// Writes the vector.
    ///
    /// # Safety
    ///
    /// As many bytes as it has can be written there.
    unsafe fn store(self, to: *mut u8);

    fn splat(byte: u8) -> Self;
    fn or(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// Each byte less the other's, at least zero.
    fn less_or_zero(self, other: Self) -> Self;
    /// The four high bits of each byte.
    fn high_bits(self) -> Self;
    /// Of each byte, which is below 16, what the table has for it.
    fn look_up(self, table: &[u8; 16]) -> Self;
    /// The bytes that stand so many places before these.
    fn behind<const PLACES: usize>(self, before: Self) -> Self
    where
        Self: Sized;
    /// The largest bytes that may end a text: nothing must be missing behind the last three.
    fn last_begins() -> Self;
    fn is_zero(self) -> bool;
    /// All bits of each byte that is below a space, a quotation mark or a backslash.
    fn specials(self) -> Self;
    /// Whether the high bit of a byte is set.
    fn has_high_bit(self) -> bool;
    /// Of [`Vector::specials`], for each byte [`Vector::BITS`] bits, of which the lowest is set for a
    /// special byte, and no other is set.
    fn high_bit_mask(self) -> u64;
}

/// Appends the escaped text and returns the overhead; appends nothing where the text is not UTF-8.
#[inline(always)]
pub(crate) fn escape<V: Vector>(text: &[u8], table: &Table, out: &mut Vec<u8>) -> Option<usize> {
    out.reserve(text.len() + room::<V>());
    let mut writer = Writer {
        start: out.len(),
        len: out.len(),
        overhead: 0,
        out,
        table,
        check: Check::<V>::new(),
    };
    let mut at = 0;
    // While a vector can be read from behind any byte of the block.
    while at + 2 * V::BYTES <= text.len() {
        // SAFETY: two blocks can be read.
        unsafe { writer.block(text.as_ptr().wrapping_add(at), V::BYTES, text.len() - at) };
        at += V::BYTES;
    }
    if at < text.len() {
        writer.end(text, at);
    }
    writer.finish()
}

/// What a block may become, and what is written beyond it.
const fn room<V: Vector>() -> usize {
    V::BYTES * LONGEST + V::BYTES
}

/// Writes behind the end of a vector whose capacity it knows to be enough.
struct Writer<'o, V> {
    out: &'o mut Vec<u8>,
    table: &'o Table,
    start: usize,
    /// Where the next byte goes: all before are written. The capacity is never less than this, what is
    /// left of the text, and [`room`].
    len: usize,
    overhead: usize,
    check: Check<V>,
}

impl<V: Vector> Writer<'_, V> {
    /// Writes the first `count` bytes at `from`, which are a block or the end of the text, of which
    /// there are `left` bytes more, with these.
    ///
    /// # Safety
    ///
    /// Two blocks can be read from there.
    #[inline(always)]
    unsafe fn block(&mut self, from: *const u8, count: usize, left: usize) {
        // SAFETY: the caller's.
        let vector = unsafe { V::load(from) };
        // SAFETY: there is room for a block and more behind `len`.
        unsafe { vector.store(self.to()) };
        let specials = vector.specials();
        if !specials.or(vector).has_high_bit() {
            self.check.ascii(vector);
            self.len += count;
            return;
        }
        if vector.has_high_bit() {
            self.check.any(vector);
        } else {
            self.check.ascii(vector);
        }
        let beyond = u64::MAX.checked_shl(count as u32 * V::BITS).unwrap_or(0);
        let mask = specials.high_bit_mask() & !beyond;
        if mask == 0 {
            self.len += count;
            return;
        }
        // SAFETY: two blocks can be read, and each bit is of a special byte of the first.
        unsafe { self.forms(from, count, mask) };
        self.make_room(left - count);
    }

    /// Writes a block of which some bytes are special, and which is already behind the end.
    ///
    /// # Safety
    ///
    /// Two blocks can be read; bits are set for bytes of the first one alone.
    #[inline(always)]
    unsafe fn forms(&mut self, from: *const u8, count: usize, mut mask: u64) {
        let mut done = 0;
        while mask != 0 {
            let place = (mask.trailing_zeros() / V::BITS) as usize;
            mask &= mask - 1;
            // SAFETY: the place is in the first block.
            let byte = unsafe { *from.wrapping_add(place) };
            debug_assert!(is_special(byte));
            let form = &self.table[usize::from(byte)];
            self.len += place - done;
            // SAFETY: a block of the longest forms, and a block more, have room.
            unsafe { ptr::copy_nonoverlapping(form.bytes.as_ptr(), self.to(), LONGEST) };
            self.len += usize::from(form.len);
            self.overhead += usize::from(form.overhead);
            done = place + 1;
            // SAFETY: a block can be read from behind every byte of the first one.
            let rest = unsafe { V::load(from.wrapping_add(done)) };
            // SAFETY: as above; what is behind the form is at most a block.
            unsafe { rest.store(self.to()) };
        }
        self.len += count - done;
    }

    /// Writes what is less than two blocks, from where two blocks can be read.
    #[inline(always)]
    fn end(&mut self, text: &[u8], at: usize) {
        let mut end = [0; MOST_END];
        let rest = text.len() - at;
        let begin = match text.last_chunk::<MOST_REST>() {
            // A copy of a fixed length is a few instructions, where one of any length is a call.
            Some(last) => {
                end[..MOST_REST].copy_from_slice(last);
                MOST_REST - rest
            }
            None => {
                end[..rest].copy_from_slice(&text[at..]);
                0
            }
        };
        let from = end[begin..].as_ptr();
        let first = rest.min(V::BYTES);
        // SAFETY: what is copied begins in the first two of four blocks.
        unsafe { self.block(from, first, rest) };
        if rest > first {
            // SAFETY: what is copied ends in the first two of four blocks, so that this begins there.
            unsafe { self.block(from.wrapping_add(first), rest - first, rest - first) };
        }
    }

    #[inline(always)]
    fn to(&mut self) -> *mut u8 {
        debug_assert!(self.len + V::BYTES <= self.out.capacity());
        self.out.as_mut_ptr().wrapping_add(self.len)
    }

    /// After a block that took more than it was long.
    #[inline(always)]
    fn make_room(&mut self, left: usize) {
        if self.out.capacity() - self.len < left + room::<V>() {
            self.grow(left);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, left: usize) {
        // SAFETY: all bytes before are written.
        unsafe { self.out.set_len(self.len) };
        self.out.reserve(left + left / 8 + room::<V>());
    }

    #[inline(always)]
    fn finish(self) -> Option<usize> {
        let is_valid = self.check.is_valid();
        let len = if is_valid { self.len } else { self.start };
        // SAFETY: all bytes before are written.
        unsafe { self.out.set_len(len) };
        is_valid.then_some(self.overhead)
    }
}

/// Two blocks of the widest vectors.
const MOST_REST: usize = 64;
const MOST_END: usize = 2 * MOST_REST;

/// The largest bytes that may end a text: nothing is missing behind the last three.
pub(crate) const fn last_begins<const BYTES: usize>() -> [u8; BYTES] {
    let mut last = [0xff; BYTES];
    last[BYTES - 3] = 0xf0 - 1;
    last[BYTES - 2] = 0xe0 - 1;
    last[BYTES - 1] = 0xc0 - 1;
    last
}
