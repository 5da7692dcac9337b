//! The vectors of x86-64, of 32 bytes.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_alignr_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_subs_epu8, _mm256_testz_si256, _mm256_xor_si256,
};

use crate::blocks::{self, Vector};
use crate::table::Table;

/// As [`crate::Escape`].
#[target_feature(enable = "avx2")]
pub(crate) fn escape(text: &[u8], table: &Table, out: &mut Vec<u8>) -> Option<usize> {
    blocks::escape::<Avx2>(text, table, out)
}

/// Made in [`escape`] alone, so that the processor has AVX2 wherever there is one.
#[derive(Clone, Copy)]
struct Avx2(__m256i);

impl Vector for Avx2 {
    const BYTES: usize = 32;
    const BITS: u32 = 1;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's; the processor has AVX2.
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller's; the processor has AVX2.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) };
    }

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_set1_epi8(byte.cast_signed()) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_or_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn less_or_zero(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_subs_epu8(self.0, other.0) })
    }

    #[inline(always)]
    fn high_bits(self) -> Self {
        // SAFETY: the processor has AVX2.
        let shifted = unsafe { _mm256_srli_epi16::<4>(self.0) };
        Self(shifted).and(Self::splat(0x0f))
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16]) -> Self {
        // SAFETY: the table has as many bytes as are read.
        let half = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
        // SAFETY: the processor has AVX2.
        let table = unsafe { _mm256_broadcastsi128_si256(half) };
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_shuffle_epi8(table, self.0) })
    }

    #[inline(always)]
    fn behind<const PLACES: usize>(self, before: Self) -> Self {
        // SAFETY: the processor has AVX2.
        let between = unsafe { _mm256_permute2x128_si256::<0x21>(before.0, self.0) };
        match PLACES {
            // SAFETY: the processor has AVX2.
            1 => Self(unsafe { _mm256_alignr_epi8::<15>(self.0, between) }),
            // SAFETY: the processor has AVX2.
            2 => Self(unsafe { _mm256_alignr_epi8::<14>(self.0, between) }),
            // SAFETY: the processor has AVX2.
            _ => Self(unsafe { _mm256_alignr_epi8::<13>(self.0, between) }),
        }
    }

    #[inline(always)]
    fn last_begins() -> Self {
        const LAST: [u8; 32] = blocks::last_begins();
        // SAFETY: the array has as many bytes as are read.
        unsafe { Self::load(LAST.as_ptr()) }
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        // SAFETY: the processor has AVX2.
        unsafe { _mm256_testz_si256(self.0, self.0) == 1 }
    }

    #[inline(always)]
    fn specials(self) -> Self {
        // SAFETY: the processor has AVX2.
        let least = unsafe { _mm256_min_epu8(self.0, Self::splat(0x1f).0) };
        let control = self.equals(Self(least));
        let quote = self.equals(Self::splat(b'"'));
        let backslash = self.equals(Self::splat(b'\\'));
        control.or(quote).or(backslash)
    }

    #[inline(always)]
    fn has_high_bit(self) -> bool {
        self.high_bit_mask() != 0
    }

    #[inline(always)]
    fn high_bit_mask(self) -> u64 {
        // SAFETY: the processor has AVX2.
        let mask = unsafe { _mm256_movemask_epi8(self.0) };
        mask.cast_unsigned().into()
    }
}

impl Avx2 {
    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_cmpeq_epi8(self.0, other.0) })
    }
}
