//! A backlog stays in the memory of Fluent Bit: waiting chunks take no memory of the plugin.

use std::thread;
use std::time::{Duration, Instant};

use cbindings::host::allocated_bytes;
use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Random, Time, map};
use support::host::{Instance, Verdict};
use support::output::{DELIVERY_STREAM, Output, now_ms};

use crate::apart::{KIB, apart};

#[test]
fn a_cloudwatch_backlog_takes_no_plugin_memory() {
    apart(
        "backlog::a_cloudwatch_backlog_takes_no_plugin_memory",
        down,
        |url| {
            measure(&Output::cloudwatch_at(url));
        },
    );
}

#[test]
fn a_firehose_backlog_takes_no_plugin_memory() {
    apart(
        "backlog::a_firehose_backlog_takes_no_plugin_memory",
        down,
        |url| {
            measure(&Output::firehose_at(url));
        },
    );
}

/// Makes the service refuse every call with a temporary error.
fn down(aws: &StandIn) {
    aws.create_delivery_stream(DELIVERY_STREAM);
    let error = ErrorAnswer::new(503, "ServiceUnavailable", "down for long");
    aws.script(Rule::any(Action::Error(error)).forever());
}

fn measure(output: &Output) {
    let instance = output.clone().with("flush_timeout", "1s").open();
    let mut random = Random::seeded(3);
    let chunks: Vec<Chunk> = (0..64).map(|_| megabyte(&mut random)).collect();
    // Delivers as many chunks as are delivered at once, so that threads, connections and buffers exist.
    for _ in 0..2 {
        fail(&instance, &chunks[..CONCURRENCY]);
    }
    let before = allocated_bytes();
    let peak = fail(&instance, &chunks).saturating_sub(before) / KIB;
    let kept = settled(|| allocated_bytes().saturating_sub(before) / KIB);
    println!(
        "memory: 64 MB that cannot be delivered add {peak} KiB at most, {kept} KiB afterwards"
    );
    // Each delivery takes its request, the request of the previous delivery that is being freed, and buffers.
    assert!(peak < CONCURRENCY * 3 * 1024, "{peak} KiB while they wait");
    assert!(kept < KEPT, "{kept} KiB afterwards");
}

/// Repeats a measurement until it is below [`KEPT`], because the memory of a cancelled request is freed
/// after Fluent Bit has its answer. Returns the last measurement after twenty seconds.
fn settled(measure: impl Fn() -> usize) -> usize {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let measured = measure();
        if measured < KEPT || Instant::now() > until {
            return measured;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Maximum memory in KiB that may remain after the backlog was answered.
const KEPT: usize = 1024;

/// The default of `concurrency`.
const CONCURRENCY: usize = 10;

/// A chunk of 1,000 events and 1 MB.
fn megabyte(random: &mut Random) -> Chunk {
    let line = format!("{} {}", random.any(), "x".repeat(1000));
    let now = Time::millis(now_ms());
    (0..1000).fold(Chunk::new(), |chunk, _| {
        chunk.v2(now, map([("log", line.as_str())]))
    })
}

/// Flushes chunks at once that cannot be delivered. Returns the maximum allocated memory in bytes.
fn fail(instance: &Instance, chunks: &[Chunk]) -> usize {
    thread::scope(|scope| {
        let begin = |chunk| scope.spawn(move || instance.flush("a.tag", chunk));
        let flushes: Vec<_> = chunks.iter().map(begin).collect();
        let mut peak = 0;
        while !flushes.iter().all(|flush| flush.is_finished()) {
            peak = peak.max(allocated_bytes());
            thread::sleep(Duration::from_millis(1));
        }
        for flush in flushes {
            assert_eq!(flush.join().expect("no panic"), Verdict::Retry);
        }
        peak
    })
}
