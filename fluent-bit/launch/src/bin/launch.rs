//! The entry point of the router image; the arguments are the container's command.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Err(problem) = launch::start(env::args_os().skip(1).collect());
    eprintln!("log router: {problem}");
    ExitCode::FAILURE
}
