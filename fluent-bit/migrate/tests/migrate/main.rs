//! The tool over what users of the replaced systems have: correct answers, and none that panics.

mod answers;
mod check;
mod damage;
mod fixtures;
mod folders;
mod pipes;
mod real;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use migrate::document::Document;
use migrate::report::Report;

fn report(text: &str) -> Report {
    migrate::report(&Document::parse(text).unwrap_or_else(|why| panic!("{why}: {text}")))
}

/// What the program answers: its status, and what it wrote.
fn run(arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> (i32, String) {
    answered(
        Command::new(env!("CARGO_BIN_EXE_migrate")).args(arguments),
        input,
        environment,
    )
}

/// The same in a folder.
fn run_in(folder: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_migrate"));
    answered(program.args(arguments).current_dir(folder), input, &[])
}

/// The same with what it wrote and what it said apart.
fn parts_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_migrate"));
    let done = program
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        done.status.code().unwrap(),
        text(done.stdout),
        text(done.stderr),
    )
}

fn answered(program: &mut Command, input: &str, environment: &[(&str, &str)]) -> (i32, String) {
    let mut program = program
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = program.stdin.take().unwrap();
    // A program that refuses its arguments reads nothing.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let done = program.wait_with_output().unwrap();
    let text = [done.stdout, done.stderr].concat();
    (
        done.status.code().unwrap(),
        String::from_utf8(text).unwrap(),
    )
}
