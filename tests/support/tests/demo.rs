//! The demo as a program: what it prints and how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn every_line_of_a_file_arrives_once() {
    let lines = "first\n\n  third \"quoted\"\n".repeat(100) + &"long ".repeat(5_000);
    let output = demo(&file("lines.log", &lines));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let last = text.lines().last().unwrap_or_default();
    // The long line of 25,000 bytes is two records.
    assert_eq!(
        last,
        "demo: sent=906 cloudwatch=302 firehose=302 kinesis=302 lost=0 duplicated=0"
    );
}

#[test]
fn a_file_without_lines_is_no_demo() {
    let output = demo(&file("empty.log", ""));
    assert!(!output.status.success());
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(problem.contains("there is no line in it"), "{problem}");
}

fn demo(lines: &Path) -> Output {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    let folder = lines.with_extension("demo");
    demo.env("FLUENT_BIT", "").env("LOGS", lines);
    demo.env("CHAOS", "").env("DEMO_FOLDER", folder);
    demo.output().expect("the demo starts")
}

fn file(name: &str, text: &str) -> std::path::PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("a folder for tests");
    path
}
