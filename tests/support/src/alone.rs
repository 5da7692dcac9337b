//! Tests that need a process of their own: for its environment, or because they count what it holds.

use std::env;
use std::process::Command;

/// Runs a test again in a process of its own, with these variables set or, for `None`, unset.
/// Answers whether this *is* that process: the test then does its work.
///
/// The test is named as libtest does, `module::name`.
///
/// # Panics
///
/// When the process fails, with what it wrote, or when there is no such test.
#[must_use]
pub fn alone(test: &str, environment: &[(&str, Option<&str>)]) -> bool {
    if env::var_os(ALONE).is_some() {
        return true;
    }
    let mut command = Command::new(env::current_exe().expect("a test has a file"));
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, "1");
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().expect("a test can be run again");
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    let status = output.status;
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    assert!(stdout.contains("1 passed"), "no test `{test}`\n{stdout}");
    print!("{stdout}");
    false
}

const ALONE: &str = "TEST_ALONE";
