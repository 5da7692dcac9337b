//! A value as the text of a document's language, to be put into it.

use serde_json::Value;

use crate::edit::{Change, column, indented, scalar};
use crate::tree::{Format, Node};

/// A value in a language; `is_pascal` for CloudFormation's keys.
#[must_use]
pub fn text(value: &Value, format: Format, is_pascal: bool) -> String {
    let value = if is_pascal {
        pascal(value)
    } else {
        value.clone()
    };
    match format {
        Format::Yaml => yaml(&value, 0),
        Format::Hcl => hcl(&value, 0),
        _ => format!("{value:#}"),
    }
}

/// The list with one more item at its end.
#[must_use]
pub fn append(list: &Node, value: &Value, text_of: &str, format: Format) -> Option<Change> {
    let (first, last) = (list.items().first()?, list.items().last()?);
    // A loop makes the items: one more cannot be put behind its value.
    let before = text_of
        .get(list.at.start..last.at.start)
        .unwrap_or_default();
    let mut words = before.split(|c: char| !c.is_alphanumeric());
    if format == Format::Hcl && words.any(|word| word == "for") {
        return None;
    }
    let is_pascal = first.members().iter().any(|member| member.key == "Name");
    let is_flow = text_of.as_bytes().get(list.at.start) == Some(&b'[');
    let new = text(
        value,
        if is_flow && format == Format::Yaml {
            Format::Json
        } else {
            format
        },
        is_pascal,
    );
    let end = last.at.end;
    let text = if format == Format::Yaml && !is_flow {
        let indent = " ".repeat(column(text_of, list.at.start));
        let item = indented(&new, &format!("{indent}  "));
        format!("\n{indent}- {}", item.trim_start())
    } else {
        let indent = " ".repeat(column(text_of, first.at.start));
        format!(",\n{indent}{}", indented(&new, &indent).trim_start())
    };
    Some(Change { at: end..end, text })
}

fn pascal(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let is_option = key.contains('-');
                let first = key.get(..1).unwrap_or_default().to_uppercase();
                let key = if is_option {
                    key.clone()
                } else {
                    format!("{first}{}", &key[1..])
                };
                (key, pascal(value))
            })
            .collect(),
        Value::Array(items) => items.iter().map(pascal).collect(),
        other => other.clone(),
    }
}

fn yaml(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            let lines = members.iter().map(|(key, value)| match value {
                Value::Object(_) => format!("{indent}{key}:\n{}", yaml(value, depth + 1)),
                Value::Array(_) => format!("{indent}{key}:\n{}", yaml(value, depth + 1)),
                scalar => format!("{indent}{key}: {}", yaml(scalar, 0)),
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Value::Array(items) => {
            let lines = items.iter().map(|item| {
                let inner = yaml(item, depth + 1);
                format!("{indent}- {}", inner.trim_start())
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Value::String(text) => scalar(text, "", Format::Yaml),
        other => other.to_string(),
    }
}

fn hcl(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            let lines = members.iter().map(|(key, value)| {
                let key = if key.contains('-') {
                    format!("\"{key}\"")
                } else {
                    key.clone()
                };
                format!("{indent}  {key} = {}\n", hcl(value, depth + 1))
            });
            format!("{{\n{}{indent}}}", lines.collect::<String>())
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| hcl(item, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::edit::applied;
    use crate::tree::{hcl as of_hcl, json as of_json, yaml as of_yaml};

    use super::*;

    #[test]
    fn an_item_is_added_in_the_lists_own_form() {
        let value = json!({"name": "r", "stopTimeout": 60, "x": {"a-b": ["c"]}});
        for (text, format, expected) in [
            (
                "[\n  {\"name\": \"a\"}\n]",
                Format::Json,
                "[\n  {\"name\": \"a\"},\n  {\n    \"name\": \"r\",\n    \"stopTimeout\": 60,\n    \"x\": {\n      \"a-b\": [\n        \"c\"\n      ]\n    }\n  }\n]",
            ),
            (
                "- Name: a\n",
                Format::Yaml,
                "- Name: a\n- Name: r\n  StopTimeout: 60\n  X:\n    a-b:\n      - c\n",
            ),
            (
                "l = [\n  { name = \"a\" },\n]\n",
                Format::Hcl,
                "l = [\n  { name = \"a\" },\n  {\n    name = \"r\"\n    stopTimeout = 60\n    x = {\n      \"a-b\" = [\"c\"]\n    }\n  },\n]\n",
            ),
        ] {
            let node = match format {
                Format::Json => of_json::parse(text).unwrap(),
                Format::Yaml => of_yaml::parse(text).unwrap().remove(0),
                _ => of_hcl::parse(text).unwrap().get("l").unwrap().clone(),
            };
            let change = append(&node, &value, text, format).unwrap();
            assert_eq!(applied(text, &[change]), expected);
        }
    }
}
