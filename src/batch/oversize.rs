//! An item beyond the service's limit -> a truncated item, or parts within the limit.
//!
//! The text is cut in place, in its escaped or plain form. A cut never divides an escape sequence or
//! a multi-byte character.

/// How an item beyond the limit is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Oversize {
    /// In numbered parts.
    Split,
    /// Truncated, with a mark.
    Truncate,
}

/// The length of the longest prefix of escaped text whose unescaped form has at most `limit` bytes.
///
/// Only the escapes of one JSON string are resolved. Escapes inside the text itself are plain text.
#[must_use]
pub fn fitting(escaped: &[u8], limit: usize) -> usize {
    fitting_from((0, 0), escaped, limit).0
}

/// Like [`fitting`], but continues after a prefix whose escaped and unescaped lengths are known.
/// Returns both lengths of the prefix that fits.
#[must_use]
pub fn fitting_from(known: (usize, usize), escaped: &[u8], limit: usize) -> (usize, usize) {
    let (mut at, mut text) = known;
    while at < escaped.len() {
        let (escaped_len, text_len) = character(&escaped[at..]);
        if text + text_len > limit {
            break;
        }
        at += escaped_len;
        text += text_len;
    }
    (at, text)
}

/// The unescaped length of escaped text.
#[must_use]
pub fn text_len(escaped: &[u8]) -> usize {
    fitting_from((0, 0), escaped, usize::MAX).1
}

/// The length of the first character: escaped and unescaped.
fn character(escaped: &[u8]) -> (usize, usize) {
    let (escaped_len, text_len) = match escaped {
        [b'\\', b'u', ..] => (6, 1),
        [b'\\', ..] => (2, 1),
        [0xf0..=0xff, ..] => (4, 4),
        [0xe0..=0xef, ..] => (3, 3),
        [0xc0..=0xdf, ..] => (2, 2),
        _ => (1, 1),
    };
    (escaped_len.min(escaped.len()), text_len)
}

/// The length of the longest prefix of plain text within the limit that ends between characters.
///
/// Bytes that are not UTF-8 may be cut anywhere.
#[must_use]
pub fn plain_fitting(text: &[u8], limit: usize) -> usize {
    if text.len() <= limit {
        return text.len();
    }
    // A UTF-8 character has at most three bytes after its first byte.
    let begins = |&at: &usize| !(0x80..0xc0).contains(&text[at]);
    let earliest = limit.saturating_sub(3).max(1);
    (earliest..=limit).rev().find(begins).unwrap_or(limit)
}

/// Splits plain text into parts of at most `limit` bytes.
pub fn plain_parts(text: &[u8], limit: usize) -> impl Iterator<Item = &[u8]> {
    // A UTF-8 character has at most 4 bytes. A smaller limit could make an empty part.
    let limit = limit.max(4);
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = rest.split_at(plain_fitting(rest, limit));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// The end of a truncated item.
pub const TRUNCATED: &str = "[Truncated...]";

/// The end of one of several parts.
#[must_use]
pub fn part_mark(number: usize, of: usize) -> String {
    format!("[Part {number}/{of}]")
}

/// The size of the longest mark. A chunk has less than 100 million parts.
pub const MARK_ROOM: usize = "[Part 99999999/99999999]".len();

#[cfg(test)]
mod tests {
    use super::*;

    const ESCAPED: &str = r#"a\"\\\n\u0001é€😀z"#;
    const LENGTHS: [usize; 9] = [1, 1, 1, 1, 1, 2, 3, 4, 1];

    fn unescaped(escaped: &[u8]) -> String {
        serde_json::from_str(&format!("\"{}\"", std::str::from_utf8(escaped).unwrap())).unwrap()
    }

    #[test]
    fn the_longest_prefix_of_whole_characters_within_the_limit_fits() {
        let ends: Vec<usize> = LENGTHS
            .iter()
            .scan(0, |end, len| {
                *end += len;
                Some(*end)
            })
            .collect();
        for limit in 0..=20 {
            let text = unescaped(&ESCAPED.as_bytes()[..fitting(ESCAPED.as_bytes(), limit)]);
            let longest = ends
                .iter()
                .copied()
                .filter(|&end| end <= limit)
                .max()
                .unwrap_or(0);
            assert_eq!(text.len(), longest, "limit {limit}");
        }
    }

    #[test]
    fn plain_text_is_cut_between_characters() {
        for (text, limit, kept) in [
            ("abcdef", 3, 3),
            ("aé€", 2, 1),
            ("aé€", 3, 3),
            ("aé€", 6, 6),
            ("aé€", 9, 6),
            ("😀😀", 7, 4),
        ] {
            assert_eq!(
                plain_fitting(text.as_bytes(), limit),
                kept,
                "{text}, {limit}"
            );
        }
        assert_eq!(plain_fitting(&[0x80; 20], 9), 9);
    }

    #[test]
    fn parts_concatenate_to_the_original_and_parts_of_text_are_valid_utf8() {
        let seed = 0x5eed_0c07;
        println!("seed {seed:#x}");
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..3000 {
            let text: String = (0..random.usize(..60))
                .map(|_| random.choice(['a', '\n', 'é', '€', '😀']).unwrap_or('a'))
                .collect();
            let mut bytes = text.clone().into_bytes();
            let is_text = round % 2 == 0;
            if !is_text {
                bytes.iter_mut().for_each(|byte| *byte = random.u8(..));
            }
            let limit = random.usize(..20);
            let parts: Vec<&[u8]> = plain_parts(&bytes, limit).collect();
            assert_eq!(parts.concat(), bytes);
            for part in parts {
                assert!(
                    (1..=limit.max(4)).contains(&part.len()),
                    "{limit}: {part:x?}"
                );
                assert!(
                    !is_text || std::str::from_utf8(part).is_ok(),
                    "{limit}: {text}"
                );
            }
        }
    }
}
