//! `faults [SCRIPTS] [FIRST_SEED]`: plays random failure scripts; see `support::faults`.

use std::env;
use std::process::ExitCode;

use support::faults;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<u64>());
    let scripts = arguments.next().transpose();
    let seed = arguments.next().transpose();
    let (Ok(scripts), Ok(seed)) = (scripts, seed) else {
        eprintln!("usage: faults [SCRIPTS] [FIRST_SEED]");
        return ExitCode::FAILURE;
    };
    let (scripts, seed) = (scripts.unwrap_or(1000), seed.unwrap_or(1));
    println!("faults: seeds {seed} to {}", seed + scripts - 1);
    let tally = faults::run(seed, scripts);
    println!(
        "faults: {} flushes asked for their chunk again",
        tally.retries
    );
    println!("faults: {tally}");
    if tally.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
