//! Fluent Bit's configuration in YAML -> the sections of the classic one.
//!
//! Source: fluent-bit `src/config_format/flb_cf_yaml.c`.

use crate::classic::{Section, section};
use crate::edit::Fields;
use crate::tree::{Format, Node, line_of};

/// Whether a mapping is such a configuration.
#[must_use]
pub fn is_configuration(node: &Node) -> bool {
    let has = |key: &str| node.members().iter().any(|member| member.key == key);
    let pipeline = node.get("pipeline");
    let plugins = ["inputs", "outputs", "filters"];
    let has_plugins = pipeline.is_some_and(|it| plugins.iter().any(|key| it.get(key).is_some()));
    let service = node
        .get("service")
        .is_some_and(|it| !it.members().is_empty());
    has_plugins || has("includes") || (service && !has("image") && !has("resources"))
}

/// The sections of a configuration.
#[must_use]
pub fn sections(node: &Node, text: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    for member in node.members() {
        match member.key.as_str() {
            "service" => sections.push(of_map("SERVICE", &member.value, text)),
            "includes" => {
                for item in member.value.items() {
                    let mut include = section("@", line_of(text, item.at.start));
                    let path = item.text().unwrap_or_default();
                    include.option("INCLUDE", &path, item.at.clone(), item.at.clone());
                    sections.push(include);
                }
            }
            "pipeline" => {
                for kind in member.value.members() {
                    let name = kind.key.trim_end_matches('s').to_ascii_uppercase();
                    let plugins = kind.value.items().iter();
                    sections.extend(plugins.map(|plugin| of_map(&name, plugin, text)));
                }
            }
            _ => {}
        }
    }
    sections
}

fn of_map(kind: &str, node: &Node, text: &str) -> Section {
    let mut section = section(kind, line_of(text, node.at.start));
    for member in node.members() {
        if let Some(value) = member.value.text() {
            section.options.0.push((member.key.clone(), value));
        }
    }
    section.fields = Fields::of(node, text, Format::Yaml);
    section
}

#[cfg(test)]
mod tests {
    use crate::tree::yaml;

    use super::*;

    #[test]
    fn sections_are_those_of_the_classic_form() {
        let text = "service:\n  flush: 1\n  http_server: on\nincludes:\n  - x.yaml\npipeline:\n  inputs:\n    - name: tail\n      processors:\n        logs:\n          - name: sql\n            query: x\n      tag: a.b\n  outputs:\n    - {name: cloudwatch, match: '*', log_group_name: \"$(tag)\"}\n    - name: firehose\n      region: &r us-east-1\n";
        let node = &yaml::parse(text).unwrap()[0];
        assert!(is_configuration(node));
        let found = sections(node, text);
        let kinds: Vec<_> = found.iter().map(|s| (s.kind.as_str(), s.line)).collect();
        let expected = [
            ("SERVICE", 2),
            ("@", 5),
            ("INPUT", 8),
            ("OUTPUT", 15),
            ("OUTPUT", 16),
        ];
        assert_eq!(kinds, expected);
        let value = |index: usize, key| found[index].options.get(key);
        assert_eq!(value(0, "http_server"), Some("on"));
        assert_eq!(value(1, "include"), Some("x.yaml"));
        assert_eq!((value(2, "tag"), value(2, "query")), (Some("a.b"), None));
        assert_eq!(value(3, "log_group_name"), Some("$(tag)"));
        assert_eq!(value(4, "region"), Some("us-east-1"));
    }
}
