//! Without vectors: a word at a time, and a word with a special byte by the table.

use crate::table::{LONGEST, Table};

/// As [`crate::Escape`]. Every arm64 processor has vectors.
#[cfg(any(test, not(target_arch = "aarch64")))]
pub(crate) fn escape(text: &[u8], table: &Table, out: &mut Vec<u8>) -> Option<usize> {
    let is_text = text.is_ascii() || std::str::from_utf8(text).is_ok();
    is_text.then(|| append_valid(text, table, out))
}

/// Appends text that is UTF-8; returns the overhead.
pub(crate) fn append_valid(text: &[u8], table: &Table, out: &mut Vec<u8>) -> usize {
    out.reserve(text.len() + text.len() / 8);
    let mut overhead = 0;
    let (words, rest) = text.as_chunks::<WORD>();
    for word in words {
        if has_special(u64::from_le_bytes(*word)) {
            overhead += append_forms(word, table, out);
        } else {
            out.extend_from_slice(word);
        }
    }
    overhead + append_forms(rest, table, out)
}

/// Every byte of a word, special or not, is written by the table, without a branch.
fn append_forms(word: &[u8], table: &Table, out: &mut Vec<u8>) -> usize {
    let mut written = [0; WORD * LONGEST];
    let (mut len, mut overhead) = (0, 0);
    for &byte in word {
        let form = &table[usize::from(byte)];
        written[len..len + LONGEST].copy_from_slice(&form.bytes);
        len += usize::from(form.len);
        overhead += usize::from(form.overhead);
    }
    out.extend_from_slice(&written[..len]);
    overhead
}

/// Whether a byte of the word must be escaped. Exact: no carry passes from byte to byte.
#[inline]
const fn has_special(word: u64) -> bool {
    let low = word & LOW_BITS;
    let control = !((low + 0x60 * EACH) | word);
    let quote = zero_bytes(word ^ (b'"' as u64 * EACH));
    let backslash = zero_bytes(word ^ (b'\\' as u64 * EACH));
    (control | quote | backslash) & HIGH_BITS != 0
}

#[inline]
const fn zero_bytes(word: u64) -> u64 {
    !(((word & LOW_BITS) + LOW_BITS) | word)
}

const WORD: usize = 8;
const EACH: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f * EACH;
const HIGH_BITS: u64 = 0x80 * EACH;
