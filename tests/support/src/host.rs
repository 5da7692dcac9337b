//! The plugins as built, in a host that calls them as Fluent Bit does.
//!
//! Safe and short for end-to-end tests; `cbindings::host` has the host itself and says how it is
//! stricter than a real one.

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cbindings::Level;
use cbindings::host::{self, Generation, Layout, Library, Section};

/// A host with one plugin loaded and registered.
#[derive(Clone, Debug)]
pub struct PluginHost {
    library: Library,
}

impl PluginHost {
    /// A host with `cloudwatch.so`.
    ///
    /// # Panics
    ///
    /// When the plugin was not built, or does not load.
    #[must_use]
    pub fn cloudwatch() -> Self {
        Self::load("cloudwatch", Generation::V5_1)
    }

    /// A host with `firehose.so`.
    ///
    /// # Panics
    ///
    /// When the plugin was not built, or does not load.
    #[must_use]
    pub fn firehose() -> Self {
        Self::load("firehose", Generation::V5_1)
    }

    /// A host with `kinesis.so`.
    ///
    /// # Panics
    ///
    /// When the plugin was not built, or does not load.
    #[must_use]
    pub fn kinesis() -> Self {
        Self::load("kinesis", Generation::V5_1)
    }

    /// Opens an output section with these options, at the log level debug.
    ///
    /// # Errors
    ///
    /// The lines that the plugin wrote before it refused.
    pub fn instance<K: AsRef<str>, V: AsRef<str>>(
        &self,
        options: &[(K, V)],
    ) -> Result<Instance, Vec<LogLine>> {
        let options = options
            .iter()
            .map(|(key, value)| (key.as_ref(), value.as_ref()));
        let section = Section::new(options).log_level(Level::Debug as i32);
        match self.library.instance(section) {
            Ok(instance) => Ok(Instance(instance)),
            Err(refused) => Err(lines(refused.lines)),
        }
    }

    /// A host of some generation with the plugin of that name.
    ///
    /// # Panics
    ///
    /// When the plugin was not built, or does not load.
    #[must_use]
    pub fn load(plugin: &str, generation: Generation) -> Self {
        let library = Library::open(&built(plugin), generation);
        let library = library.unwrap_or_else(|reason| panic!("{plugin}.so: {reason}"));
        let registered = library.register().expect("registration cannot fail");
        assert_eq!(registered.name, plugin);
        Self { library }
    }

    /// The host itself, for tests of the boundary.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }
}

/// An open output section. Dropping it closes it.
#[derive(Debug)]
pub struct Instance(host::Instance);

impl Instance {
    /// Delivers a chunk in a coroutine of the engine's, and waits for the answer; several threads may do
    /// so at once.
    ///
    /// # Panics
    ///
    /// When the answer is none that Fluent Bit knows.
    #[must_use]
    pub fn flush(&self, tag: impl AsRef<[u8]>, chunk: impl AsRef<[u8]>) -> Verdict {
        match self.0.flush(tag, chunk).code {
            0 => Verdict::Error,
            1 => Verdict::Ok,
            2 => Verdict::Retry,
            other => panic!("flush answered {other}"),
        }
    }

    /// Where flushes cannot yield, has the worker threads started, as the first flush does that. Several
    /// flushes at once are under way together after that; before it they are where flushes yield only.
    ///
    /// # Panics
    ///
    /// When no threads are started.
    pub fn start_workers(&self) {
        if flushes_yield() {
            return;
        }
        assert_eq!(self.flush("a.tag", b""), Verdict::Ok, "an empty chunk");
        let until = Instant::now() + PATIENCE;
        while self.0.worker_threads() == 0 {
            assert!(Instant::now() < until, "no worker threads are started");
            // A turn of the engine's event loop, whose timer starts them.
            let _turn = self.0.engine_thread();
        }
    }

    /// The lines written so far.
    #[must_use]
    pub fn lines(&self) -> Vec<LogLine> {
        lines(self.0.lines())
    }

    /// Waits for a line with this text in it, as a flush on another thread may write it.
    #[must_use]
    pub fn wait_for_line(&self, part: &str, patience: Duration) -> Option<LogLine> {
        self.0.wait_for_line(part, patience).map(LogLine::from)
    }

    /// The option keys that the plugin has asked for.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.0.asked().into_iter().collect()
    }

    /// Closes the section, and returns all the lines it wrote.
    ///
    /// # Panics
    ///
    /// When the plugin says that it could not be closed.
    #[must_use]
    pub fn exit(self) -> Vec<LogLine> {
        let exited = self.0.exit();
        assert_eq!(exited.code, cbindings::abi::FLB_OK, "exit failed");
        lines(exited.lines)
    }
}

