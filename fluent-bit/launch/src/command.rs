//! The command of the container: what it was given, and what is made of it.
//!
//! A task definition's `command` replaces an image's CMD and leaves its ENTRYPOINT, so commands of
//! every kind come here: none, options alone, a whole command line of Fluent Bit as AWS documents
//! it, or another program.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::image::Image;

/// A program and its arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// The program, as a path or a name to look for on `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl Command {
    /// What a container's command means: Fluent Bit with all plugins and the task's configuration
    /// when there is none; options alone are given to Fluent Bit.
    #[must_use]
    pub fn of(given: Vec<OsString>, image: &Image) -> Self {
        match given.first() {
            Some(first) if !is_option(first) => {
                let mut given = given.into_iter();
                Self {
                    program: given.next().unwrap_or_default(),
                    arguments: given.collect(),
                }
            }
            _ => Self::of_options(given, image),
        }
    }

    fn of_options(options: Vec<OsString>, image: &Image) -> Self {
        let mut command = Self {
            program: image.fluent_bit().into(),
            arguments: options,
        };
        if !command.has(&["-c", "--config", "-i", "--input", "-o", "--output"]) {
            command.prepend("-c", image.configuration());
        }
        if !command.has(&["-e", "--plugin"]) {
            let plugins = image.plugins().into_iter().rev();
            plugins.for_each(|plugin| command.prepend("-e", plugin));
        }
        command
    }

    /// Whether the program is a Fluent Bit.
    #[must_use]
    pub fn is_fluent_bit(&self) -> bool {
        Path::new(&self.program).file_name() == Some(OsStr::new("fluent-bit"))
    }

    /// The configuration file that it names last, as Fluent Bit takes the last one.
    #[must_use]
    pub fn configuration(&self) -> Option<PathBuf> {
        let mut arguments = self.arguments.iter();
        let mut found = None;
        while let Some(argument) = arguments.next() {
            found = match file_of(argument) {
                File::Next => arguments.next().map(PathBuf::from).or(found),
                File::Here(path) => Some(path),
                File::None => found,
            };
        }
        found
    }

    /// The same with another configuration file.
    #[must_use]
    pub fn with_configuration(mut self, path: &Path) -> Self {
        let mut kept = Vec::new();
        let mut arguments = self.arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match file_of(&argument) {
                File::Next => drop(arguments.next()),
                File::Here(_) => {}
                File::None => kept.push(argument),
            }
        }
        kept.extend(["-c".into(), path.into()]);
        self.arguments = kept;
        self
    }

    /// The same with parsers' files.
    #[must_use]
    pub fn with_parsers(mut self, files: &[PathBuf]) -> Self {
        let pairs = files.iter().flat_map(|file| ["-R".into(), file.into()]);
        self.arguments.extend(pairs);
        self
    }

    fn has(&self, names: &[&str]) -> bool {
        let is_one = |argument: &OsString| {
            let text = argument.to_string_lossy();
            names.iter().any(|name| match name.strip_prefix("--") {
                Some(_) => text.split('=').next() == Some(name),
                None => text.starts_with(name) && !text.starts_with("--"),
            })
        };
        self.arguments.iter().any(is_one)
    }

    fn prepend(&mut self, option: &str, value: PathBuf) {
        self.arguments
            .splice(..0, [option.into(), value.into_os_string()]);
    }
}

/// Where an argument says that the configuration's file is.
enum File {
    None,
    Next,
    Here(PathBuf),
}

fn file_of(argument: &OsStr) -> File {
    let bytes = argument.as_bytes();
    let path = |bytes: &[u8]| File::Here(OsString::from_vec(bytes.to_vec()).into());
    match bytes {
        b"-c" | b"--config" => File::Next,
        [b'-', b'c', rest @ ..] => path(rest),
        _ => bytes.strip_prefix(b"--config=").map_or(File::None, path),
    }
}

fn is_option(argument: &OsStr) -> bool {
    argument.as_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(given: &str) -> String {
        let given = given.split_whitespace().map(OsString::from).collect();
        line(&Command::of(given, &Image::below("/")))
    }

    fn line(command: &Command) -> String {
        let parts = [&command.program].into_iter().chain(&command.arguments);
        let parts: Vec<_> = parts.map(|part| part.to_string_lossy()).collect();
        parts.join(" ")
    }

    const WHOLE: &str = "/fluent-bit/bin/fluent-bit -e /fluent-bit/cloudwatch.so \
        -e /fluent-bit/firehose.so -e /fluent-bit/kinesis.so -c /fluent-bit/etc/fluent-bit.conf";

    #[test]
    fn without_a_command_all_plugins_and_the_tasks_configuration_are_loaded() {
        assert_eq!(command(""), WHOLE);
    }

    #[test]
    fn options_alone_are_completed() {
        assert_eq!(command("-q"), format!("{WHOLE} -q"));
        let own = command("-c /own.conf");
        assert_eq!(
            own,
            WHOLE.replace("/fluent-bit/etc/fluent-bit.conf", "/own.conf")
        );
        assert_eq!(
            command("-e /own.so -c/own.conf"),
            "/fluent-bit/bin/fluent-bit -e /own.so -c/own.conf"
        );
        assert!(!command("--input=cpu -o stdout").contains("fluent-bit.conf"));
    }

    #[test]
    fn a_whole_command_line_stays_as_it_is() {
        let copied = "/fluent-bit/bin/fluent-bit -e /fluent-bit/firehose.so \
            -e /fluent-bit/cloudwatch.so -e /fluent-bit/kinesis.so -c /fluent-bit/etc/fluent-bit.conf";
        assert_eq!(command(copied), copied);
        assert_eq!(command("/bin/sh -c date"), "/bin/sh -c date");
    }

    #[test]
    fn only_fluent_bit_is_fluent_bit() {
        let is = |given: &str| Command::of(vec![given.into()], &Image::below("/")).is_fluent_bit();
        assert!(is("/fluent-bit/bin/fluent-bit") && is("fluent-bit") && is("-q"));
        assert!(!is("/bin/sh") && !is("/entrypoint.sh"));
    }

    #[test]
    fn the_configuration_is_found_and_replaced_in_each_spelling() {
        for given in [
            "-c /a -q",
            "-c/a -q",
            "--config /a -q",
            "--config=/a -q",
            "-c /b -q -c /a",
        ] {
            let options = given.split_whitespace().map(OsString::from).collect();
            let command = Command::of(options, &Image::below("/"));
            assert_eq!(command.configuration(), Some("/a".into()), "{given}");
            let replaced = command.with_configuration(Path::new("/n"));
            let text = line(&replaced);
            assert!(
                text.ends_with(" -q -c /n") && !text.contains("/a"),
                "{text}"
            );
        }
    }

    #[test]
    fn parsers_are_named_one_by_one() {
        let command = Command::of(vec!["fluent-bit".into()], &Image::below("/"));
        let command = command.with_parsers(&["/p".into(), "/q".into()]);
        assert_eq!(line(&command), "fluent-bit -R /p -R /q");
    }
}
