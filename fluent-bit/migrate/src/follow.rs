//! The files that a document names.

use crate::document::{Document, Found};
use crate::task::TaskDefinition;

/// The paths of files that it includes, or that its router reads.
#[must_use]
pub fn paths(document: &Document) -> Vec<String> {
    let mut paths = Vec::new();
    for found in &document.found {
        match found {
            Found::Config(config) => {
                let included = config.sections.iter().filter(|section| section.kind == "@");
                let included = included.filter_map(|section| section.options.get("include"));
                paths.extend(included.map(str::to_owned));
            }
            Found::Task(task) => paths.extend(of_task(task).into_iter().map(|(_, path)| path)),
            _ => {}
        }
    }
    let is_own = |path: &String| {
        document
            .names
            .iter()
            .any(|name| path.ends_with(name.as_str()))
    };
    paths.retain(|path| !is_own(path));
    paths
}

/// The variables and options of a task's router that name a configuration, with the path or ARN.
#[must_use]
pub fn of_task(task: &TaskDefinition) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for router in task.routers() {
        let firelens = router.firelens_configuration.as_ref();
        let value = firelens.and_then(|it| it.options.get("config-file-value"));
        found.extend(value.map(|value| ("config-file-value".to_owned(), value.clone())));
        let variables = router
            .environment
            .iter()
            .filter(|variable| is_of_init(&variable.name));
        found.extend(variables.map(|it| (it.name.clone(), it.value.clone())));
    }
    found
}

/// How the variables of AWS's init begin.
pub const INIT: &str = "aws_fluent_bit_init_";

/// Whether a variable of AWS's init names a file or an object.
fn is_of_init(name: &str) -> bool {
    let rest = name.strip_prefix(INIT).unwrap_or_default();
    let rest = rest.to_ascii_lowercase();
    rest.starts_with("s3") || rest.starts_with("file")
}
