//! Every configuration that the documents and examples show is one that the plugins start with.

use std::collections::BTreeMap;
use std::fs;

use router::PLUGINS;
use router::options::Reader;
use serde_json::Value;

use crate::{place, read};

type Options = BTreeMap<String, String>;

#[test]
fn the_task_definition_has_outputs_that_start() {
    let task: Value = serde_json::from_str(&read("examples/ecs-task.json")).unwrap();
    let containers = task["containerDefinitions"].as_array().unwrap();
    let logs = containers
        .iter()
        .map(|container| &container["logConfiguration"]);
    let outputs: Vec<_> = logs
        .filter(|logs| logs["logDriver"] == "awsfirelens")
        .collect();
    assert_eq!(outputs.len(), 3);
    for logs in outputs {
        assert_starts("examples/ecs-task.json", options(&logs["options"]));
    }
}

#[test]
fn the_log_configurations_of_the_documents_start() {
    for document in ["README.md", "docs/migration.md"] {
        let text = read(document);
        let blocks = text.split("```json\n").skip(1);
        let blocks = blocks.filter_map(|rest| rest.split("```").next());
        let shown = blocks.map(|block| {
            let shown: Value = serde_json::from_str(&format!("{{{block}}}")).unwrap();
            shown["logConfiguration"].clone()
        });
        let ours: Vec<_> = shown
            .filter(|logs| logs["logDriver"] == "awsfirelens")
            .collect();
        assert!(!ours.is_empty(), "{document}");
        for logs in ours {
            assert_starts(document, options(&logs["options"]));
        }
    }
}

#[test]
fn the_configuration_files_have_outputs_that_start() {
    let folders = ["examples", "examples/monitoring"].map(place);
    let files = folders
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|file| file.unwrap().path());
    let files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|end| end == "conf"))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let outputs: Vec<_> = text.split("[OUTPUT]").skip(1).collect();
        assert!(!outputs.is_empty());
        for output in outputs {
            assert_starts(&file.display().to_string(), section(output));
        }
    }
}

/// The plugin takes the options, and knows each of them.
fn assert_starts(place: &str, mut options: Options) {
    let name = options.remove("Name").expect("an output has a name");
    options.retain(|key, _| !OF_THE_HOST.contains(&key.to_ascii_lowercase().as_str()));
    let plugin = PLUGINS.iter().find(|plugin| plugin.name == name);
    let plugin = plugin.unwrap_or_else(|| panic!("{place}: the output `{name}` is none of ours"));
    for key in options.keys() {
        assert!(
            plugin.options.iter().any(|spec| spec.key == key),
            "{place}: `{key}` is no option"
        );
    }
    let reader = Reader::new(plugin.options, |key| options.get(key).cloned());
    (plugin.read)(&reader, |_| None);
    assert!(
        reader.problems().is_empty(),
        "{place}: {:?}",
        reader.problems()
    );
}

fn options(object: &Value) -> Options {
    serde_json::from_value(object.clone()).expect("options are strings")
}

/// The keys and values of a section up to the next one.
fn section(text: &str) -> Options {
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with('['));
    let pairs = lines.filter(|line| !line.starts_with('#'));
    let pairs = pairs.filter_map(|line| line.split_once(char::is_whitespace));
    pairs
        .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
        .collect()
}

/// Keys that never reach a plugin.
const OF_THE_HOST: [&str; 3] = ["alias", "match", "retry_limit"];
