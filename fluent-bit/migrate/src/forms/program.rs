//! Programs for the CDK: the literal options of FireLens and awslogs in them.

mod calls;
mod shape;

use self::calls::Calls;
use crate::document::{Document, Found};
use crate::report::{Part, Remark};
use crate::source::Source;
use crate::task::{Container, Flavor, Logs, TaskDefinition};
use crate::tree::{Format, Kind, Member, Node, line_of};

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
    let calls = Calls::of(text, source.file_name().ends_with(".py"));
    let (mut containers, mut is_called) = (Vec::new(), false);
    for (call, driver) in CALLS {
        for (at, _) in text
            .match_indices(call)
            .filter(|(at, _)| calls.is_code(*at))
        {
            let line = line_of(text, at);
            let literal = calls.options(at + call.len(), driver);
            for choice in &literal.choices {
                document.note(layer, choice);
            }
            is_called = true;
            // Of options that are not literal nothing is known.
            if literal.node.is_some() || literal.choices.is_empty() {
                containers.push((line, driver, literal.node));
            }
        }
    }
    containers.sort_by_key(|(line, ..)| *line);
    let containers: Vec<Container> = containers.into_iter().map(container).collect();
    if !is_called {
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
    if containers.is_empty() {
        return;
    }
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
