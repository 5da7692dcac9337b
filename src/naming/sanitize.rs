//! What the services accept as a name.
//!
//! Cleaning works in place and never makes a name longer, so a name that is
//! fine already, the common one, costs a look at its bytes.

use cbindings::line::is_control;

/// Makes the bytes from `from` on a log group name: 512 bytes at most, of
/// `A-Z a-z 0-9 . - _ / #`, each other character replaced by one dot.
///
/// The set is that of `CreateLogGroup`. Go also replaces `#`, which is legal,
/// and puts a dot for each byte of a character. Nothing is added to an empty name.
pub fn clean_group(name: &mut Vec<u8>, from: usize) {
    clean(name, from, LONGEST, &IN_GROUPS, |_| false);
}

/// Makes the bytes from `from` on the name of a delivery stream: 64 bytes at most, of
/// `A-Z a-z 0-9 _ . -`, each other character replaced by one dot.
///
/// The set is that of `CreateDeliveryStream`. Nothing is added to an empty name.
pub fn clean_delivery_stream(name: &mut Vec<u8>, from: usize) {
    clean(
        name,
        from,
        LONGEST_DELIVERY_STREAM,
        &IN_DELIVERY_STREAMS,
        |_| false,
    );
}

/// Makes the bytes from `from` on a log stream name: 512 bytes at most, each
/// `:`, `*`, control and unreadable character replaced by one dot.
///
/// The service refuses `:` and `*` only (`CreateLogStream`), and counts characters: counting
/// bytes is stricter and never wrong. A cut never divides a character. Control characters and
/// marks of writing direction would let a container change how a name is shown.
pub fn clean_stream(name: &mut Vec<u8>, from: usize) {
    clean(
        name,
        from,
        LONGEST,
        &IN_STREAMS,
        |character| match character {
            // The others of two and three bytes begin with these.
            [0xc2 | 0xd8 | 0xe2, ..] => {
                !std::str::from_utf8(character).is_ok_and(|text| text.chars().any(is_control))
            }
            _ => true,
        },
    );
}

/// Keeps characters of one byte that are in the set, and those of several bytes that are `allowed`.
fn clean(
    name: &mut Vec<u8>,
    from: usize,
    longest: usize,
    set: &[bool; 256],
    allowed: impl Fn(&[u8]) -> bool,
) {
    let is_kept = |byte: &&u8| set[usize::from(**byte)];
    let fine = name
        .get(from..)
        .unwrap_or_default()
        .iter()
        .take(longest)
        .take_while(is_kept)
        .count();
    let (mut read, mut write) = (from + fine, from + fine);
    while read < name.len() {
        let (width, valid) = first_character(&name[read..]);
        let keep = match width {
            1 => set[usize::from(name[read])],
            _ => valid && allowed(&name[read..read + width]),
        };
        let written = if keep { width } else { 1 };
        if write - from + written > longest {
            break;
        }
        if !keep {
            name[write] = b'.';
        } else if read != write {
            name.copy_within(read..read + width, write);
        }
        read += width;
        write += written;
    }
    name.truncate(write);
}

/// The characters of one byte that a name may have: letters and digits, and these.
const fn letters_digits_and(others: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        set[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut other = 0;
    while other < others.len() {
        set[others[other] as usize] = true;
        other += 1;
    }
    set
}

/// All of ASCII but control characters and the two that the service refuses.
const fn printable_but_colon_and_star() -> [bool; 256] {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        set[byte] =
            !(byte as u8).is_ascii_control() && byte != b':' as usize && byte != b'*' as usize;
        byte += 1;
    }
    set
}

static IN_GROUPS: [bool; 256] = letters_digits_and(b".-_/#");
static IN_DELIVERY_STREAMS: [bool; 256] = letters_digits_and(b"_.-");
static IN_STREAMS: [bool; 256] = printable_but_colon_and_star();

/// How many bytes the first character takes, and whether it is one.
fn first_character(bytes: &[u8]) -> (usize, bool) {
    let width = match bytes[0] {
        ..0x80 => return (1, true),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return (1, false),
    };
    let bytes = &bytes[..width.min(bytes.len())];
    match std::str::from_utf8(bytes) {
        Ok(_) => (width, true),
        Err(error) => (error.error_len().unwrap_or(bytes.len()), false),
    }
}

