//! Fluent Bit's configuration in YAML -> the sections of the classic one.
//!
//! Read event by event: what is needed lies at a known depth, so that no tree is built and neither
//! deep nesting nor aliases cost anything. Source: fluent-bit `src/config_format/flb_cf_yaml.c`.

use saphyr_parser::{Event, Parser};

use crate::classic::{Section, section};

/// Whether a text is such a configuration, by its top-level keys.
#[must_use]
pub fn is_yaml(text: &str) -> bool {
    let keys = ["service:", "pipeline:", "env:", "includes:", "parsers:"];
    let mut lines = text.lines();
    lines.any(|line| keys.iter().any(|key| line.starts_with(key)))
}

/// Reads a configuration.
///
/// # Errors
///
/// Where it is no YAML, and why.
pub fn sections(text: &str) -> Result<Vec<Section>, String> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("no YAML: {error}"))?;
        reader.event(event, span.start.line());
    }
    Ok(reader.sections)
}

#[derive(Default)]
struct Reader {
    within: Vec<Within>,
    sections: Vec<Section>,
    /// How many containers lie around the members of the section that is open.
    open: Option<usize>,
}

enum Within {
    /// A mapping, and the key whose value comes next.
    Mapping(Option<String>),
    Sequence,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::MappingStart(..) => {
                if let Some(kind) = self.kind() {
                    self.sections.push(section(&kind, line, Vec::new()));
                    self.open = Some(self.within.len() + 1);
                }
                self.within.push(Within::Mapping(None));
            }
            Event::SequenceStart(..) => self.within.push(Within::Sequence),
            Event::MappingEnd | Event::SequenceEnd => {
                self.open = self.open.filter(|depth| *depth < self.within.len());
                self.within.pop();
                self.ended(String::new());
            }
            Event::Scalar(text, ..) => self.scalar(&text, line),
            Event::Alias(_) => self.scalar("", line),
            _ => {}
        }
    }

    fn scalar(&mut self, text: &str, line: usize) {
        let is_open = self.open == Some(self.within.len());
        let is_included = self.path() == ["includes"];
        match self.within.last() {
            Some(Within::Mapping(Some(key))) if is_open => {
                let option = (key.clone(), text.to_owned());
                if let Some(section) = self.sections.last_mut() {
                    section.options.0.push(option);
                }
            }
            Some(Within::Sequence) if is_included => {
                let option = ("INCLUDE".to_owned(), text.to_owned());
                self.sections.push(section("@", line, vec![option]));
            }
            _ => {}
        }
        self.ended(text.to_owned());
    }

    /// A node has ended: in a mapping it was a key, or the value of one.
    fn ended(&mut self, text: String) {
        if let Some(Within::Mapping(key)) = self.within.last_mut() {
            *key = match key {
                None => Some(text),
                Some(_) => None,
            };
        }
    }

    /// What a mapping that begins here is.
    fn kind(&self) -> Option<String> {
        match (self.path().as_slice(), self.within.len()) {
            (["service"], 1) => Some("SERVICE".to_owned()),
            (["pipeline", list], 3) => Some(list.strip_suffix('s')?.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// The keys that lead here.
    fn path(&self) -> Vec<&str> {
        let keys = self.within.iter().filter_map(|within| match within {
            Within::Mapping(key) => Some(key.as_deref().unwrap_or_default()),
            Within::Sequence => None,
        });
        keys.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_those_of_the_classic_form() {
        let text = "service:\n  flush: 1\n  http_server: on\nincludes:\n  - x.yaml\npipeline:\n  inputs:\n    - name: tail\n      processors:\n        logs:\n          - name: sql\n            query: x\n      tag: a.b\n  outputs:\n    - {name: cloudwatch, match: '*', log_group_name: \"$(tag)\"}\n    - name: firehose\n      region: &r us-east-1\n";
        let found = sections(text).unwrap();
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

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        let problem = sections("pipeline:\n  outputs: [\n").unwrap_err();
        assert!(
            problem.starts_with("no YAML: ") && problem.contains("line"),
            "{problem}"
        );
    }

    #[test]
    fn depth_and_aliases_cost_nothing() {
        let deep = format!("pipeline:\n  outputs: {}", "[".repeat(100_000));
        assert!(sections(&deep).is_err());
        let nested = format!("pipeline: {}{}", "[".repeat(50), "]".repeat(50));
        assert!(sections(&nested).is_ok());
    }
}
