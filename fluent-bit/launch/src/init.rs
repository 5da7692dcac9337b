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
mod yaml;

pub use arn::Arn;
pub use folder::Folder;
pub use kind::Pieces;
pub use metadata::Metadata;
pub use s3::Store;
pub(crate) use variables::PREFIX;
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
    let metadata = Metadata::ask().map_err(|problem| vec![problem])?;
    let variables = metadata.variables();
    let folder = Folder::writable(&image.init_folders()).map_err(|problem| vec![problem])?;
    let store = Store::in_region(metadata.region());
    let files = fetch(request, &folder, &store, image)?;
    let Sorted {
        parsers,
        streams,
        mut includes,
    } = Sorted::of(files, &folder)?;
    let own = command
        .configuration()
        .filter(|_| !request.ignore_firelens_config);
    includes.splice(..0, own);
    let main = match includes.iter().all(|path| is_classic(path)) {
        true => folder.write_main(&configuration(&includes, &streams)),
        false => yaml::write(&folder, &includes, &streams),
    };
    let main = main.map_err(|problem| vec![problem])?;
    Ok(Prepared {
        command: command.with_configuration(&main).with_parsers(&parsers),
        variables,
    })
}

/// A file, its bytes, and the variable that asks for it.
struct File {
    variable: String,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// The files on this machine, in order.
fn fetch(
    request: &Request,
    folder: &Folder,
    store: &Store,
    image: &Image,
) -> Result<Vec<File>, Problems> {
    let fetched = request.sources.iter().map(|(variable, source)| {
        let file = match source {
            Source::File(path) => read(path, image).map(|bytes| (path.clone(), bytes)),
            Source::S3(arn) => store
                .fetch(arn)
                .and_then(|bytes| Ok((folder.keep(arn.name(), &bytes)?, bytes))),
        };
        let (path, bytes) = file.map_err(|problem| format!("{variable}: {problem}"))?;
        Ok(File {
            variable: variable.clone(),
            path,
            bytes,
        })
    });
    all(fetched)
}

/// A file of the image; where it is not there, one of its name that is.
fn read(path: &Path, image: &Image) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|problem| {
        let name = path.file_name().unwrap_or_default();
        let folders = image.configurations();
        let mut likely = folders.iter().map(|folder| folder.join(name));
        let likely = likely.find(|likely| likely.is_file() && likely != path);
        let likely = likely.map(|path| format!("; is {} meant?", path.display()));
        format!(
            "{}: {problem}{}",
            path.display(),
            likely.unwrap_or_default()
        )
    })
}

/// Files by how Fluent Bit takes them.
#[derive(Debug, Default)]
struct Sorted {
    /// For `-R`.
    parsers: Vec<PathBuf>,
    /// For `Streams_File`, which is one: the stream tasks of all files.
    streams: Option<PathBuf>,
    /// For the configuration.
    includes: Vec<PathBuf>,
}

impl Sorted {
    fn of(files: Vec<File>, folder: &Folder) -> Result<Self, Problems> {
        let mut sorted = Self::default();
        let mut streams = Vec::new();
        for file in files {
            let put = sorted.put(&file, folder, &mut streams);
            put.map_err(|problem| vec![format!("{}: {problem}", file.variable)])?;
        }
        if !streams.is_empty() {
            let path = folder.keep("streams.conf", &streams);
            sorted.streams = Some(path.map_err(|problem| vec![problem])?);
        }
        Ok(sorted)
    }

