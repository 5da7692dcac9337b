//! The values of the Helm charts aws-for-fluent-bit and fluent-bit.

use super::text;
use crate::classic::{self, Section};
use crate::document::{Configuration, Document, Found};
use crate::edit::{Change, Fields, column};
use crate::needs::Caller;
use crate::plugin::Plugin;
use crate::report::{Part, Remark};
use crate::tree::{Format, Node, line_of};

/// The keys of outputs in the chart aws-for-fluent-bit, and the plugins that they are.
const CHARTS: [(&str, &str); 4] = [
    ("cloudWatch", "cloudwatch"),
    ("cloudWatchLogs", "cloudwatch_logs"),
    ("firehose", "firehose"),
    ("kinesis", "kinesis"),
];

/// Reads the values of a chart; whether they were such values.
pub(super) fn read(document: &mut Document, node: &Node, layer: usize) -> bool {
    let is_chart = aws(document, node, layer) || fluent(document, node, layer);
    if is_chart {
        document.caller = Caller::Pod;
    }
    is_chart
}

/// The chart aws-for-fluent-bit, where an output is a mapping.
fn aws(document: &mut Document, node: &Node, layer: usize) -> bool {
    let has = |key: &str| {
        node.members()
            .iter()
            .any(|member| member.key == key && member.value.is_structure())
    };
    let of_output = |key: &str| {
        node.get(key).is_some_and(|it| {
            it.get("logGroupName").is_some()
                || it.get("deliveryStream").is_some()
                || it.get("enabled").is_some()
        })
    };
    if !CHARTS.iter().any(|(key, _)| has(key) && of_output(key)) {
        return false;
    }
    image(document, node, layer);
    let text = document.layers[layer].text.clone();
    if let Some(Found::Part(_, changes)) = document.found.last_mut() {
        changes.extend(moved(node, &text).into_iter().map(|change| (layer, change)));
    }
    let mut sections = Vec::new();
    for member in node.members() {
        let Some((_, plugin)) = CHARTS.iter().find(|(key, _)| *key == member.key) else {
            continue;
        };
        if member.value.text_of("enabled").as_deref() == Some("true") {
            sections.push(output(plugin, &member.key, &member.value, &text));
        }
    }
    document.found.push(Found::Config(Configuration {
        sections,
        layer,
        place: String::new(),
        has_lines: true,
    }));
    texts(
        document,
        node,
        layer,
        &["additionalOutputs", "additionalInputs", "additionalFilters"],
    );
    true
}

/// `cloudWatchLogs` as `cloudWatch`, which has fewer keys: the others become `extraOutputs`.
fn moved(node: &Node, text: &str) -> Vec<Change> {
    let own = node
        .members()
        .iter()
        .find(|member| member.key == "cloudWatchLogs");
    let has_other = node
        .members()
        .iter()
        .any(|member| member.key == "cloudWatch");
    let Some(own) =
        own.filter(|own| own.value.text_of("enabled").as_deref() == Some("true") && !has_other)
    else {
        return Vec::new();
    };
    let fields = Fields::of(&own.value, text, Format::Yaml);
    let options = output("cloudwatch", &own.key, &own.value, text).options;
    let verdict = Plugin::CloudWatch.verdict(&options);
    let is_idle = |key: &str| verdict.idle_line(&snake(key)).is_some();
    let members = own.value.members().iter().enumerate();
    let (idle, others): (Vec<_>, Vec<_>) = members.partition(|(_, member)| is_idle(&member.key));
    let lacking = others
        .into_iter()
        .filter(|(_, member)| !KEYS.contains(&member.key.as_str()));
    let mut removed: Vec<usize> = idle.into_iter().map(|(index, _)| index).collect();
    let mut lines = String::new();
    let indent = " ".repeat(column(text, own.value.at.start) + 2);
    for (index, member) in lacking {
        removed.push(index);
        let value = member.value.text().unwrap_or_default();
        if member.key == "extraOutputs" {
            value
                .lines()
                .for_each(|line| lines.push_str(&format!("\n{indent}{}", line.trim())));
        } else if !value.is_empty() {
            lines.push_str(&format!("\n{indent}{} {value}", snake(&member.key)));
        }
    }
    let added = ("extraOutputs".to_owned(), format!("|{lines}"));
    let added = if lines.is_empty() {
        Vec::new()
    } else {
        vec![added]
    };
    let mut changes = fields.without_and_with(&removed, &added, text, Format::Yaml);
    let key_indent = " ".repeat(column(text, own.key_at.start));
    changes.push(Change {
        at: own.key_at.clone(),
        text: format!("cloudWatchLogs:\n{key_indent}  enabled: false\n{key_indent}cloudWatch"),
    });
    changes
}

