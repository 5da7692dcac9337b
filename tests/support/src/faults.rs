//! Random failure scripts: whatever the service does, every event is stored exactly once.
//!
//! A script is a chunk or a few, some of them equal, and rules for the stand-in; the chunks are
//! brought again as the host does after RETRY. Where the service accepts a request and its answer is
//! lost, nobody can know, and events may be stored twice: those are counted apart.

mod script;
mod tally;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

pub use script::Script;
pub use tally::Tally;

use crate::aws::StandIn;
use crate::host::PluginHost;

/// Runs scripts with consecutive seeds, several at a time.
///
/// # Panics
///
/// When a plugin was not built.
#[must_use]
pub fn run(first_seed: u64, scripts: u64) -> Tally {
    credentials();
    let next = AtomicU64::new(0);
    let (cloudwatch, firehose) = (PluginHost::cloudwatch(), PluginHost::firehose());
    let worker = || {
        let service = StandIn::start();
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= scripts {
                return tally;
            }
            let script = Script::new(first_seed + number);
            let host = if script.is_firehose() {
                &firehose
            } else {
                &cloudwatch
            };
            tally.add(&script.play(host, &service));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        let tallies = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Tally::crash()));
        tallies.fold(Tally::default(), |mut all, tally| {
            all.add(&tally);
            all
        })
    })
}

/// The stand-in takes any credentials; the plugins look for them in the environment.
fn credentials() {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(env::var_os(name).is_some(), "set {name} to any text");
    }
}

/// Most of a script's time is waiting.
const WORKERS: usize = 12;
