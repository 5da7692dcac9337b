//! Text -> the inside of a JSON string, once or twice over, as far as it may be needed.
//!
//! `json-escape` checks and escapes a text in one pass; a long text is given to it in parts.

pub use json_escape::{Depth, append};

use crate::batch::oversize;

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
    for part in oversize::plain_parts(text, LONG) {
        if out.len() - start - overhead > most {
            break;
        }
        overhead += append(part, depth, out);
    }
    overhead
}

/// A text that is longer is written in parts of so many bytes where it may be too long.
pub const LONG: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &[u8], depth: Depth) -> (Vec<u8>, usize) {
        let mut out = Vec::new();
        let overhead = append(text, depth, &mut out);
        (out, overhead)
    }

    #[test]
    fn a_long_text_is_written_as_a_whole_or_beyond_the_most() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..40 {
            let characters = ['a', '\u{1}', '"', '\u{e9}', '\u{20ac}', '\u{1f600}'];
            let text: String = (0..random.usize(LONG..LONG * 2))
                .map(|_| *random.choice(&characters).unwrap())
                .collect();
            let mut text = text.into_bytes();
            if round % 2 == 0 {
                text.iter_mut().for_each(|byte| *byte = byte.rotate_left(3));
            }
            let most = random.usize(..text.len() * 3);
            let (whole, overhead) = escaped(&text, Depth::Twice);
            let mut out = Vec::new();
            let found = append_within(&text, Depth::Twice, most, &mut out);
            assert!(whole.starts_with(&out));
            if out.len() < whole.len() {
                assert!(out.len() - found > most);
                assert!(out.len() - found <= most + 6 * LONG);
            } else {
                assert_eq!(found, overhead);
            }
        }
    }
}
