//! Text -> the inside of a JSON string, once or twice over.
//!
//! A whole record travels to CloudWatch Logs as JSON inside a JSON string; both escapes are made in
//! one pass. Most log text needs no escape at all, so it is looked at and copied block by block; a
//! word with a special byte is written by a table. The result is checked against serde_json's.

use std::str;

use crate::cut;

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
#[inline]
pub fn append(text: &[u8], depth: Depth, out: &mut Vec<u8>) -> usize {
    out.reserve(text.len() + text.len() / 8);
    let table = match depth {
        Depth::Once => &ONCE,
        Depth::Twice => &TWICE,
    };
    if text.is_ascii() || str::from_utf8(text).is_ok() {
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

/// As [`append`], but stops soon after the reader would see more than so many bytes: a text that is
/// too long anyway is not written to its end.
#[inline]
pub fn append_within(text: &[u8], depth: Depth, most: usize, out: &mut Vec<u8>) -> usize {
    if text.len() <= LONG {
        return append(text, depth, out);
    }
    append_long(text, depth, most, out)
}

fn append_long(text: &[u8], depth: Depth, most: usize, out: &mut Vec<u8>) -> usize {
    let (start, mut overhead) = (out.len(), 0);
    for part in cut::plain_parts(text, LONG) {
        if out.len() - start - overhead > most {
            break;
        }
        overhead += append(part, depth, out);
    }
    overhead
}

/// Blocks without a special byte are copied at once: a copy of a fixed length is a few instructions,
/// where one of any length is a call.
fn append_valid(text: &[u8], table: &Table, out: &mut Vec<u8>) -> usize {
    let mut overhead = 0;
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        if block
            .iter()
            .fold(false, |any, &byte| any | is_special(byte))
        {
            overhead += append_block(block, table, out);
        } else {
            out.extend_from_slice(block);
        }
    }
    overhead + append_rest(rest, table, out)
}

/// A block with a special byte, written in a place of its own and then appended at once.
fn append_block(block: &[u8; BLOCK], table: &Table, out: &mut Vec<u8>) -> usize {
    let mut written = Written::<{ BLOCK * LONGEST }>::new();
    for word in block.as_chunks::<WORD>().0 {
        if has_special(u64::from_le_bytes(*word)) {
            written.push_forms(word, table);
        } else {
            written.push(word);
        }
    }
    written.append_to(out)
}

/// Less than a block.
fn append_rest(text: &[u8], table: &Table, out: &mut Vec<u8>) -> usize {
    let append_forms = |text: &[u8], out: &mut Vec<u8>| {
        let mut written = Written::<{ WORD * LONGEST }>::new();
        written.push_forms(text, table);
        written.append_to(out)
    };
    let mut overhead = 0;
    let (words, rest) = text.as_chunks::<WORD>();
    for word in words {
        if has_special(u64::from_le_bytes(*word)) {
            overhead += append_forms(word, out);
        } else {
            out.extend_from_slice(word);
        }
    }
    overhead + append_forms(rest, out)
}

/// What a few bytes become.
struct Written<const ROOM: usize> {
    bytes: [u8; ROOM],
    len: usize,
    overhead: usize,
}

impl<const ROOM: usize> Written<ROOM> {
    #[inline]
    fn new() -> Self {
        Self {
            bytes: [0; ROOM],
            len: 0,
            overhead: 0,
        }
    }

    #[inline]
    fn push(&mut self, word: &[u8; WORD]) {
        self.bytes[self.len..self.len + WORD].copy_from_slice(word);
        self.len += WORD;
    }

    /// Every byte, special or not, is written by the table, without a branch.
    #[inline]
    fn push_forms(&mut self, text: &[u8], table: &Table) {
        for &byte in text {
            let form = &table[usize::from(byte)];
            self.bytes[self.len..self.len + LONGEST].copy_from_slice(&form.bytes);
            self.len += usize::from(form.len);
            self.overhead += usize::from(form.overhead);
        }
    }

    #[inline]
    fn append_to(&self, out: &mut Vec<u8>) -> usize {
        out.extend_from_slice(&self.bytes[..self.len]);
        self.overhead
    }
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
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

/// A text that is longer is written in parts of so many bytes where it may be too long.
pub const LONG: usize = 32 * 1024;
const BLOCK: usize = 32;
const WORD: usize = 8;
/// Room for the longest form of a byte, `\\\\u001f`, rounded up to what is copied at once.
const LONGEST: usize = 8;
const EACH: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f * EACH;
const HIGH_BITS: u64 = 0x80 * EACH;

/// How a byte is written.
#[derive(Clone, Copy)]
struct Form {
    bytes: [u8; LONGEST],
    len: u8,
    overhead: u8,
}

type Table = [Form; 256];

static ONCE: Table = table(Depth::Once);
static TWICE: Table = table(Depth::Twice);

const fn table(depth: Depth) -> Table {
    let mut table = [form(0, depth); 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = form(byte as u8, depth);
        byte += 1;
    }
    table
}

#[expect(clippy::cast_possible_truncation, reason = "at most LONGEST")]
const fn form(byte: u8, depth: Depth) -> Form {
    let mut inner = [0; LONGEST];
    let inner_len = escape_once(byte, &mut inner);
    match depth {
        // The stored text is the one byte.
        Depth::Once => Form {
            bytes: inner,
            len: inner_len as u8,
            overhead: inner_len as u8 - 1,
        },
        // The stored text is the inner escape.
        Depth::Twice => {
            let mut bytes = [0; LONGEST];
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
            Form {
                bytes,
                len: len as u8,
                overhead: (len - inner_len) as u8,
            }
        }
    }
}

const fn escape_once(byte: u8, to: &mut [u8; LONGEST]) -> usize {
    if !is_special(byte) {
        to[0] = byte;
        return 1;
    }
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
    use proptest::prelude::*;

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

    /// Bytes of which many are text, and some form characters of several bytes.
    fn bytes(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            8 => (0..0x80_u8).prop_map(|byte| vec![byte]),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
            1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        ];
        prop::collection::vec(part, length).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn random_text_is_escaped_as_the_oracle_does(bytes in bytes(0..200)) {
            check(&bytes);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_long_text_is_written_as_a_whole_or_beyond_the_most(
            part in bytes(1..100),
            length in LONG..LONG * 2,
            share in 0.0..3.0,
        ) {
            // Repeated, as a long text takes long to make at random.
            let text: Vec<u8> = part.into_iter().cycle().take(length).collect();
            let most = (text.len() as f64 * share) as usize;
            let (whole, overhead) = escaped(&text, Depth::Twice);
            let mut out = Vec::new();
            let found = append_within(&text, Depth::Twice, most, &mut out);
            assert!(whole.as_bytes().starts_with(&out));
            if out.len() < whole.len() {
                assert!(out.len() - found > most);
                assert!(out.len() - found <= most + 6 * LONG);
            } else {
                assert_eq!(found, overhead);
            }
        }
    }
}
