//! `faults [SCRIPTS] [FIRST_SEED]` plays random failure scripts, see `support::faults`;
//! `faults --minutes MINUTES [FIRST_SEED]` goes on for a time and watches memory, threads and files.
//! `$FLUSH_TIMEOUT` is the plugins' `flush_timeout` in seconds, 1 unless it is set.

use std::env;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use support::faults::{self, Tally};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let soak = arguments.first().is_some_and(|first| first == "--minutes");
    if soak {
        arguments.remove(0);
    }
    let numbers: Result<Vec<u64>, _> = arguments.iter().map(|text| text.parse()).collect();
    let Ok(numbers) = numbers else {
        eprintln!("usage: faults [SCRIPTS] [FIRST_SEED] | faults --minutes MINUTES [FIRST_SEED]");
        return ExitCode::FAILURE;
    };
    let seed = numbers.get(1).copied().unwrap_or(1);
    let tally = match (soak, numbers.first()) {
        (true, minutes) => soak_for(minutes.copied().unwrap_or(10), seed),
        (false, scripts) => play(scripts.copied().unwrap_or(2000), seed),
    };
    let name = if soak { "soak" } else { "faults" };
    println!("{name}: {tally}");
    if tally.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn play(scripts: u64, seed: u64) -> Tally {
    println!("faults: seeds {seed} to {}", seed + scripts - 1);
    let tally = faults::run(seed, scripts);
    println!(
        "faults: {} flushes asked for their chunk again, the latest {} ms after its deadline; {} poisoned events refused",
        tally.retries,
        tally.latest.as_millis(),
        tally.poisoned
    );
    tally
}

/// Plays batches of scripts until the time is up; the last of them ends after it.
fn soak_for(minutes: u64, seed: u64) -> Tally {
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut tally = Tally::default();
    let mut next = seed;
    while Instant::now() < end {
        tally.add(&faults::run(next, BATCH));
        next += BATCH;
        let count = |folder| fs::read_dir(folder).map_or(0, Iterator::count);
        let (threads, files) = (count("/proc/self/task"), count("/proc/self/fd"));
        println!(
            "soak: {} KiB resident, {threads} threads, {files} files; {tally}",
            resident()
        );
    }
    tally
}

/// This process's resident memory in KiB; the stand-in's and the tests' own is in it.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// Scripts between two looks at the process.
const BATCH: u64 = 100;
