//! `awslogs-datetime-format` -> a regular expression that matches its times.
//!
//! The driver has 19 specifiers and uses all other text as part of a regular expression, so users write
//! `\[%b %d`. Some of the driver's expressions do not match all times of their specifier, or match
//! other text. They are corrected here. Source: moby `daemon/logger/awslogs/cloudwatchlogs.go`.

/// The regular expression for a format, in Go's syntax.
///
/// # Errors
///
/// Returns the part of the format that has no meaning.
pub fn pattern(format: &str) -> Result<String, String> {
    let mut pattern = String::new();
    let mut rest = format.chars();
    let mut in_class = false;
    while let Some(next) = rest.next() {
        match next {
            '\\' => {
                pattern.push(next);
                pattern.extend(rest.next());
            }
            '%' if in_class => return Err(IN_CLASS.to_owned()),
            '%' => pattern.push_str(specifier(rest.next())?),
            _ => {
                in_class = (in_class && next != ']') || (!in_class && next == '[');
                pattern.push(next);
            }
        }
    }
    if pattern.is_empty() {
        return Err("an empty format".to_owned());
    }
    Ok(pattern)
}

fn specifier(specifier: Option<char>) -> Result<&'static str, String> {
    let Some(letter) = specifier else {
        return Err("a `%` at the end; write `%%` for the character".to_owned());
    };
    let found = SPECIFIERS.iter().find(|(known, _)| *known == letter);
    found.map(|(_, pattern)| *pattern).ok_or_else(|| {
        let known: Vec<String> = SPECIFIERS.iter().map(|(l, _)| format!("%{l}")).collect();
        format!("`%{letter}` is none of {}", known.join(", "))
    })
}

const IN_CLASS: &str = "a `[` begins a class of characters; write `\\[` for the character";

/// Differences from the driver: `%d` and `%H` do not match a comma, `%I` does not match 00, `%j` matches
/// 010 to 090, `%L` also follows a comma or a dot of the format, `%Z` matches UTC, and `%%` is added.
const SPECIFIERS: [(char, &str); 20] = [
    ('a', "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"),
    (
        'A',
        "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
    ),
    ('b', "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"),
    (
        'B',
        "(?:January|February|March|April|May|June|July|August|September|October|November|December)",
    ),
    ('w', "[0-6]"),
    ('d', "(?:0[1-9]|[12][0-9]|3[01])"),
    ('m', "(?:0[1-9]|1[0-2])"),
    (
        'j',
        "(?:00[1-9]|0[1-9][0-9]|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])",
    ),
    ('Y', r"\d{4}"),
    ('y', r"\d{2}"),
    ('H', "(?:[01][0-9]|2[0-3])"),
    ('I', "(?:0[1-9]|1[0-2])"),
    ('M', "[0-5][0-9]"),
    ('S', "[0-5][0-9]"),
    ('p', "[AP]M"),
    ('f', r"\d{6}"),
    ('L', r"\.?\d{3}"),
    ('z', r"[+-]\d{4}"),
    ('Z', "[A-Z]{2,5}"),
    ('%', "%"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudwatch::go_regex;

    #[test]
    fn each_specifier_matches_its_times_only() {
        for (format, found, not_found) in [
            ("%a %A", "Tue Monday", "Tu Monday"),
            ("%b %B", "Dec May", "dec May"),
            ("^%w$", "6", "7"),
            ("^%d$", "31", "1,"),
            ("^%m/%d$", "12/09", "13/09"),
            ("^%j$", "050", "000"),
            ("^%j$", "366", "367"),
            ("%Y-%m-%d", "2026-11-21", "26-11-21"),
            ("^%y$", "26", "2026"),
            ("^%H:%M:%S", "23:59:59", "24:00:00"),
            ("^%I %p", "12 AM", "00 AM"),
            ("%S.%f", "01.123456", "01.12345"),
            ("%S%L", "01.123", "01.12"),
            ("%S,%L", "01,123", "01.123"),
            (r"%S\.%L", "01.123", "01,123"),
            ("%z", "+0100", "0100"),
            ("^%Z$", "UTC", "utc"),
            ("^%Z$", "CEST", "A"),
            ("^100%%$", "100%", "100"),
            (
                r"\[%b %d, %Y %H:%M:%S\]",
                "[May 01, 2017 19:00:01] x",
                "May 01, 2017 19:00:01",
            ),
        ] {
            let regex = go_regex::compile(&pattern(format).unwrap()).unwrap();
            assert!(regex.is_match(found), "{format} on {found}");
            assert!(!regex.is_match(not_found), "{format} on {not_found}");
        }
    }

    #[test]
    fn formats_that_the_driver_ignores_are_an_error() {
        for (format, expected) in [
            ("%Y-%e", "`%e` is none of %a, %A"),
            ("%Y-%", "at the end"),
            ("[%Y-%m-%d]", r"write `\[`"),
            ("", "empty"),
        ] {
            let problem = pattern(format).unwrap_err();
            assert!(problem.contains(expected), "{format}: {problem}");
        }
    }
}
