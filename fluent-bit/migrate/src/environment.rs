//! Files of variables: compose's `env_file`, the `environmentFiles` of a task definition.

use crate::document::{Document, Found};
use crate::follow;
use crate::source::{Files, Source};
use crate::task::{Container, Variable};

/// Adds the variables of the files that a router has, as far as these are here.
pub fn add(document: &mut Document, source: &Source, files: &Files) {
    for found in &mut document.found {
        let Found::Task(task) = found else {
            continue;
        };
        let routers = task.container_definitions.iter_mut();
        for router in routers.filter(|it| it.firelens_configuration.is_some()) {
            of_router(router, source, files, &mut document.used);
        }
    }
}

fn of_router(
    router: &mut Container,
    source: &Source,
    files: &Files,
    used: &mut std::collections::BTreeSet<String>,
) {
    for file in &mut router.environment_files {
        let near = files.near(source, &file.path);
        file.is_here = !near.is_empty();
        for near in near {
            // A variable of the definition itself counts before one of a file; what is of no use is
            // to be left out of both.
            for (name, value) in variables(&near.text) {
                let is_set = router.environment.iter().any(|it| it.name == name);
                if !(is_set && name.starts_with(follow::INIT)) {
                    router.environment.push(Variable {
                        name,
                        value,
                        file: Some(file.path.clone()),
                    });
                }
            }
            used.insert(near.name);
        }
    }
}

/// The variables of a text of lines `NAME=VALUE`, with comments behind `#`.
fn variables(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let quoted = ['"', '\''].iter().find_map(|quote| {
            value
                .strip_prefix(*quote)
                .and_then(|rest| rest.strip_suffix(*quote))
        });
        Some((name.trim().to_owned(), quoted.unwrap_or(value).to_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_variables() {
        let text = "# a=b\nA=1\nexport B = \"x=y\"\n\nC='z'\nno variable\n";
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let expected = [("A", "1"), ("B", "x=y"), ("C", "z")].map(owned);
        assert_eq!(variables(text), expected);
    }
}
