//! Go's regular expressions (RE2) -> the syntax of `regex_lite`.
//!
//! Options of the awslogs driver use Go's syntax. Both engines run in linear time and differ little.
//! Characters that are plain text in Go only are escaped. Syntax that `regex_lite` does not support is an
//! error that names it. Source: Go `regexp/syntax`.

use regex_lite::Regex;

/// Compiles a pattern in Go's syntax.
///
/// # Errors
///
/// Returns the part of the pattern that is invalid or not supported.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = Translator::new(pattern).translate()?;
    Regex::new(&translated).map_err(|error| error.to_string())
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
    in_class: bool,
}

impl<'p> Translator<'p> {
    fn new(pattern: &'p str) -> Self {
        let out = String::with_capacity(pattern.len());
        Self {
            rest: pattern,
            out,
            in_class: false,
        }
    }

    fn translate(mut self) -> Result<String, String> {
        while let Some(next) = self.rest.chars().next() {
            match next {
                '\\' => self.escape()?,
                _ if self.in_class => self.class_item(next),
                '[' => self.class(),
                '{' if !is_repetition(self.rest) => self.quoted(1),
                _ => self.keep(next.len_utf8()),
            }
        }
        Ok(self.out)
    }

    /// Copies the start of a character class. A `]` directly after it is a member of the class.
    fn class(&mut self) {
        self.in_class = true;
        self.keep(1);
        if self.rest.starts_with('^') {
            self.keep(1);
        }
        if self.rest.starts_with(']') {
            self.quoted(1);
        }
    }

    /// Copies a member of a class. In Go a class cannot contain another class, except one like `[:alpha:]`,
    /// and has no set operations.
    fn class_item(&mut self, next: char) {
        match next {
            '[' if self.rest.starts_with("[:") => {
                let end = self.rest.find(":]").map_or(1, |end| end + 2);
                self.keep(end);
            }
            '[' | '&' | '~' => self.quoted(1),
            ']' => {
                self.in_class = false;
                self.keep(1);
            }
            _ => self.keep(next.len_utf8()),
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let escaped = self.rest[1..].chars().next();
        match escaped {
            Some('Q') => self.literal(),
            Some('p' | 'P') => return Err(unsupported("\\p", "classes of Unicode characters")),
            Some('C') => return Err(unsupported("\\C", "single bytes")),
            Some('0'..='7') => return Err(unsupported("\\0", "octal numbers; write `\\x..`")),
            // Word boundaries in `regex_lite`, plain characters in Go.
            Some('<' | '>') => {
                self.rest = &self.rest[1..];
                self.keep(1);
            }
            other => self.keep(1 + other.map_or(0, char::len_utf8)),
        }
        Ok(())
    }

    /// `\Q…\E`: literal text.
    fn literal(&mut self) {
        let text = &self.rest[2..];
        let (text, rest) = text.split_once("\\E").unwrap_or((text, ""));
        self.out.push_str(&regex_lite::escape(text));
        self.rest = rest;
    }

    fn quoted(&mut self, bytes: usize) {
        self.out.push('\\');
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: usize) {
        let (kept, rest) = self.rest.split_at(bytes);
        self.out.push_str(kept);
        self.rest = rest;
    }
}

/// Whether a `{` begins `{n}`, `{n,}` or `{n,m}`. In Go any other `{` is a plain character.
fn is_repetition(text: &str) -> bool {
    let Some((inside, _)) = text[1..].split_once('}') else {
        return false;
    };
    let (min, max) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !min.is_empty() && digits(min) && digits(max)
}

fn unsupported(what: &str, meaning: &str) -> String {
    format!("`{what}` is not supported here ({meaning})")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases follow the documentation of Go's syntax.
    #[test]
    fn a_pattern_matches_as_in_go() {
        for (pattern, found, not_found) in [
            (r"^\d{4}-\d\d", "2026-11", "x2026-11"),
            (r"^{", "{\"a\":1}", "a{"),
            (r"^a{,2}$", "a{,2}", "aa"),
            (r"^[[a]$", "[", "b"),
            (r"^[]a]$", "]", "["),
            (r"^[^]a]$", "[", "]"),
            (r"^[a&&b]$", "&", "c"),
            (r"^[a~~b]$", "~", "c"),
            (r"^[[:digit:]x]+$", "1x", ":"),
            (r"^\Qa.b[\E\d", "a.b[1", "axb[1"),
            (r"^\<b\>", "<b>", "b"),
            (r"^\[\w+\]", "[INFO]", "INFO"),
            (r"(?i)^error", "ERROR", "no error"),
            (r"^\d+$", "12", "١"),
            (r"\Aa\z", "a", "a\n"),
            (r"^(?:Jan|Feb) \d{1,2}", "Feb 03", "Mar 03"),
        ] {
            let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert!(regex.is_match(found), "{pattern} on {found}");
            assert!(!regex.is_match(not_found), "{pattern} on {not_found}");
        }
    }

    #[test]
    fn unsupported_syntax_is_named_in_the_error() {
        for (pattern, expected) in [
            (r"\pL", "classes of Unicode"),
            (r"\C", "single bytes"),
            (r"\101", "octal"),
            (r"(?=a)", "look-around"),
            (r"[%Y", "no closing bracket"),
            (r"a)", ")"),
            (r"\", "escape"),
        ] {
            let error = compile(pattern).map(|_| ()).unwrap_err();
            assert!(error.contains(expected), "{pattern}: {error}");
        }
    }
}
