//! The vectors of arm64, of 16 bytes. Every such processor has them.

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vcltq_u8, vdupq_n_u8, veorq_u8, vextq_u8, vget_lane_u64,
    vld1q_u8, vmaxvq_u8, vorrq_u8, vqsubq_u8, vqtbl1q_u8, vreinterpret_u64_u8,
    vreinterpretq_u16_u8, vshrn_n_u16, vshrq_n_u8, vst1q_u8,
};

use crate::blocks::{self, Vector};
use crate::table::Table;

/// As [`crate::Escape`].
pub(crate) fn escape(text: &[u8], table: &Table, out: &mut Vec<u8>) -> Option<usize> {
    blocks::escape::<Neon>(text, table, out)
}

#[derive(Clone, Copy)]
struct Neon(uint8x16_t);

impl Vector for Neon {
    const BYTES: usize = 16;
    const BITS: u32 = 4;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { vld1q_u8(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller's.
        unsafe { vst1q_u8(to, self.0) };
    }

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        // SAFETY: the processor has NEON.
        Self(unsafe { vdupq_n_u8(byte) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: the processor has NEON.
        Self(unsafe { vorrq_u8(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: the processor has NEON.
        Self(unsafe { vandq_u8(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: the processor has NEON.
        Self(unsafe { veorq_u8(self.0, other.0) })
    }

    #[inline(always)]
    fn less_or_zero(self, other: Self) -> Self {
        // SAFETY: the processor has NEON.
        Self(unsafe { vqsubq_u8(self.0, other.0) })
    }

    #[inline(always)]
    fn high_bits(self) -> Self {
        // SAFETY: the processor has NEON.
        Self(unsafe { vshrq_n_u8::<4>(self.0) })
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16]) -> Self {
        // SAFETY: the table has as many bytes as are read.
        let table = unsafe { vld1q_u8(table.as_ptr()) };
        // SAFETY: the processor has NEON.
        Self(unsafe { vqtbl1q_u8(table, self.0) })
    }

    #[inline(always)]
    fn behind<const PLACES: usize>(self, before: Self) -> Self {
        match PLACES {
            // SAFETY: the processor has NEON.
            1 => Self(unsafe { vextq_u8::<15>(before.0, self.0) }),
            // SAFETY: the processor has NEON.
            2 => Self(unsafe { vextq_u8::<14>(before.0, self.0) }),
            // SAFETY: the processor has NEON.
            _ => Self(unsafe { vextq_u8::<13>(before.0, self.0) }),
        }
    }

    #[inline(always)]
    fn last_begins() -> Self {
        const LAST: [u8; 16] = blocks::last_begins();
        // SAFETY: the array has as many bytes as are read.
        unsafe { Self::load(LAST.as_ptr()) }
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        self.largest() == 0
    }

    #[inline(always)]
    fn specials(self) -> Self {
        // SAFETY: the processor has NEON.
        let control = Self(unsafe { vcltq_u8(self.0, Self::splat(0x20).0) });
        let quote = self.equals(Self::splat(b'"'));
        let backslash = self.equals(Self::splat(b'\\'));
        control.or(quote).or(backslash)
    }

    #[inline(always)]
    fn has_high_bit(self) -> bool {
        self.largest() >= 0x80
    }

    #[inline(always)]
    fn high_bit_mask(self) -> u64 {
        // SAFETY: the processor has NEON.
        let pairs = unsafe { vreinterpretq_u16_u8(self.0) };
        // SAFETY: the processor has NEON.
        let nibbles = unsafe { vshrn_n_u16::<4>(pairs) };
        // SAFETY: the processor has NEON.
        let nibbles = unsafe { vreinterpret_u64_u8(nibbles) };
        // SAFETY: the processor has NEON.
        let nibbles = unsafe { vget_lane_u64::<0>(nibbles) };
        nibbles & 0x1111_1111_1111_1111
    }
}

impl Neon {
    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        // SAFETY: the processor has NEON.
        Self(unsafe { vceqq_u8(self.0, other.0) })
    }

    #[inline(always)]
    fn largest(self) -> u8 {
        // SAFETY: the processor has NEON.
        unsafe { vmaxvq_u8(self.0) }
    }
}
