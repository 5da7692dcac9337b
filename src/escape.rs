//! Text -> the inside of a JSON string, once or twice over.
//!
//! A whole record travels to CloudWatch Logs as JSON inside a JSON string; both escapes are made in
//! one pass. Eight bytes are looked at together, and a run of ordinary text is copied whole, as most
//! log text needs no escape at all. The loop is checked against a byte-by-byte oracle.

use std::str;

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
}

/// Appends the escaped text; bytes that are not UTF-8 become U+FFFD, as the services count them.
///
/// Returns how many of the appended bytes the outermost string's reader will not see: what is
/// appended less this is the length of the text that the service stores.
pub fn append(text: &[u8], depth: Depth, out: &mut Vec<u8>) -> usize {
    out.reserve(text.len() + text.len() / 8);
    let table = match depth {
        Depth::Once => &ONCE,
        Depth::Twice => &TWICE,
    };
    if str::from_utf8(text).is_ok() {
        return append_valid(text, table, out);
    }
    let mut overhead = 0;
    for chunk in text.utf8_chunks() {
        overhead += append_valid(chunk.valid().as_bytes(), table, out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    overhead
}

fn append_valid(text: &[u8], table: &Table, out: &mut Vec<u8>) -> usize {
    let mut overhead = 0;
    let mut copied = 0;
    let mut escape = |at: usize, out: &mut Vec<u8>| {
        out.extend_from_slice(&text[copied..at]);
        let escape = &table[usize::from(text[at])];
        out.extend_from_slice(&escape.bytes[..escape.len]);
        overhead += escape.overhead;
        copied = at + 1;
    };
    let (words, tail) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let mut special = special_bytes(u64::from_le_bytes(*word));
        while special != 0 {
            escape(index * 8 + special.trailing_zeros() as usize / 8, out);
            special &= special - 1;
        }
    }
    let from = text.len() - tail.len();
    for (index, &byte) in tail.iter().enumerate() {
        if is_special(byte) {
            escape(from + index, out);
        }
    }
    out.extend_from_slice(&text[copied..]);
    overhead
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The high bit of each byte that must be escaped. Exact: no carry passes from byte to byte.
#[inline]
const fn special_bytes(word: u64) -> u64 {
    let low = word & LOW_BITS;
    let control = !((low + 0x60 * EACH) | word);
    let quote = zero_bytes(word ^ (b'"' as u64 * EACH));
    let backslash = zero_bytes(word ^ (b'\\' as u64 * EACH));
    (control | quote | backslash) & HIGH_BITS
}

#[inline]
const fn zero_bytes(word: u64) -> u64 {
    !(((word & LOW_BITS) + LOW_BITS) | word)
}

const EACH: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f * EACH;
const HIGH_BITS: u64 = 0x80 * EACH;

/// What stands for a byte.
#[derive(Clone, Copy)]
struct Escape {
    bytes: [u8; 8],
    len: usize,
    overhead: usize,
}

type Table = [Escape; 256];

static ONCE: Table = table(Depth::Once);
static TWICE: Table = table(Depth::Twice);

const fn table(depth: Depth) -> Table {
    let mut table = [Escape {
        bytes: [0; 8],
        len: 0,
        overhead: 0,
    }; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte as usize] = escape(byte, depth);
        byte += 1;
    }
    table[b'"' as usize] = escape(b'"', depth);
    table[b'\\' as usize] = escape(b'\\', depth);
    table
}

const fn escape(byte: u8, depth: Depth) -> Escape {
    let mut inner = [0; 8];
    let inner_len = escape_once(byte, &mut inner);
    match depth {
        // The stored text is the one byte.
        Depth::Once => Escape {
            bytes: inner,
            len: inner_len,
            overhead: inner_len - 1,
        },
        // The stored text is the inner escape.
        Depth::Twice => {
            let mut bytes = [0; 8];
            let mut len = 0;
            let mut at = 0;
            while at < inner_len {
                if is_special(inner[at]) {
                    bytes[len] = b'\\';
                    len += 1;
                }
                bytes[len] = inner[at];
                len += 1;
                at += 1;
            }
            Escape {
                bytes,
                len,
                overhead: len - inner_len,
            }
        }
    }
}

const fn escape_once(byte: u8, to: &mut [u8; 8]) -> usize {
    to[0] = b'\\';
    to[1] = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => b'u',
    };
    if to[1] != b'u' {
        return 2;
    }
    to[2] = b'0';
    to[3] = b'0';
    to[4] = HEX[(byte >> 4) as usize];
    to[5] = HEX[(byte & 0x0f) as usize];
    6
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &[u8], depth: Depth) -> (String, usize) {
        let mut out = Vec::new();
        let overhead = append(text, depth, &mut out);
        (String::from_utf8(out).unwrap(), overhead)
    }

    /// What serde_json writes, without the quotes around it.
    fn oracle(text: &str) -> String {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    }

    fn check(bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let once = oracle(&text);
        let twice = oracle(&once);
        let overhead = once.len() - text.len();
        assert_eq!(
            escaped(bytes, Depth::Once),
            (once.clone(), overhead),
            "{bytes:x?}"
        );
        let overhead = twice.len() - once.len();
        assert_eq!(
            escaped(bytes, Depth::Twice),
            (twice, overhead),
            "{bytes:x?}"
        );
    }

    #[test]
    fn every_byte_at_every_place_of_a_word_is_escaped_as_the_oracle_does() {
        for byte in 0..=255 {
            for place in 0..11 {
                let mut text = *b"hello world";
                text[place] = byte;
                check(&text);
            }
        }
    }

    #[test]
    fn pairs_of_special_bytes_do_not_disturb_each_other() {
        for first in 0..=255 {
            for second in [0, 0x1f, 0x20, b'"', b'\\', 0x7f, 0x80, 0xff] {
                check(&[b'a', first, second, b'b', second, first, b'c', b'd', first]);
            }
        }
    }

    #[test]
    fn random_text_is_escaped_as_the_oracle_does() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        println!("seed {state:#x}");
        for len in (0..200).cycle().take(4000) {
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let byte = (state >> 32) as u8;
                    if state & 7 == 0 { byte } else { byte & 0x7f }
                })
                .collect();
            check(&bytes);
        }
    }
}
