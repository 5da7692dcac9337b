//! The probe as built, and processes of its own for tests that need one.

use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

use cbindings::host::{Generation, Instance, Library, Section};

/// The probe that Cargo built beside this test.
pub(crate) fn built() -> PathBuf {
    let test = env::current_exe().expect("a test has a file");
    test.with_file_name("libprobe.so")
}

/// A copy of the probe, which the loader takes for another library, with statics of its own.
pub(crate) struct OwnCopy(pub(crate) PathBuf);

impl OwnCopy {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("probe-{}-{count}.so", process::id());
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::copy(built(), &copy).expect("a copy of the probe");
        Self(copy)
    }
}

impl Drop for OwnCopy {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// The probe in a host of this generation.
pub(crate) fn library(generation: Generation) -> Library {
    let copy = OwnCopy::new();
    let library = Library::open(&copy.0, generation).expect("the probe loads");
    library.register().expect("the probe registers");
    library
}

/// An instance of the probe in the newest host, at the log level debug.
pub(crate) fn probe(options: &[(&str, &str)]) -> Instance {
    let section = Section::new(options.iter().copied()).log_level(4);
    library(Generation::V5_1)
        .instance(section)
        .expect("the probe opens")
}

/// The command that runs a test again in a process of its own; `None` in that process.
pub(crate) fn alone(test: &str) -> Option<Command> {
    if env::var_os(ALONE).is_some() {
        return None;
    }
    let mut command = Command::new(env::current_exe().expect("a test has a file"));
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, "1");
    Some(command)
}

/// Runs a process, and fails with what it wrote unless it ended well having run its one test.
pub(crate) fn assert_success(command: &mut Command) -> Output {
    let output = command.output().expect("a test can be run again");
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(
        output.status.success(),
        "{}\n{stdout}\n{stderr}",
        output.status
    );
    assert!(stdout.contains("1 passed"), "no such test\n{stdout}");
    output
}

const ALONE: &str = "PROBE_ALONE";
