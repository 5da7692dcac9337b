//! `healthcheck alive` and `healthcheck delivering`, for a container's `healthCheck`.

use std::env;
use std::process::ExitCode;

use launch::health;

fn main() -> ExitCode {
    match health::check(env::args().skip(1)) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
