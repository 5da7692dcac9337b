//! Random failure scripts: whatever the service does, every event is stored exactly once.
//!
//! A script is a chunk or a few, some of them equal, trouble for the stand-in, and times at which the
//! section is closed in the middle and opened again. The chunks are flushed again as the host does after
//! RETRY. An event may be missing only if the script has poisoned it: the service refuses whatever holds
//! it. It may be doubled only if a request that held it was accepted and the answer was lost, or came when
//! the plugin had given up or was killed, or if the section was closed without `resume_path`; those are
//! counted apart, as ambiguous.
//!
//! A panic inside a built plugin cannot be caused from outside; the tests of `cbindings` and of the router
//! cause those.

mod balance;
mod logged;
mod play;
mod script;
mod tally;
mod target;
mod trouble;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

pub use script::Script;
pub use tally::Tally;
pub use target::Target;

use cbindings::host::Generation;

use crate::aws::StandIn;
use crate::host::PluginHost;
use play::Play;

/// Runs scripts with consecutive seeds, several at a time.
///
/// # Panics
///
/// When a plugin was not built.
#[must_use]
pub fn run(first_seed: u64, scripts: u64) -> Tally {
    credentials();
    let next = AtomicU64::new(0);
    let worker = || {
        // Hosts of its own: an exit cancels all flushes of its engine's thread.
        let targets = [Target::CloudWatch, Target::Firehose, Target::Kinesis];
        let hosts =
            targets.map(|target| (target, PluginHost::load(target.plugin(), Generation::V5_1)));
        let service = StandIn::start();
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= scripts {
                return tally;
            }
            let script = Script::new(first_seed + number);
            let mut hosts = hosts.iter();
            let host = hosts.find(|(target, _)| *target == script.target());
            let (_, host) = host.expect("a host for each target");
            tally.add(&Play::of(&script, host, &service));
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

/// Seconds of `$FLUSH_TIMEOUT`, for builds that are slow; 1 without it.
fn flush_timeout() -> Duration {
    let set = env::var("FLUSH_TIMEOUT").ok();
    let seconds = set.and_then(|seconds| seconds.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds)
}

/// Most of a script's time is waiting.
const WORKERS: usize = 20;
