//! Sanitizes log lines: no control characters, no secrets in URLs, a maximum length.
//!
//! Log lines quote tags, names and messages of services, which containers and servers choose. Every line
//! is sanitized before it is printed.

use std::fmt::Write;

/// The text as one printable line.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, url)) = next_url(rest) {
        escape(before, &mut line);
        let (token, after) = url.split_at(token_len(url));
        escape(&without_secrets(token), &mut line);
        rest = after;
    }
    escape(rest, &mut line);
    cut(&line, MAX_BYTES)
}

/// The text if it has at most `max` bytes; else its beginning and `…`.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max.saturating_sub(CUT.len()));
    format!("{}{CUT}", &text[..end])
}

/// A URL's scheme, host and port; the rest is replaced by `/…`.
///
/// Text that is not clearly a host and a port may be a part of a password; then only the scheme stays.
#[must_use]
pub fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let punctuation =
        |character| PUNCTUATION.contains(&character) || (character == ']' && !rest.contains('['));
    let end = rest.trim_end_matches(punctuation).len();
    let (rest, punctuation) = rest.split_at(end);
    let (authority, path) = match rest.find(['/', '?', '#', '\\']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if authority.is_empty() && path.is_empty() {
        return url.to_owned();
    }
    if !is_host_and_port(host) {
        return format!("{scheme}://{CUT}{punctuation}");
    }
    let path = match path {
        "" | "/" => path.to_owned(),
        _ => format!("/{CUT}"),
    };
    format!("{scheme}://{host}{path}{punctuation}")
}

/// Whether the character is an invisible control: a control character, a line or paragraph separator, or
/// a bidirectional formatting character.
#[must_use]
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

fn escape(text: &str, line: &mut String) {
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // Writing to a string cannot fail.
            _ if is_control(character) => drop(write!(line, "\\u{{{:x}}}", u32::from(character))),
            _ => line.push(character),
        }
    }
}

/// The text before the next URL, and the text from that URL on.
fn next_url(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let end = from + at;
        let scheme = text[..end]
            .bytes()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
            .count();
        if scheme > 0 {
            return Some(text.split_at(end - scheme));
        }
        from = end + 3;
    }
    None
}

/// The length of the URL: up to the first character that a URL cannot contain.
fn token_len(text: &str) -> usize {
    let ends = |character: char| {
        character.is_whitespace() || is_control(character) || "\"`<>".contains(character)
    };
    text.find(ends).unwrap_or(text.len())
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let of_an_address = |byte: u8| byte.is_ascii_hexdigit() || b":.%".contains(&byte);
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match address {
        Some(address) => address.bytes().all(of_an_address),
        None => host.bytes().all(of_a_host),
    };
    is_host && !host.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// The maximum length in bytes. Fluent Bit cuts a line with its prefix at 4 KiB, even within a character.
const MAX_BYTES: usize = 4000;
const CUT: &str = "…";
/// Punctuation that may follow a URL in a sentence.
const PUNCTUATION: [char; 6] = [':', ',', ';', '.', ')', '\''];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (text, expected) in [
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            (
                "\u{1b}[31m\0\u{7f}\u{85}\u{9f}",
                "\\u{1b}[31m\\u{0}\\u{7f}\\u{85}\\u{9f}",
            ),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            (
                "\u{202e}\u{2066}\u{200f}\u{61c}",
                "\\u{202e}\\u{2066}\\u{200f}\\u{61c}",
            ),
            ("plain \\ é 日本 😀", "plain \\ é 日本 😀"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn urls_are_reduced_to_scheme_host_and_port() {
        for (text, expected) in [
            (
                "at http://u:p@h:80/a?t=s: refused",
                "at http://h:80/…: refused",
            ),
            ("`https://host/`, and", "`https://host/`, and"),
            ("https://host:443.", "https://host:443."),
            ("(see https://[::1]:80/x)", "(see https://[::1]:80/…)"),
            ("http://[fe80::1]", "http://[fe80::1]"),
            ("[http://host/a]", "[http://host/…]"),
            ("http://user:pa/ss@host", "http://…"),
            ("http://user:p@ss@host:1", "http://host:1"),
            ("http://user:p,w;x@host", "http://host"),
            ("https://host?token=s", "https://host/…"),
            ("https://host#s", "https://host/…"),
            ("arn://x ://y s3://bucket/key", "arn://x ://y s3://bucket/…"),
            ("http://a/b http://c/d", "http://a/… http://c/…"),
            ("http://u:p\n@h", "http://…\\n@h"),
            ("no url, `https://`", "no url, `https://`"),
        ] {
            assert_eq!(printable(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = printable(&"é".repeat(5000));
        assert!((3990..=4000).contains(&line.len()), "{}", line.len());
        assert!(line.ends_with("é…"));
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc…");
    }
}
