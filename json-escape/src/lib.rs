//! Text -> the inside of a JSON string, once or twice over.
//!
//! A whole record travels to CloudWatch Logs as JSON inside a JSON string; both escapes are made in
//! one pass. The same pass checks that the text is UTF-8, in vectors where the processor has them:
//!
//! | file | what it does |
//! |---|---|
//! | `table` | how each byte is written |
//! | `blocks` | a text, a vector at a time |
//! | `utf8` | whether vectors that follow each other are UTF-8 |
//! | `avx2`, `neon` | the vectors of x86-64 and of arm64 |
//! | `scalar` | the same without vectors, for other processors |
//!
//! This crate and `cbindings` are the only ones with `unsafe` code. All paths are compared with
//! serde_json's text.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod blocks;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
mod table;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod utf8;

use self::table::{ONCE, TWICE, Table};

/// How deep inside JSON strings a text lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Depth {
    /// In a JSON string.
    Once,
    /// In a JSON string of a JSON text that itself lies in a JSON string.
    Twice,
}

impl Depth {
    /// A quotation mark that belongs to the JSON text at this depth.
    #[must_use]
    pub const fn quote(self) -> &'static [u8] {
        match self {
            Self::Once => b"\"",
            Self::Twice => b"\\\"",
        }
    }

    fn table(self) -> &'static Table {
        match self {
            Self::Once => &ONCE,
            Self::Twice => &TWICE,
        }
    }
}

/// Appends the escaped text; bytes that are not UTF-8 become U+FFFD, as the services count them.
///
/// Returns how many of the appended bytes the outermost string's reader will not see: what is
/// appended less this is the length of the text that the service stores.
pub fn append(text: &[u8], depth: Depth, out: &mut Vec<u8>) -> usize {
    append_by(escape, text, depth.table(), out)
}

/// Appends the escaped text and returns the overhead, or appends nothing where the text is not UTF-8.
type Escape = fn(&[u8], &Table, &mut Vec<u8>) -> Option<usize>;

fn append_by(escape: Escape, text: &[u8], table: &Table, out: &mut Vec<u8>) -> usize {
    match escape(text, table, out) {
        Some(overhead) => overhead,
        None => append_lossy(text, table, out),
    }
}

#[cold]
fn append_lossy(text: &[u8], table: &Table, out: &mut Vec<u8>) -> usize {
    let mut overhead = 0;
    for chunk in text.utf8_chunks() {
        overhead += scalar::append_valid(chunk.valid().as_bytes(), table, out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    overhead
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn escape(text: &[u8], table: &Table, out: &mut Vec<u8>) -> Option<usize> {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::escape(text, table, out) };
    }
    scalar::escape(text, table, out)
}

#[cfg(target_arch = "aarch64")]
use self::neon::escape;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use self::scalar::escape;

#[cfg(test)]
mod tests;
