//! An item beyond the service's limit -> parts within it.
//!
//! The text is cut where it lies, in its escaped form, and only between characters: an escape or a
//! multi-byte character is never parted.

/// Where to cut escaped text so that what it stands for is as long as allowed: the escaped length.
///
/// Escapes are those of one JSON string, whatever the text itself may hold.
#[must_use]
pub fn fitting(escaped: &[u8], limit: usize) -> usize {
    let mut at = 0;
    let mut text = 0;
    while at < escaped.len() {
        let (escaped_len, text_len) = character(&escaped[at..]);
        if text + text_len > limit {
            break;
        }
        at += escaped_len;
        text += text_len;
    }
    at
}

/// How long the text is that escaped text stands for.
#[must_use]
pub fn text_len(escaped: &[u8]) -> usize {
    let mut at = 0;
    let mut text = 0;
    while at < escaped.len() {
        let (escaped_len, text_len) = character(&escaped[at..]);
        at += escaped_len;
        text += text_len;
    }
    text
}

/// The bytes of one character: as escaped, and as text.
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

/// Cuts escaped text into parts of at most so many bytes of text each.
pub fn parts(escaped: &[u8], limit: usize) -> impl Iterator<Item = &[u8]> {
    // No character is longer than this, so that every part holds one at least.
    let limit = limit.max(4);
    let mut rest = escaped;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = rest.split_at(fitting(rest, limit));
        rest = after;
        Some(part)
    })
}

/// Cuts plain text to so many bytes, its mark included, between characters.
pub fn truncate(text: &mut Vec<u8>, limit: usize) {
    let mut end = limit.saturating_sub(TRUNCATED.len()).min(text.len());
    // Bytes that are no characters have no border to look for, so the search is short.
    let continues = |byte: &u8| (0x80..0xc0).contains(byte);
    for _ in 0..3 {
        if text.get(end).is_some_and(continues) && end > 0 {
            end -= 1;
        }
    }
    text.truncate(end);
    text.extend_from_slice(TRUNCATED.as_bytes());
}

/// What a cut item ends in.
pub const TRUNCATED: &str = "[Truncated...]";

/// What one of several parts ends in.
#[must_use]
pub fn part_mark(number: usize, of: usize) -> String {
    format!("[Part {number}/{of}]")
}

/// Room for the longest mark: a chunk has no more than some ten million parts.
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
    fn a_cut_is_between_characters_and_as_late_as_allowed() {
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
            ("abcdef", 17, "abc"),
            ("aé€", 16, "a"),
            ("aé€", 17, "aé"),
            ("😀😀", 21, "😀"),
        ] {
            let mut cut = [text, "and a long tail"].concat().into_bytes();
            truncate(&mut cut, limit);
            assert_eq!(String::from_utf8(cut).unwrap(), [kept, TRUNCATED].concat());
        }
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        for limit in 1..=20 {
            let parts: Vec<&[u8]> = parts(ESCAPED.as_bytes(), limit).collect();
            assert_eq!(parts.concat(), ESCAPED.as_bytes());
            assert!(
                parts
                    .iter()
                    .all(|part| unescaped(part).len() <= limit.max(4) && !part.is_empty())
            );
        }
    }
}
