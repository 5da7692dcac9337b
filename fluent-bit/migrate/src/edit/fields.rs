//! Keys and values with their places, and how one is set, renamed, removed or added.

use std::ops::Range;

use super::{Change, column, scalar};
use crate::tree::{Format, Node};

/// Keys and values with their places.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fields {
    /// In their order.
    pub all: Vec<Field>,
    /// Whether they are separated by commas in brackets.
    pub is_flow: bool,
}

/// A key and a value with their places.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// The key.
    pub key: String,
    /// Its bytes.
    pub key_at: Range<usize>,
    /// The value's bytes.
    pub value_at: Range<usize>,
}

impl Fields {
    /// The fields of a mapping.
    #[must_use]
    pub fn of(node: &Node, text: &str, format: Format) -> Self {
        let members = node.members().iter().filter(|member| {
            let is_inside = |at: &Range<usize>| at.start >= node.at.start && at.end <= node.at.end;
            is_inside(&member.key_at) && is_inside(&member.value.at)
        });
        let is_brace = text.as_bytes().get(node.at.start) == Some(&b'{');
        Self {
            all: members
                .map(|member| Field {
                    key: member.key.clone(),
                    key_at: member.key_at.clone(),
                    value_at: member.value.at.clone(),
                })
                .collect(),
            is_flow: format == Format::Json || (format == Format::Yaml && is_brace),
        }
    }

    /// Where a key is among them.
    #[must_use]
    pub fn position(&self, key: &str) -> Option<usize> {
        let mut all = self.all.iter();
        all.position(|field| field.key.eq_ignore_ascii_case(key))
    }

    /// Another value for a key.
    #[must_use]
    pub fn set(&self, key: &str, value: &str, text: &str, format: Format) -> Option<Change> {
        let field = &self.all[self.position(key)?];
        Some(Change {
            at: field.value_at.clone(),
            text: scalar(value, text.get(field.value_at.clone())?, format),
        })
    }

    /// Another key for a value.
    #[must_use]
    pub fn rename(&self, key: &str, new: &str, text: &str) -> Option<Change> {
        let field = &self.all[self.position(key)?];
        let old = text.get(field.key_at.clone())?;
        Some(Change {
            at: field.key_at.clone(),
            text: old.replace(&field.key, new),
        })
    }

    /// Without some fields, and with others behind the last that stays.
    #[must_use]
    pub fn without_and_with(
        &self,
        removed: &[usize],
        added: &[(String, String)],
        text: &str,
        format: Format,
    ) -> Vec<Change> {
        let (Some(first), Some(last)) = (self.all.first(), self.all.last()) else {
            return Vec::new();
        };
        let stays = |index: &usize| !removed.contains(index);
        let anchor = (0..self.all.len()).rfind(stays);
        let additions = added
            .iter()
            .map(|(key, value)| self.addition(key, value, text, format));
        let new: String = additions.collect();
        let Some(anchor) = anchor else {
            let new = new.trim_start_matches([',', '\n', ' ']).to_owned();
            return vec![Change {
                at: first.key_at.start..last.value_at.end,
                text: new,
            }];
        };
        let mut changes: Vec<Change> = self.removals(removed, text);
        if !new.is_empty() {
            let end = self.all[anchor].value_at.end;
            changes.push(Change {
                at: end..end,
                text: new,
            });
        }
        changes
    }

    /// The places of removed fields, of which not all are: their lines, or up to the next one.
    fn removals(&self, removed: &[usize], text: &str) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut from = 0;
        while from < self.all.len() {
            let run = (from..self.all.len())
                .take_while(|index| removed.contains(index))
                .count();
            let fields = &self.all[from..from + run];
            let lines = fields
                .iter()
                .map(|field| line_around(text, field).filter(|_| !self.is_flow));
            let lines: Option<Vec<Range<usize>>> = lines.collect();
            let places = match (lines, fields, self.all.get(from + run)) {
                (_, [], _) => Vec::new(),
                (Some(lines), ..) => lines,
                (None, [first, ..], Some(next)) => {
                    std::iter::once(first.key_at.start..next.key_at.start).collect()
                }
                // The comma before the last ones goes too.
                (None, [.., last], None) => {
                    let before = from
                        .checked_sub(1)
                        .map_or(last.key_at.start, |index| self.all[index].value_at.end);
                    std::iter::once(before..last.value_at.end).collect()
                }
            };
            let gone = places.into_iter().map(|at| Change {
                at,
                text: String::new(),
            });
            changes.extend(gone);
            from += run + 1;
        }
        changes
    }

    /// A key and its value, as they are written behind another.
    fn addition(&self, key: &str, value: &str, text: &str, format: Format) -> String {
        let (Some(first), Some(last)) = (self.all.first(), self.all.last()) else {
            return String::new();
        };
        let indent = " ".repeat(column(text, first.key_at.start));
        let before = text.get(..last.key_at.start).unwrap_or_default();
        let is_one_line = before.trim_end_matches(' ').ends_with(['{', ',']);
        let old = text.get(first.key_at.clone()).unwrap_or_default();
        let quote = old.chars().next().filter(|c| "\"'".contains(*c));
        let is_word = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let quote = quote.or((format == Format::Hcl && !is_word).then_some('"'));
        let quote = quote.map(String::from).unwrap_or_default();
        let rest = text.get(last.value_at.end..).unwrap_or_default();
        let has_comma = rest.trim_start().starts_with(',') && format == Format::Hcl;
        let between = match (self.is_flow || has_comma, is_one_line) {
            (true, true) => ", ".to_owned(),
            (true, false) => format!(",\n{indent}"),
            (false, true) if format == Format::Hcl => ", ".to_owned(),
            (false, _) => format!("\n{indent}"),
        };
        let after_key = text
            .get(first.key_at.end..)
            .unwrap_or_default()
            .trim_start();
        let joint = match format {
            Format::Json | Format::Yaml => ": ",
            Format::Hcl if after_key.starts_with(':') => ": ",
            Format::Hcl => " = ",
            Format::Classic => " ",
        };
        format!("{between}{quote}{key}{quote}{joint}{value}")
    }
}

/// The whole line of a field that has the line for itself.
fn line_around(text: &str, field: &Field) -> Option<Range<usize>> {
    let begin = text[..field.key_at.start]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let is_first = text[begin..field.key_at.start].trim().is_empty();
    let rest = &text[field.value_at.end.max(field.key_at.end)..];
    let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
    let tail = rest[..end].trim();
    let is_last = tail.is_empty() || tail == "," || tail.starts_with('#');
    let end = field.value_at.end.max(field.key_at.end) + end;
    (is_first && is_last).then_some(begin..end)
}
