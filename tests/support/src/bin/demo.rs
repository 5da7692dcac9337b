//! Runs the demo; its exit code is 0 only when nothing was lost or duplicated.

use std::process::ExitCode;

fn main() -> ExitCode {
    match support::demo::run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("demo: {problem}");
            ExitCode::FAILURE
        }
    }
}
