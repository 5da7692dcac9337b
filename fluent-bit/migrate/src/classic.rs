//! Fluent Bit's classic configuration: sections of keys and values.
//!
//! What a file includes is not read: it is named in the report. Source: fluent-bit
//! `src/config_format/flb_cf_fluentbit.c`.

use crate::options::Options;

/// One section.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Section {
    /// `OUTPUT` and the like, in capitals; `@` for a command of its own line.
    pub kind: String,
    /// Where it begins, counted from 1.
    pub line: usize,
    /// Its keys and values.
    pub options: Options,
}

/// Reads a configuration.
///
/// # Errors
///
/// The first line that is neither a section, a key with its value, a command nor a comment.
pub fn sections(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(command) = line.strip_prefix('@') {
            sections.push(section("@", number, vec![pair(command)]));
        } else if let Some(head) = line.strip_prefix('[') {
            let kind = head
                .strip_suffix(']')
                .ok_or_else(|| format!("line {number}: a section's `[` has no `]` at the end"))?;
            let kind = kind.trim().to_ascii_uppercase();
            sections.push(section(&kind, number, Vec::new()));
        } else {
            let open = sections.iter_mut().rfind(|section| section.kind != "@");
            let open = open.ok_or_else(|| format!("line {number}: `{line}` is in no section"))?;
            open.options.0.push(pair(line));
        }
    }
    Ok(sections)
}

pub(crate) fn section(kind: &str, line: usize, options: Vec<(String, String)>) -> Section {
    Section {
        kind: kind.to_owned(),
        line,
        options: Options(options),
    }
}

fn pair(line: &str) -> (String, String) {
    let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (key.to_owned(), value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_keys_with_values_of_any_text() {
        let text = "# c\n@SET a=b\n[Output]\n    Name  cloudwatch\n    tag $(a) b\n  empty\n\n@INCLUDE x.conf\n[SERVICE]\n";
        let sections = sections(text).unwrap();
        let kinds: Vec<_> = sections.iter().map(|s| (s.kind.as_str(), s.line)).collect();
        assert_eq!(kinds, [("@", 2), ("OUTPUT", 3), ("@", 8), ("SERVICE", 9)]);
        let options = &sections[1].options;
        assert_eq!(options.get("name"), Some("cloudwatch"));
        assert_eq!(options.get("TAG"), Some("$(a) b"));
        assert_eq!(options.get("empty"), Some(""));
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for (text, told) in [
            ("Name x", "line 1: `Name x` is in no section"),
            ("\n[OUTPUT", "line 2: a section's `[` has no `]`"),
        ] {
            assert!(sections(text).unwrap_err().starts_with(told));
        }
    }
}
