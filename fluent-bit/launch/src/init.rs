//! What AWS's `init-*` images do before Fluent Bit starts: the task's metadata as variables, and
//! more configuration from S3 and from files of the image.
//!
//! Asked for by variables that begin with `aws_fluent_bit_init_`. Differs from AWS's in what its
//! users asked for: files are taken in the order of their numbers, two of one name are kept apart,
//! and every failure is told before the start is given up.

mod arn;
mod folder;
mod kind;
mod metadata;
mod s3;
mod variables;

pub use arn::Arn;
pub use folder::Folder;
pub use kind::Kind;
pub use metadata::Metadata;
pub use s3::Store;
pub use variables::{Request, Source};

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::image::Image;

/// Why Fluent Bit is not started: each problem is a sentence.
pub type Problems = Vec<String>;

/// A command with what init adds to it, and the variables that it is to run with.
#[derive(Debug)]
pub struct Prepared {
    /// Fluent Bit, with init's configuration and parsers.
    pub command: Command,
    /// Variables that are not set yet.
    pub variables: Vec<(&'static str, String)>,
}

/// Fetches what was asked for and writes the configuration that leads to it.
///
/// # Errors
///
/// Every file that cannot be had, with the reason.
pub fn prepare(request: &Request, command: Command, image: &Image) -> Result<Prepared, Problems> {
    let metadata = Metadata::ask();
    let variables = metadata.variables();
    let folder = Folder::writable(&image.init_folders()).map_err(|problem| vec![problem])?;
    let store = Store::in_region(metadata.region());
    let files = fetch(request, &folder, &store)?;
    let (parsers, includes) = sort(files)?;
    let own = command
        .configuration()
        .filter(|_| !request.ignore_firelens_config);
    let text = configuration(own.iter().chain(&includes))?;
    let main = folder.write_main(&text).map_err(|problem| vec![problem])?;
    Ok(Prepared {
        command: command.with_configuration(&main).with_parsers(&parsers),
        variables,
    })
}

/// The files on this machine, in order.
fn fetch(request: &Request, folder: &Folder, store: &Store) -> Result<Vec<PathBuf>, Problems> {
    let fetched = request.sources.iter().map(|(variable, source)| {
        let file = match source {
            Source::File(path) => Ok(path.clone()),
            Source::S3(arn) => store
                .fetch(arn)
                .and_then(|text| folder.keep(arn.name(), &text)),
        };
        file.map_err(|problem| format!("{variable}: {problem}"))
    });
    all(fetched)
}

/// Files of parsers, and those to include.
fn sort(files: Vec<PathBuf>) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Problems> {
    let read = files.into_iter().map(|path| {
        let text = fs::read_to_string(&path);
        let text = text.map_err(|problem| format!("{}: {problem}", path.display()))?;
        Ok((Kind::of(&text), path))
    });
    let files = all(read)?;
    for (_, path) in files.iter().filter(|(kind, _)| *kind == Kind::Mixed) {
        let path = path.display();
        println!("log router: {path} has parsers and other sections: only its parsers are used");
    }
    let (includes, parsers): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|(kind, _)| *kind == Kind::Configuration);
    let paths = |files: Vec<(Kind, PathBuf)>| files.into_iter().map(|(_, path)| path).collect();
    Ok((paths(parsers), paths(includes)))
}

/// The main file: the image's defaults, then every included file, of which a later one's
/// `[SERVICE]` wins.
fn configuration<'p>(included: impl Iterator<Item = &'p PathBuf>) -> Result<String, Problems> {
    let lines = included.map(|path| match is_classic(path) {
        true => Ok(format!("\n@INCLUDE {}\n", path.display())),
        false => Err(format!(
            "{}: YAML cannot be included by init's configuration: use the classic format",
            path.display()
        )),
    });
    Ok(format!("{DEFAULTS}{}", all(lines)?.concat()))
}

fn is_classic(path: &Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    !end.is_some_and(|end| ["yaml", "yml"].contains(&&*end.to_ascii_lowercase()))
}

/// All values, or all problems.
fn all<T>(results: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, Problems> {
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(problem) => problems.push(problem),
        }
    }
    match problems.is_empty() {
        true => Ok(values),
        false => Err(problems),
    }
}

/// The same as in the image's file for a start without init.
const DEFAULTS: &str = "[SERVICE]\n    Flush 1\n    Grace 30\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_stand_before_every_included_file() {
        let paths = ["/a.conf".into(), "/b.conf".into()];
        let text = configuration(paths.iter()).unwrap();
        assert_eq!(
            text,
            "[SERVICE]\n    Flush 1\n    Grace 30\n\n@INCLUDE /a.conf\n\n@INCLUDE /b.conf\n"
        );
    }

    #[test]
    fn the_defaults_are_those_of_a_start_without_init() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/with-defaults.conf");
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(DEFAULTS), "{text}");
    }

    #[test]
    fn yaml_is_refused() {
        let paths = ["/a.yaml".into(), "/b.YML".into(), "/c".into()];
        let problems = configuration(paths.iter()).unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn every_problem_is_told() {
        let problems = sort(vec!["/no/a".into(), "/no/b".into()]).unwrap_err();
        assert!(problems[0].starts_with("/no/a: ") && problems[1].starts_with("/no/b: "));
    }
}
