//! Programs for the CDK: the literal options of FireLens and awslogs in them.

use crate::document::{Document, Found};
use crate::report::{Part, Remark};
use crate::source::Source;
use crate::task::{Container, Flavor, Logs, TaskDefinition};
use crate::tree::{Format, Kind, Member, Node, Style, line_of};

pub(super) fn is_program(source: &Source) -> bool {
    let name = source.file_name();
    let endings = [".ts", ".js", ".mjs", ".py", ".java", ".cs", ".go"];
    let is_named = endings.iter().any(|ending| name.ends_with(ending));
    let is_cdk = source.text.contains("aws-cdk-lib") || source.text.contains("aws_cdk");
    is_named || (is_cdk && source.name == "-")
}

pub(super) fn read(document: &mut Document, source: &Source) {
    let text = &source.text;
    let layer = document.layer(text, Format::Json, None);
    let mut containers = Vec::new();
    for (call, driver) in CALLS {
        for (at, _) in text.match_indices(call) {
            let line = line_of(text, at);
            let logs = literal(text, at + call.len(), driver);
            containers.push((line, driver, logs));
        }
    }
    containers.sort_by_key(|(line, ..)| *line);
    let containers: Vec<Container> = containers.into_iter().map(container).collect();
    if containers.is_empty() {
        return;
    }
    let title = "a program for the CDK";
    let advice = "only literal options are read from a program: `cdk synth` writes a template that is read whole";
    let part = Part::new(title).with(Remark::Change(advice.to_owned()));
    let has_firelens = containers.iter().any(|it| {
        it.log_configuration
            .as_ref()
            .is_some_and(|logs| logs.log_driver == "awsfirelens")
    });
    let part = match image(text) {
        Some(remark) if has_firelens => part.with(remark),
        _ => part,
    };
    document.found.push(Found::Part(part, Vec::new()));
    document.found.push(Found::Task(Box::new(TaskDefinition {
        flavor: Flavor::Program,
        layer,
        container_definitions: containers,
        ..TaskDefinition::default()
    })));
}

/// What is to be done about the router's image.
fn image(text: &str) -> Option<Remark> {
    let own = [
        "obtainDefaultFluentBitECRImage",
        "obtain_default_fluent_bit_ecr_image",
        "aws-for-fluent-bit",
    ];
    let is_added = ["addFirelensLogRouter", "add_firelens_log_router"]
        .iter()
        .any(|call| text.contains(call));
    if let Some(found) = own.iter().find(|name| text.contains(**name)) {
        return Some(Remark::Edit(format!(
            "give the router this image in place of `{found}`: `ContainerImage.fromRegistry('{}')`",
            crate::IMAGE
        )));
    }
    (!is_added).then(|| Remark::Edit("the CDK adds a router with AWS's image: add one with this router's by `addFirelensLogRouter`".to_owned()))
}

/// The calls that give a container its log driver.
const CALLS: [(&str, &str); 7] = [
    ("LogDrivers.firelens(", "awsfirelens"),
    ("LogDriver.firelens(", "awsfirelens"),
    ("LogDrivers.fire_lens(", "awsfirelens"),
    ("FireLensLogDriver(", "awsfirelens"),
    ("LogDrivers.awsLogs(", "awslogs"),
    ("LogDrivers.aws_logs(", "awslogs"),
    ("LogDriver.awsLogs(", "awslogs"),
];

fn container((line, driver, node): (usize, &str, Option<Node>)) -> Container {
    let mut logs = Logs {
        log_driver: driver.to_owned(),
        ..Logs::default()
    };
    if let Some(node) = node {
        let options = crate::task::pairs(&node).into_iter();
        logs.options = match driver {
            "awslogs" => options
                .filter_map(|(key, value)| Some((of_cdk(&key)?.to_owned(), value)))
                .collect(),
            _ => options.collect(),
        };
        let member = Member {
            key: "options".to_owned(),
            key_at: node.at.clone(),
            value: node.clone(),
        };
        logs.node = Some(Node::new(Kind::Map(vec![member]), node.at.clone()));
    }
    Container {
        name: format!("line {line}"),
        log_configuration: Some(logs),
        ..Container::default()
    }
}

