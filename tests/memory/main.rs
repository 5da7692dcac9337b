//! What a plugin keeps in memory, in a process of its own each: `make memory` prints the figures.
//!
//! Counted is what is allocated (`RssAnon`), with what the stand-in and the host keep in it, so the
//! bounds are higher than what is the plugin's own.

mod chunk;

use std::fs;
use std::thread;

use support::alone::alone;
use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Random, Time, map};
use support::host::{Instance, Verdict};
use support::output::{Output, now_ms};

#[test]
fn five_thousand_streams_seen_once_are_forgotten() {
    if !alone("five_thousand_streams_seen_once_are_forgotten", &[]) {
        return;
    }
    let aws = counting();
    let instance = Output::cloudwatch(&aws)
        .with("log_stream_name", "$(stream)")
        .with("flush_timeout", "60s")
        .open();
    // As many at once as in each chunk below, so that connections and buffers are there.
    for _ in 0..3 {
        assert_eq!(instance.flush("a.tag", streams(0..500)), Verdict::Ok);
    }
    let before = allocated();
    for first in (500..5_500).step_by(500) {
        let chunk = streams(first..first + 500);
        assert_eq!(instance.flush("a.tag", chunk), Verdict::Ok);
    }
    let more = allocated().saturating_sub(before);
    assert_eq!(aws.look(|account| account.events_tally().count), 6_500);
    println!("memory: 5,000 streams seen once add {more} KiB");
    assert!(more < 10 * 1024, "{more} KiB");
}

#[test]
fn a_backlog_is_the_hosts_and_not_ours() {
    // What the allocator keeps for each thread that once had a body is not a backlog.
    let one_arena = [("MALLOC_ARENA_MAX", Some("1"))];
    if !alone("a_backlog_is_the_hosts_and_not_ours", &one_arena) {
        return;
    }
    let aws = counting();
    let error = ErrorAnswer::new(503, "ServiceUnavailable", "down for long");
    aws.script(Rule::any(Action::Error(error)).forever());
    let instance = Output::cloudwatch(&aws).with("flush_timeout", "1s").open();
    let mut random = Random::seeded(3);
    let mut wave = || {
        let chunks: Vec<Chunk> = (0..8).map(|_| megabyte(&mut random)).collect();
        fail(&instance, &chunks);
        allocated()
    };
    wave();
    let before = wave();
    let after = (0..6).map(|_| wave()).max().unwrap_or_default();
    let more = after.saturating_sub(before);
    println!("memory: 48 MiB that could not be delivered add {more} KiB");
    assert!(more < 10 * 1024, "{more} KiB");
}

fn counting() -> StandIn {
    StandIn::builder()
        .counting()
        .auto_create()
        .start()
        .expect("starts")
}

/// An event for each of these streams.
fn streams(numbers: std::ops::Range<usize>) -> Chunk {
    let now = Time::millis(now_ms());
    numbers.fold(Chunk::new(), |chunk, number| {
        let stream = format!("stream-{number}");
        chunk.v2(now, map([("log", "a line"), ("stream", &stream)]))
    })
}

fn megabyte(random: &mut Random) -> Chunk {
    let line = format!("{} {}", random.any(), "x".repeat(1000));
    let now = Time::millis(now_ms());
    (0..1000).fold(Chunk::new(), |chunk, _| {
        chunk.v2(now, map([("log", line.as_str())]))
    })
}

/// Brings chunks at once, none of which can be delivered.
fn fail(instance: &Instance, chunks: &[Chunk]) {
    thread::scope(|scope| {
        for chunk in chunks {
            scope.spawn(move || assert_eq!(instance.flush("a.tag", chunk), Verdict::Retry));
        }
    });
}

/// KiB.
fn allocated() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number of KiB")
}
