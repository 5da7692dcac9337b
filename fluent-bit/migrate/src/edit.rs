//! Changes of a text: what `--write` does.

mod fields;
pub mod items;

pub use self::fields::{Field, Fields};

use std::ops::Range;

use crate::tree::{Format, Node, Style};

/// Text that takes another's place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The bytes that it replaces.
    pub at: Range<usize>,
    /// The text.
    pub text: String,
}

/// The text with the changes made; of two that overlap, the first counts.
#[must_use]
pub fn applied(text: &str, changes: &[Change]) -> String {
    let mut ordered: Vec<&Change> = changes.iter().collect();
    ordered.sort_by_key(|change| (change.at.start, change.at.end));
    // A text that is read several times is changed once.
    ordered.dedup();
    let (mut new, mut read) = (String::new(), 0);
    for change in ordered {
        if change.at.start < read || change.at.end > text.len() {
            continue;
        }
        new.push_str(&text[read..change.at.start]);
        new.push_str(&change.text);
        read = change.at.end;
    }
    new.push_str(&text[read..]);
    new
}

/// How many characters are before a place in its line.
#[must_use]
pub fn column(text: &str, at: usize) -> usize {
    let begin = text[..at].rfind('\n').map_or(0, |at| at + 1);
    text[begin..at].chars().count()
}

/// A text as the format writes it, in the quotes of the one before.
#[must_use]
pub fn scalar(value: &str, before: &str, format: Format) -> String {
    let double = || serde_json::Value::from(value).to_string();
    match (format, before.bytes().next()) {
        (Format::Classic, _) => value.to_owned(),
        (Format::Json | Format::Hcl, _) | (Format::Yaml, Some(b'"')) => double(),
        (Format::Yaml, Some(b'\'')) => format!("'{}'", value.replace('\'', "''")),
        (Format::Yaml, _) if is_plain(value) => value.to_owned(),
        (Format::Yaml, _) => double(),
    }
}

/// Whether YAML reads it as this text without quotes.
fn is_plain(value: &str) -> bool {
    let is_in = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    let begins = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_word =
        ["true", "false", "null", "yes", "no", "on", "off"].contains(&&*value.to_ascii_lowercase());
    begins && !is_word && value.chars().all(is_in) && !value.ends_with(':')
}

/// The change of a document that another text inside it makes, where it can be written there.
#[must_use]
pub fn outward(outer: &str, node: &Node, new: &str, format: Format) -> Option<Change> {
    let at = node.at.clone();
    let old = outer.get(at.clone())?;
    let text = match (node.style, format) {
        (Style::Double, Format::Json) => serde_json::Value::from(new).to_string(),
        (Style::Block, Format::Yaml) => {
            let indent = " ".repeat(column(outer, at.start));
            indented(new.trim_end(), &indent).trim_start().to_owned()
        }
        (Style::Block, Format::Hcl) => {
            let (head, _) = old.split_once('\n')?;
            let margin: String = heredoc_margin(old);
            let last = old.trim_end().lines().last()?;
            format!("{head}\n{}\n{last}", indented(new.trim_end(), &margin))
        }
        (Style::Double, Format::Yaml) => serde_json::Value::from(new).to_string(),
        (Style::Single, Format::Yaml) if !new.contains('\n') => {
            format!("'{}'", new.replace('\'', "''"))
        }
        _ => return None,
    };
    let rest = old.len() - old.trim_end().len();
    Some(Change {
        at: at.start..at.end - rest,
        text,
    })
}

fn heredoc_margin(old: &str) -> String {
    if !old.starts_with("<<-") {
        return String::new();
    }
    let lines: Vec<&str> = old.lines().collect();
    let inner = lines
        .get(1..lines.len().saturating_sub(1))
        .unwrap_or_default();
    let filled = inner.iter().filter(|line| !line.trim().is_empty());
    let margin = filled
        .map(|line| line.len() - line.trim_start().len())
        .min();
    " ".repeat(margin.unwrap_or_default())
}

/// Every line that is not empty behind an indentation.
#[must_use]
pub fn indented(text: &str, indent: &str) -> String {
    let lines = text.split('\n').map(|line| match line {
        "" => String::new(),
        line => format!("{indent}{line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