/// The driver's option that a property of the CDK is.
fn of_cdk(key: &str) -> Option<&'static str> {
    Some(match key.replace('_', "").to_ascii_lowercase().as_str() {
        "loggroup" => "awslogs-group",
        "streamprefix" => "awslogs-stream-prefix",
        "datetimeformat" => "awslogs-datetime-format",
        "multilinepattern" => "awslogs-multiline-pattern",
        "mode" => "mode",
        "maxbuffersize" => "max-buffer-size",
        _ => return None,
    })
}

/// The literal mapping of a call: for FireLens that of its `options`.
fn literal(text: &str, from: usize, driver: &str) -> Option<Node> {
    let end = closing(text, from)?;
    let inside = text.get(from..end)?;
    if driver == "awslogs" {
        let begin = inside.find('{').map_or(from, |at| from + at + 1);
        let end = if begin > from { end - 1 } else { end };
        return Some(pairs(text, begin, end));
    }
    let options = inside.find("options")? + "options".len();
    let open = inside[options..].find('{')? + options;
    let begin = from + open + 1;
    let end = closing(text, begin)?;
    Some(pairs(text, begin, end))
}

/// `key: value` or `key=value` parted by commas.
fn pairs(text: &str, from: usize, to: usize) -> Node {
    let mut members = Vec::new();
    let mut begin = from;
    let bytes = text.as_bytes();
    while begin < to {
        let end = next_comma(bytes, begin, to);
        if let Some(member) = pair(text, begin, end) {
            members.push(member);
        }
        begin = end + 1;
    }
    Node::new(Kind::Map(members), from.saturating_sub(1)..to + 1)
}

fn pair(text: &str, from: usize, to: usize) -> Option<Member> {
    let part = text.get(from..to)?;
    let joint = part.find([':', '='])?;
    let trimmed = |from: usize, to: usize| {
        let part = &text[from..to];
        let begin = from + (part.len() - part.trim_start().len());
        begin..from + part.trim_end().len()
    };
    let (key_at, value_at) = (trimmed(from, from + joint), trimmed(from + joint + 1, to));
    let key = text
        .get(key_at.clone())?
        .trim_matches(['"', '\''])
        .to_owned();
    let value = text.get(value_at.clone())?;
    let quote = value.chars().next().filter(|c| "\"'`".contains(*c));
    let is_literal = quote.is_some_and(|quote| {
        value.len() >= 2 && value.ends_with(quote) && value.matches(quote).count() == 2
    });
    let value = if is_literal {
        let mut node = Node::new(Kind::Text(value[1..value.len() - 1].to_owned()), value_at);
        node.style = Style::Double;
        node
    } else {
        Node::unknown(
            &value.split_whitespace().collect::<Vec<_>>().join(" "),
            value_at,
        )
    };
    (!key.is_empty() && !key.contains(char::is_whitespace)).then_some(Member { key, key_at, value })
}

/// The place of the bracket that closes what is open at a place.
fn closing(text: &str, from: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (offset, byte) in text.as_bytes().get(from..)?.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(*byte),
            (None, b'(' | b'{' | b'[') => depth += 1,
            (None, b')' | b'}' | b']') if depth == 0 => return Some(from + offset),
            (None, b')' | b'}' | b']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn next_comma(bytes: &[u8], from: usize, to: usize) -> usize {
    let (mut depth, mut quote) = (0usize, None);
    for (at, byte) in bytes.iter().enumerate().take(to).skip(from) {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(*byte),
            (None, b'(' | b'{' | b'[') => depth += 1,
            (None, b')' | b'}' | b']') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 => return at,
            _ => {}
        }
    }
    to
}