    fn put(&mut self, file: &File, folder: &Folder, streams: &mut Vec<u8>) -> Result<(), String> {
        if !is_classic(&file.path) {
            self.includes.push(file.path.clone());
            return Ok(());
        }
        let pieces = Pieces::of(&file.bytes);
        streams.extend_from_slice(&pieces.streams);
        if !pieces.is_mixed() {
            match (pieces.parsers.is_empty(), pieces.streams.is_empty()) {
                (false, _) => self.parsers.push(file.path.clone()),
                (true, true) => self.includes.push(file.path.clone()),
                (true, false) => {}
            }
            return Ok(());
        }
        let path = file.path.display();
        println!(
            "log router: {path} has sections of several kinds: each is given to Fluent Bit in its way"
        );
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        if !pieces.parsers.is_empty() {
            self.parsers
                .push(folder.keep(&format!("parsers-of-{name}"), &pieces.parsers)?);
        }
        if pieces.has_others {
            self.includes
                .push(folder.keep(&format!("sections-of-{name}"), &pieces.others)?);
        }
        Ok(())
    }
}

/// The main file: the image's defaults, then every included file, of which a later one's
/// `[SERVICE]` wins.
fn configuration(included: &[PathBuf], streams: &Option<PathBuf>) -> String {
    let streams = streams
        .iter()
        .map(|path| format!("    Streams_File {}\n", path.display()));
    let streams: String = streams.collect();
    let lines = included
        .iter()
        .map(|path| format!("\n@INCLUDE {}\n", path.display()));
    format!("{DEFAULTS}{streams}{}", lines.collect::<String>())
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
        let text = configuration(&paths, &Some("/s".into()));
        assert_eq!(
            text,
            "[SERVICE]\n    Flush 1\n    Grace 30\n    Streams_File /s\n\n@INCLUDE /a.conf\n\n@INCLUDE /b.conf\n"
        );
    }

    #[test]
    fn the_defaults_are_those_of_a_start_without_init() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/with-defaults.conf");
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(DEFAULTS), "{text}");
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_the_likely_one() {
        let root = std::env::temp_dir().join(format!("likely-{}", std::process::id()));
        let configs = root.join("fluent-bit/configs");
        fs::create_dir_all(&configs).unwrap();
        fs::write(configs.join("parse-json.conf"), "").unwrap();
        let image = Image::below(&root);
        let problem = read(Path::new("/parse-json.conf"), &image).unwrap_err();
        assert!(
            problem.starts_with("/parse-json.conf: No such file"),
            "{problem}"
        );
        assert!(
            problem.ends_with("fluent-bit/configs/parse-json.conf meant?"),
            "{problem}"
        );
        let problem = read(Path::new("/none.conf"), &image).unwrap_err();
        assert!(!problem.contains("meant"), "{problem}");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn sections_go_to_fluent_bit_each_in_its_way() {
        let root = std::env::temp_dir().join(format!("sorted-{}", std::process::id()));
        let folder = Folder::writable(std::slice::from_ref(&root)).unwrap();
        let file = |path: &str, bytes: &[u8]| File {
            variable: "v".to_owned(),
            path: path.into(),
            bytes: bytes.to_vec(),
        };
        let mixed = b"[FILTER]\n Name grep # \xe9\n[PARSER]\n Name a\n[STREAM_TASK]\n Name s\n";
        let files = vec![
            file("/p.conf", b"[PARSER]\n Name b\n"),
            file("/m.conf", mixed),
            file("/s.conf", b"[STREAM_TASK]\n Name t\n"),
            file("/f.conf", b"[FILTER]\n"),
        ];
        let sorted = Sorted::of(files, &folder).unwrap();
        let text = |path: &Path| fs::read(path).unwrap();
        assert_eq!(sorted.parsers[0], Path::new("/p.conf"));
        assert_eq!(text(&sorted.parsers[1]), b"[PARSER]\n Name a\n");
        assert_eq!(text(&sorted.includes[0]), b"[FILTER]\n Name grep # \xe9\n");
        assert_eq!(sorted.includes[1], Path::new("/f.conf"));
        assert_eq!(
            text(&sorted.streams.unwrap()),
            b"[STREAM_TASK]\n Name s\n[STREAM_TASK]\n Name t\n"
        );
        fs::remove_dir_all(root).unwrap();
    }
}