/// What the host does with the chunk next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Gives it up.
    Error,
    /// Forgets it: it is delivered.
    Ok,
    /// Brings it again.
    Retry,
}

/// One line that the plugin wrote into the host's log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogLine {
    /// How serious it is; `None` for a number that the plugin has no name for.
    pub level: Option<Level>,
    /// The text without the host's own head.
    pub text: String,
}

impl From<host::Line> for LogLine {
    fn from(line: host::Line) -> Self {
        let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug];
        let level = levels.into_iter().find(|&level| level as i32 == line.level);
        Self {
            level,
            text: line.text,
        }
    }
}

/// Whether the flushes of this process's hosts can yield; `PLUGIN_HOST_FLUSH=threads` says no.
#[must_use]
pub fn flushes_yield() -> bool {
    Layout::of_environment() != Layout::Unknown
}

/// The lines that have this text in them.
#[must_use]
pub fn telling<'l>(lines: &'l [LogLine], text: &str) -> Vec<&'l LogLine> {
    let telling = lines.iter().filter(|line| line.text.contains(text));
    telling.collect()
}

/// The warnings, and what is worse. Where flushes cannot yield, a warning says so for each section, and
/// is left out: it says nothing of what is tested.
#[must_use]
pub fn warnings(lines: &[LogLine]) -> Vec<&LogLine> {
    let warned = |line: &&LogLine| line.level.is_none_or(|level| level <= Level::Warn);
    let of_the_host = |line: &&LogLine| !flushes_yield() && line.text.contains(STANDS_STILL);
    let lines = lines.iter().filter(warned);
    lines.filter(|line| !of_the_host(line)).collect()
}

fn lines(lines: Vec<host::Line>) -> Vec<LogLine> {
    lines.into_iter().map(LogLine::from).collect()
}

/// The plugin's file: the one in `PLUGIN_DIR`, or the one that Cargo built with this test.
///
/// There is no third place, so that a file left from an earlier build is never tested by mistake.
///
/// # Panics
///
/// When there is no such file.
#[must_use]
pub fn built(plugin: &str) -> PathBuf {
    let place = match env::var_os("PLUGIN_DIR") {
        Some(directory) => Path::new(&directory).join(format!("{plugin}.so")),
        None => beside_the_test(&format!("lib{plugin}.so")),
    };
    assert!(
        place.is_file(),
        "{plugin}.so is not built: make it a dev-dependency of the package, or set PLUGIN_DIR to \
         where `make build` has put it (looked for {})",
        place.display()
    );
    place
}

fn beside_the_test(file: &str) -> PathBuf {
    let test = env::current_exe().expect("a test has a file");
    // A program of Cargo's has the libraries that it depends on one folder below.
    let deps = test.with_file_name("deps").join(file);
    if deps.is_file() {
        deps
    } else {
        test.with_file_name(file)
    }
}

/// Of the warning of a section whose flushes cannot yield.
const STANDS_STILL: &str = "Fluent Bit stands still while this flush waits";

const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::{Chunk, map};

    #[test]
    fn a_section_is_opened_flushed_and_closed() {
        let host = PluginHost::load("probe", Generation::V5_1);
        let instance = host
            .instance(&[("flush", "log"), ("open", "opened")])
            .unwrap();
        let chunk = Chunk::new().v2(1_i64, map([("log", "a line")]));
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
        let opened = "[output:probe:probe.0] opened, as probe.0".to_owned();
        assert_eq!(
            instance.lines()[0],
            LogLine {
                level: Some(Level::Info),
                text: opened
            }
        );
        assert!(instance.asked().contains(&"flush".to_owned()));
        assert_eq!(instance.exit().len(), 5 + chunk.bytes().len());
    }

    #[test]
    fn each_answer_is_a_verdict() {
        let host = PluginHost::load("probe", Generation::V5_1);
        let answers = [
            ("done", Verdict::Ok),
            ("retry", Verdict::Retry),
            ("drop", Verdict::Error),
        ];
        for (act, verdict) in answers {
            let instance = host.instance(&[("flush", act)]).unwrap();
            assert_eq!(instance.flush("a.tag", Chunk::new()), verdict);
        }
    }

    #[test]
    fn a_section_that_does_not_open_says_why() {
        let lines = PluginHost::load("probe", Generation::V5_1)
            .instance(&[("flush", "fly")])
            .unwrap_err();
        assert!(
            lines[0].text.ends_with("flush `fly`: not known"),
            "{lines:?}"
        );
    }

    #[test]
    #[should_panic(expected = "no-such-plugin.so is not built: make it a dev-dependency")]
    fn a_plugin_that_is_not_built_says_what_to_run() {
        drop(built("no-such-plugin"));
    }
}