/// The longest group or stream name of the service, in bytes.
const LONGEST: usize = 512;
const LONGEST_DELIVERY_STREAM: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_forbidden_character_of_a_group_becomes_one_dot() {
        for (name, expected) in [
            ("g:x #é€😀/-_.Z9", "g.x.#.../-_.Z9"),
            ("arn:aws:ecs", "arn.aws.ecs"),
            ("$x(y)", ".x.y."),
            ("", ""),
        ] {
            assert_eq!(cleaned(clean_group, name.as_bytes()), expected);
        }
    }

    #[test]
    fn a_delivery_stream_is_64_letters_digits_and_three_signs() {
        for (name, expected) in [
            ("Az09_.-", "Az09_.-"),
            ("a/b c:é#", "a.b.c..."),
            ("", ""),
            (&"x".repeat(70), &"x".repeat(64)),
        ] {
            assert_eq!(cleaned(clean_delivery_stream, name.as_bytes()), expected);
        }
    }

    #[test]
    fn a_stream_keeps_all_but_colons_stars_controls_and_broken_text() {
        for (name, expected) in [
            (&b"a:b*c d\xc3\xa9\t[x]"[..], "a.b.c dé.[x]"),
            (b"a\n\x1b[31m\x00\x7fb", "a..[31m..b"),
            (
                "\u{85}\u{9f}\u{2028}\u{202e}\u{2069}\u{200f}\u{61c}".as_bytes(),
                ".......",
            ),
            ("\u{a0}\u{2030}\u{600}".as_bytes(), "\u{a0}\u{2030}\u{600}"),
            (b"\xff\xfeok", "..ok"),
            // The beginning of `€`, once in the middle and once at the end.
            (b"\xe2\x82x\xe2\x82", ".x."),
            // A surrogate and an overlong form are no characters.
            (b"\xed\xa0\x80\xc0\x80", "....."),
        ] {
            assert_eq!(cleaned(clean_stream, name), expected);
        }
    }

    #[test]
    fn a_name_is_cut_to_512_bytes_between_characters() {
        let text = "a".repeat(511) + "éz";
        assert_eq!(cleaned(clean_stream, text.as_bytes()), "a".repeat(511));
        assert_eq!(cleaned(clean_group, text.as_bytes()), "a".repeat(511) + ".");
        let text = "é".repeat(300);
        assert_eq!(cleaned(clean_stream, text.as_bytes()), "é".repeat(256));
        assert_eq!(cleaned(clean_group, text.as_bytes()), ".".repeat(300));
    }

    #[test]
    fn bytes_before_the_name_are_left_alone() {
        let mut name = b":*\xff:*".to_vec();
        clean_group(&mut name, 3);
        assert_eq!(name, b":*\xff..");
        clean_group(&mut name, 9);
        assert_eq!(name, b":*\xff..");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn whatever_comes_in_the_result_is_a_name_of_the_service(
            part in prop::collection::vec(byte(), 1..200),
            times in 1..6_usize,
        ) {
            let bytes = part.repeat(times);
            let group = cleaned(clean_group, &bytes);
            assert!(
                group
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-_/#".contains(c))
            );
            let stream = cleaned(clean_stream, &bytes);
            assert!(!stream.contains([':', '*']));
            for name in [group, stream] {
                assert!((1..=512).contains(&name.len()), "{} bytes", name.len());
            }
            assert_eq!(cleaned(clean_stream, &bytes), oracle(&bytes));
        }
    }

    /// The slow way: decode, replace, then take whole characters.
    fn oracle(bytes: &[u8]) -> String {
        let mut name = String::new();
        for chunk in bytes.utf8_chunks() {
            name.extend(chunk.valid().chars().map(|c| {
                if ":*".contains(c) || is_control(c) {
                    '.'
                } else {
                    c
                }
            }));
            name.extend((!chunk.invalid().is_empty()).then_some('.'));
        }
        let mut length = 0;
        let fits = |c: &char| {
            length += c.len_utf8();
            length <= 512
        };
        name.chars().take_while(fits).collect()
    }

    /// Bytes of which many form multi-byte characters.
    fn byte() -> impl Strategy<Value = u8> {
        let likely = b"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80:*#/a".to_vec();
        prop_oneof![1 => any::<u8>(), 2 => prop::sample::select(likely)]
    }

    fn cleaned(clean: fn(&mut Vec<u8>, usize), name: &[u8]) -> String {
        let mut name = name.to_vec();
        clean(&mut name, 0);
        String::from_utf8(name).expect("text")
    }
}
