//! Text -> a task definition or a configuration.

use serde_json::Value;

use crate::classic::{self, Section};
use crate::task::TaskDefinition;
use crate::yaml;

/// What the tool reads.
#[derive(Clone, Debug)]
pub enum Input {
    /// A task definition of ECS.
    Task(Box<TaskDefinition>),
    /// A configuration of Fluent Bit, classic or in YAML.
    Config(Vec<Section>),
}

impl Input {
    /// Reads a text: JSON is a task definition, everything else a configuration.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with(['{', '"']) || text.trim().is_empty() {
            return task(text).map(|task| Self::Task(Box::new(task)));
        }
        let sections = if yaml::is_yaml(text) {
            yaml::sections(text)?
        } else {
            classic::sections(text)?
        };
        if sections.is_empty() {
            return Err("there is no section in it".to_owned());
        }
        Ok(Self::Config(sections))
    }
}

fn task(text: &str) -> Result<TaskDefinition, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let members = value
        .as_object()
        .ok_or("a task definition is a JSON object")?;
    if members.contains_key("Resources") {
        return Err(CLOUDFORMATION.to_owned());
    }
    if !members.contains_key("taskDefinition") && !members.contains_key("containerDefinitions") {
        return Err("no task definition: it has no `containerDefinitions`".to_owned());
    }
    // Read from the text again where that is the whole, as only then errors tell the line.
    let task = match members.get("taskDefinition") {
        Some(described) => serde_json::from_value(described.clone()),
        None => serde_json::from_str(text),
    };
    task.map_err(|error| format!("no task definition: {error}"))
}

const CLOUDFORMATION: &str = "this is a CloudFormation template: give the task definition that it makes, `aws ecs describe-task-definition --task-definition FAMILY`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_definition_may_be_one_that_was_described() {
        for text in [
            r#"{"containerDefinitions": [{"name": "a"}]}"#,
            r#" {"taskDefinition": {"containerDefinitions": [{"name": "a"}]}, "tags": []}"#,
        ] {
            let Ok(Input::Task(task)) = Input::read(text) else {
                panic!("{text}");
            };
            assert_eq!(task.container_definitions[0].name, "a");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (text, told) in [
            ("", "no JSON: EOF"),
            (
                "{",
                "no JSON: EOF while parsing an object at line 1 column 1",
            ),
            ("\"x\"", "a task definition is a JSON object"),
            ("{}", "no `containerDefinitions`"),
            ("{\"Resources\": {}}", "CloudFormation"),
            (
                "{\"containerDefinitions\":\n [{\"name\": 7}]}",
                "invalid type: integer `7`, expected a string at line 2 column 12",
            ),
            (
                r#"{"containerDefinitions": [{"name": "a", "logConfiguration": {"logDriver": "awslogs", "options": {"x": true}}}]}"#,
                "expected a string at line 1",
            ),
            ("service:\n  flush: [\n", "no YAML"),
            ("# nothing", "no section"),
            ("Name x", "line 1"),
        ] {
            let told_here = Input::read(text).map(|_| ()).unwrap_err();
            assert!(told_here.contains(told), "{text}: {told_here}");
        }
    }
}