/// What the chart has under `cloudWatch`.
const KEYS: [&str; 12] = [
    "enabled",
    "match",
    "region",
    "logGroupName",
    "logStreamName",
    "logStreamPrefix",
    "logKey",
    "logFormat",
    "logRetentionDays",
    "roleArn",
    "autoCreateGroup",
    "endpoint",
];

fn output(plugin: &str, key: &str, node: &Node, text: &str) -> Section {
    let mut section = classic::section("OUTPUT", line_of(text, node.at.start));
    section
        .options
        .0
        .push(("Name".to_owned(), plugin.to_owned()));
    for member in node.members() {
        let is_option = !["enabled", "extraOutputs"].contains(&member.key.as_str());
        if let Some(value) = member
            .value
            .text()
            .filter(|value| is_option && !value.is_empty())
        {
            section.options.0.push((snake(&member.key), value));
        }
    }
    // The edits of this one are those of `moved`.
    if key != "cloudWatchLogs" {
        section.fields = Fields::of(node, text, Format::Yaml);
        for field in &mut section.fields.all {
            field.key = snake(&field.key);
        }
    }
    let more = node.text_of("extraOutputs").unwrap_or_default();
    if let Ok(sections) = classic::sections(&format!("[OUTPUT]\n{more}\n")) {
        section
            .options
            .0
            .extend(sections.into_iter().flat_map(|it| it.options.0));
    }
    section.chart_key = Some(key.to_owned());
    section
}

/// The chart fluent-bit, where a part of the configuration is a text.
fn fluent(document: &mut Document, node: &Node, layer: usize) -> bool {
    let Some(config) = node.get("config").filter(|config| {
        ["outputs", "inputs", "filters", "service"]
            .iter()
            .any(|key| config.get(key).is_some())
    }) else {
        return false;
    };
    image(document, node, layer);
    texts(
        document,
        config,
        layer,
        &[
            "service",
            "inputs",
            "filters",
            "outputs",
            "customParsers",
            "upstream",
        ],
    );
    let files = config
        .get("extraFiles")
        .map(Node::members)
        .unwrap_or_default();
    for member in files {
        if text::read(
            document,
            &member.value,
            layer,
            &format!("`extraFiles.{}`", member.key),
        ) {
            document.names.push(member.key.clone());
        }
    }
    true
}

fn texts(document: &mut Document, node: &Node, layer: usize, keys: &[&str]) {
    for key in keys {
        if let Some(value) = node.get(key) {
            text::read(document, value, layer, &format!("`{key}`"));
        }
    }
}

fn image(document: &mut Document, node: &Node, layer: usize) {
    let within = &document.layers[layer];
    let given = node.get("image").filter(|image| image.is_structure());
    let old = given.and_then(|image| image.text_of("repository"));
    let (repository, tag) = crate::IMAGE
        .rsplit_once(':')
        .unwrap_or((crate::IMAGE, "latest"));
    let is_ours = old.as_deref() == Some(repository);
    let remark = match &old {
        Some(_) if is_ours => Remark::Keep("its image is this router's".to_owned()),
        Some(old) => Remark::image(old),
        None => Remark::Edit(
            "write this router's image under `image`: the chart's own is another".to_owned(),
        ),
    };
    let part = Part::new("chart: the router").with(remark);
    let mut changes = Vec::new();
    if let Some(image) = given.filter(|_| !is_ours) {
        let fields = Fields::of(image, &within.text, within.format);
        changes.extend(fields.set("repository", repository, &within.text, within.format));
        changes.extend(fields.set("tag", tag, &within.text, within.format));
    }
    let changes = changes.into_iter().map(|change| (layer, change)).collect();
    document.found.push(Found::Part(part, changes));
}

/// `logGroupName` -> `log_group_name`.
fn snake(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
