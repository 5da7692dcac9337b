//! Changes of a text: what `--write` does.

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

/// Keys and values with their places.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fields {
    /// In their order.
    pub all: Vec<Field>,
    /// Whether they are parted by commas in brackets.
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
                (None, [first, ..], Some(next)) => vec![first.key_at.start..next.key_at.start],
                // The comma before the last ones goes too.
                (None, [.., last], None) => {
                    let before = from
                        .checked_sub(1)
                        .map_or(last.key_at.start, |index| self.all[index].value_at.end);
                    vec![before..last.value_at.end]
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
mod tests {
    use crate::tree::{hcl, json, yaml};

    use super::*;

    fn changed(
        text: &str,
        format: Format,
        change: impl Fn(&Fields, &str) -> Option<Change>,
    ) -> String {
        let node = match format {
            Format::Json => json::parse(text).unwrap(),
            Format::Yaml => yaml::parse(text).unwrap().remove(0),
            _ => hcl::parse(text).unwrap(),
        };
        let fields = Fields::of(&node, text, format);
        applied(text, &[change(&fields, text).unwrap()])
    }

    #[test]
    fn a_key_is_set_removed_and_added_in_each_format() {
        let json = "{\n  \"a\": \"1\",\n  \"b\": \"2\"\n}";
        let yaml = "a: \"1\"\nb: 2\n";
        let hcl = "a = \"1\"\nb = \"2\"\n";
        for (text, format, set, first, last, added) in [
            (
                json,
                Format::Json,
                "{\n  \"a\": \"x\",\n  \"b\": \"2\"\n}",
                "{\n  \"b\": \"2\"\n}",
                "{\n  \"a\": \"1\"\n}",
                "{\n  \"a\": \"1\",\n  \"b\": \"2\",\n  \"c\": \"d\"\n}",
            ),
            (
                "{\"a\": \"1\", \"b\": \"2\"}",
                Format::Json,
                "{\"a\": \"x\", \"b\": \"2\"}",
                "{\"b\": \"2\"}",
                "{\"a\": \"1\"}",
                "{\"a\": \"1\", \"b\": \"2\", \"c\": \"d\"}",
            ),
            (
                yaml,
                Format::Yaml,
                "a: \"x\"\nb: 2\n",
                "b: 2\n",
                "a: \"1\"\n",
                "a: \"1\"\nb: 2\nc: d\n",
            ),
            (
                "{a: 1, b: 2}\n",
                Format::Yaml,
                "{a: x, b: 2}\n",
                "{b: 2}\n",
                "{a: 1}\n",
                "{a: 1, b: 2, c: d}\n",
            ),
            (
                hcl,
                Format::Hcl,
                "a = \"x\"\nb = \"2\"\n",
                "b = \"2\"\n",
                "a = \"1\"\n",
                "a = \"1\"\nb = \"2\"\nc = \"d\"\n",
            ),
        ] {
            let of =
                |change: &dyn Fn(&Fields, &str) -> Option<Change>| changed(text, format, change);
            assert_eq!(of(&|fields, text| fields.set("a", "x", text, format)), set);
            let with = [("c".to_owned(), scalar("d", "", format))];
            let one = |removed: &[usize], with: &[(String, String)]| {
                let (removed, with) = (removed.to_vec(), with.to_vec());
                of(&move |fields: &Fields, text: &str| {
                    fields.without_and_with(&removed, &with, text, format).pop()
                })
            };
            assert_eq!(one(&[0], &[]), first);
            assert_eq!(one(&[1], &[]), last);
            assert_eq!(one(&[], &with), added);
        }
    }

    #[test]
    fn an_item_of_a_yaml_list_keeps_its_dash() {
        let text = "- a: 1\n  b: 2\n";
        let node = &yaml::parse(text).unwrap()[0].items()[0].clone();
        let fields = Fields::of(node, text, Format::Yaml);
        let with = [("c".to_owned(), "d".to_owned())];
        for (removed, added, expected) in [
            (&[0][..], &[][..], "- b: 2\n"),
            (&[], &with, "- a: 1\n  b: 2\n  c: d\n"),
            (&[1], &with, "- a: 1\n  c: d\n"),
            (&[0, 1], &with, "- c: d\n"),
        ] {
            let changes = fields.without_and_with(removed, added, text, Format::Yaml);
            assert_eq!(applied(text, &changes), expected);
        }
    }

    #[test]
    fn the_last_of_a_list_with_commas_go_with_the_comma() {
        let text = "{\"a\": 1, \"b\": 2, \"c\": 3}";
        let fields = Fields::of(&json::parse(text).unwrap(), text, Format::Json);
        let with = [("d".to_owned(), "4".to_owned())];
        for (removed, expected) in [
            (&[1, 2][..], "{\"a\": 1, \"d\": 4}"),
            (&[0, 2], "{\"b\": 2, \"d\": 4}"),
            (&[0, 1], "{\"c\": 3, \"d\": 4}"),
            (&[0, 1, 2], "{\"d\": 4}"),
        ] {
            let changes = fields.without_and_with(removed, &with, text, Format::Json);
            assert_eq!(applied(text, &changes), expected);
        }
    }

    #[test]
    fn a_text_inside_a_document_is_written_in_its_form() {
        let yaml_text = "k:\n  x: |\n    one\n    two\n  y: z\n";
        let node = &yaml::parse(yaml_text).unwrap()[0];
        let block = node.get("k").unwrap().get("x").unwrap();
        let change = outward(yaml_text, block, "a\n\n  b\n", Format::Yaml).unwrap();
        let new = applied(yaml_text, &[change]);
        assert_eq!(new, "k:\n  x: |\n    a\n\n      b\n  y: z\n");
        let hcl_text = "x = <<-EOF\n    one\n  EOF\ny = 1\n";
        let node = hcl::parse(hcl_text).unwrap();
        let change = outward(hcl_text, node.get("x").unwrap(), "a\nb\n", Format::Hcl).unwrap();
        assert_eq!(
            applied(hcl_text, &[change]),
            "x = <<-EOF\n    a\n    b\n  EOF\ny = 1\n"
        );
    }
}
