//! Which of Fluent Bit's inputs reach an output: some make metrics, which the plugins here do not take.

use std::collections::HashMap;

use crate::classic::Section;
use crate::options::Options;

/// What reaches an output, as far as the file shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reached {
    /// No input of the file: it may be a part of a configuration.
    Unknown,
    /// Logs alone, of these inputs as far as the file shows.
    Logs(Vec<String>),
    /// Metrics of these inputs alone.
    Metrics(Vec<String>),
    /// Metrics of these inputs, and logs of those.
    Both(Vec<String>, Vec<String>),
}

/// What reaches an output with these options.
#[must_use]
pub fn reached(output: &Options, sections: &[&Section]) -> Reached {
    if output.get("match_regex").is_some() {
        return Reached::Unknown;
    }
    let pattern = output.get("match").unwrap_or_default();
    let inputs = tags(sections);
    let caught = inputs.iter().filter(|(_, tag)| matches(pattern, tag));
    let (metrics, logs): (Vec<_>, Vec<_>) = caught.partition(|(name, _)| is_metrics(name));
    let names =
        |inputs: &[&(String, String)]| inputs.iter().map(|(name, _)| name.clone()).collect();
    match (metrics.is_empty(), logs.is_empty()) {
        (true, true) => Reached::Unknown,
        (true, false) => Reached::Logs(names(&logs)),
        (false, true) => Reached::Metrics(names(&metrics)),
        (false, false) => Reached::Both(names(&metrics), names(&logs)),
    }
}

/// The inputs' names and tags; without `Tag` it is the name and the number of those alike.
fn tags(sections: &[&Section]) -> Vec<(String, String)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let inputs = sections.iter().filter(|section| section.kind == "INPUT");
    let tags = inputs.map(|section| {
        let name = section
            .options
            .get("name")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let number = counts.entry(name.clone()).or_default();
        let default = format!("{name}.{number}");
        *number += 1;
        let tag = section.options.get("tag").map_or(default, str::to_owned);
        (name, tag)
    });
    tags.collect()
}

/// Whether an input makes metrics, which are no records.
fn is_metrics(name: &str) -> bool {
    name.ends_with("_metrics") || name.starts_with("prometheus_")
}

/// Fluent Bit's patterns, where a `*` is any text; a star in a tag is any text too.
fn matches(pattern: &str, tag: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == tag,
        Some((begin, rest)) => {
            let begins = tag.starts_with(begin)
                || tag
                    .split('*')
                    .next()
                    .is_some_and(|it| tag.contains('*') && begin.starts_with(it));
            let end = rest
                .trim_start_matches('*')
                .rsplit('*')
                .next()
                .unwrap_or_default();
            begins && (tag.ends_with(end) || tag.contains('*'))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::classic;

    use super::*;

    #[test]
    fn the_inputs_decide() {
        let text = "[INPUT]\nName fluentbit_metrics\nTag m\n[INPUT]\nName tail\nTag kube.*\n[INPUT]\nName node_exporter_metrics\n";
        let sections = classic::sections(text).unwrap();
        let sections: Vec<&Section> = sections.iter().collect();
        let of = |key: &str, pattern: &str| {
            let options = Options(vec![(key.to_owned(), pattern.to_owned())]);
            reached(&options, &sections)
        };
        let names = |all: &[&str]| {
            all.iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of("match", "m"),
            Reached::Metrics(names(&["fluentbit_metrics"]))
        );
        assert_eq!(
            of("match", "node*"),
            Reached::Metrics(names(&["node_exporter_metrics"]))
        );
        let tail = Reached::Logs(names(&["tail"]));
        assert_eq!(of("match", "kube.*"), tail);
        assert_eq!(of("match", "kube.var.log.*"), tail);
        assert_eq!(
            of("match", "*"),
            Reached::Both(
                names(&["fluentbit_metrics", "node_exporter_metrics"]),
                names(&["tail"])
            )
        );
        assert_eq!(of("match", "x"), Reached::Unknown);
        assert_eq!(of("match_regex", "m"), Reached::Unknown);
    }
}
