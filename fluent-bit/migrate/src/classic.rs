//! Fluent Bit's classic configuration: sections of keys and values.
//!
//! Source: fluent-bit `src/config_format/flb_cf_fluentbit.c`.

use std::ops::Range;

use crate::edit::{Field, Fields};
use crate::options::Options;

/// One section.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Section {
    /// `OUTPUT` and the like, in capitals; `@` for a command of its own line.
    pub kind: String,
    /// Where it begins, counted from 1.
    pub line: usize,
    /// Its keys and values.
    pub options: Options,
    /// Where they are.
    pub fields: Fields,
    /// The key of a chart's values that the section is made of.
    pub chart_key: Option<String>,
}

/// Reads a configuration.
///
/// # Errors
///
/// The first line that is neither a section, a key with its value, a command nor a comment.
pub fn sections(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    let mut begin = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let start = begin + (whole.len() - whole.trim_start().len());
        begin += whole.len();
        let (number, line) = (index + 1, whole.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if DIRECTIVES.iter().any(|mark| line.starts_with(mark)) {
            return Err(format!(
                "line {number}: `{line}` is a directive of a template: render it first"
            ));
        }
        if let Some(command) = line.strip_prefix('@') {
            let mut section = section("@", number);
            section.push(command, start + 1);
            sections.push(section);
        } else if let Some(head) = line.strip_prefix('[') {
            let kind = head
                .strip_suffix(']')
                .ok_or_else(|| format!("line {number}: a section's `[` has no `]` at the end"))?;
            let kind = kind.trim().to_ascii_uppercase();
            sections.push(section(&kind, number));
        } else {
            let open = sections.iter_mut().rfind(|section| section.kind != "@");
            let open = open.ok_or_else(|| format!("line {number}: `{line}` is in no section"))?;
            open.push(line, start);
        }
    }
    Ok(sections)
}

/// How a line begins that decides which others there are: of Jinja and Go, of Terraform, of ERB.
const DIRECTIVES: [&str; 4] = ["{%", "{{", "%{", "<%"];

/// A section without options.
#[must_use]
pub fn section(kind: &str, line: usize) -> Section {
    Section {
        kind: kind.to_owned(),
        line,
        ..Section::default()
    }
}

impl Section {
    fn push(&mut self, line: &str, start: usize) {
        let (key, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = rest.trim();
        let end = start + line.len();
        self.option(key, value, start..start + key.len(), end - value.len()..end);
    }

    /// Adds an option with its place.
    pub fn option(&mut self, key: &str, value: &str, key_at: Range<usize>, value_at: Range<usize>) {
        self.options.0.push((key.to_owned(), value.to_owned()));
        self.fields.all.push(Field {
            key: key.to_owned(),
            key_at,
            value_at,
        });
    }
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
        let fields = &sections[1].fields.all;
        assert_eq!(&text[fields[0].value_at.clone()], "cloudwatch");
        assert_eq!(&text[fields[1].key_at.clone()], "tag");
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for (text, told) in [
            ("Name x", "line 1: `Name x` is in no section"),
            ("\n[OUTPUT", "line 2: a section's `[` has no `]`"),
            (
                "[OUTPUT]\n {% if a %}\n",
                "line 2: `{% if a %}` is a directive",
            ),
            (
                "[OUTPUT]\n%{ if a ~}\n",
                "line 2: `%{ if a ~}` is a directive",
            ),
        ] {
            assert!(sections(text).unwrap_err().starts_with(told));
        }
    }
}
