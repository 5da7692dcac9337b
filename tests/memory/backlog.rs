//! A backlog stays in Fluent Bit's memory: chunks that wait take none of ours.

use std::thread;
use std::time::{Duration, Instant};

use cbindings::host::allocated_bytes;
use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Random, Time, map};
use support::host::{Instance, Verdict};
use support::output::{DELIVERY_STREAM, Output, now_ms};

use crate::apart::{KIB, apart};

#[test]
fn a_backlog_is_the_hosts_and_not_ours() {
    apart(
        "backlog::a_backlog_is_the_hosts_and_not_ours",
        down,
        |url| {
            measure(&Output::cloudwatch_at(url));
        },
    );
}

#[test]
fn a_backlog_for_firehose_is_the_hosts_and_not_ours() {
    apart(
        "backlog::a_backlog_for_firehose_is_the_hosts_and_not_ours",
        down,
        |url| {
            measure(&Output::firehose_at(url));
        },
    );
}

/// The service is there and refuses every call, for a reason that may pass.
fn down(aws: &StandIn) {
    aws.create_delivery_stream(DELIVERY_STREAM);
    let error = ErrorAnswer::new(503, "ServiceUnavailable", "down for long");
    aws.script(Rule::any(Action::Error(error)).forever());
}

fn measure(output: &Output) {
    let instance = output.clone().with("flush_timeout", "1s").open();
    let mut random = Random::seeded(3);
    let chunks: Vec<Chunk> = (0..64).map(|_| megabyte(&mut random)).collect();
    // As many at once as are delivered at once, so that threads, connections and buffers are there.
    for _ in 0..2 {
        fail(&instance, &chunks[..CONCURRENCY]);
    }
    let before = allocated_bytes();
    let peak = fail(&instance, &chunks).saturating_sub(before) / KIB;
    let kept = settled(|| allocated_bytes().saturating_sub(before) / KIB);
    println!(
        "memory: 64 MB that cannot be delivered add {peak} KiB at most, {kept} KiB afterwards"
    );
    // For each delivery its request, that of the delivery before it that is being freed, and buffers.
    assert!(peak < CONCURRENCY * 3 * 1024, "{peak} KiB while they wait");
    assert!(kept < KEPT, "{kept} KiB afterwards");
}

/// A measure once it is below [`KEPT`], as a request that is given up is freed after the answer to
/// Fluent Bit. The last measure after twenty seconds, if it is not.
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

/// KiB that may be kept of a backlog after its answers.
const KEPT: usize = 1024;

/// The default of `concurrency`.
const CONCURRENCY: usize = 10;

/// A chunk of a thousand events, a megabyte in all.
fn megabyte(random: &mut Random) -> Chunk {
    let line = format!("{} {}", random.any(), "x".repeat(1000));
    let now = Time::millis(now_ms());
    (0..1000).fold(Chunk::new(), |chunk, _| {
        chunk.v2(now, map([("log", line.as_str())]))
    })
}

/// Flushes chunks at once, none of which can be delivered. The most bytes that were allocated
/// meanwhile.
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
