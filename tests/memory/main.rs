//! What a plugin keeps in memory, in a process of its own each: `make memory` prints the figures.
//!
//! Counted is what the allocator has given out and not got back (`allocated_bytes`), which does not
//! depend on what the allocator keeps for later. The stand-in is in another process. The plugin host is
//! in this one: its copies of chunks are not allocated, and its log lines are some kilobytes.

mod apart;
mod backlog;
mod chunk;

use apart::{KIB, apart};
use cbindings::host::allocated_bytes;
use support::chunk::{Chunk, Time, map};
use support::host::Verdict;
use support::output::{Output, now_ms};

#[test]
fn five_thousand_streams_seen_once_are_forgotten() {
    let aws = apart(
        "five_thousand_streams_seen_once_are_forgotten",
        |_| (),
        seen_once,
    );
    if let Some(aws) = aws {
        assert_eq!(aws.look(|account| account.events_tally().count), 6_500);
    }
}

fn seen_once(url: &str) {
    let instance = Output::cloudwatch_at(url)
        .with("log_stream_name", "$(stream)")
        .with("flush_timeout", "60s")
        .open();
    // As many at once as in each chunk below, so that connections and buffers are there.
    for _ in 0..3 {
        assert_eq!(instance.flush("a.tag", streams(0..500)), Verdict::Ok);
    }
    let before = allocated_bytes();
    for first in (500..5_500).step_by(500) {
        let chunk = streams(first..first + 500);
        assert_eq!(instance.flush("a.tag", chunk), Verdict::Ok);
    }
    let more = allocated_bytes().saturating_sub(before) / KIB;
    println!("memory: 5,000 streams seen once add {more} KiB");
    assert!(more < 1024, "{more} KiB");
}

/// An event for each of these streams.
fn streams(numbers: std::ops::Range<usize>) -> Chunk {
    let now = Time::millis(now_ms());
    numbers.fold(Chunk::new(), |chunk, number| {
        let stream = format!("stream-{number}");
        chunk.v2(now, map([("log", "a line"), ("stream", &stream)]))
    })
}
