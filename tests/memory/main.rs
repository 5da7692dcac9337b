//! The memory that a plugin keeps, each test in its own process. `make memory` prints the values.
//!
//! The tests measure the memory allocated and not freed (`allocated_bytes`). It does not depend on memory
//! that the allocator caches. The fake service runs in another process. The fake Fluent Bit runs in this
//! process: its copies of chunks are not allocated, and its log lines take a few kB.

mod apart;
mod backlog;
mod chunk;

use apart::{KIB, apart};
use cbindings::host::allocated_bytes;
use support::chunk::{Chunk, Time, map};
use support::host::Verdict;
use support::output::{Output, now_ms};

#[test]
fn five_thousand_streams_used_once_leave_no_memory() {
    let aws = apart(
        "five_thousand_streams_used_once_leave_no_memory",
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
    // Flushes as many chunks at once as below, so that connections and buffers exist.
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

/// A chunk with one event for each of these streams.
fn streams(numbers: std::ops::Range<usize>) -> Chunk {
    let now = Time::millis(now_ms());
    numbers.fold(Chunk::new(), |chunk, number| {
        let stream = format!("stream-{number}");
        chunk.v2(now, map([("log", "a line"), ("stream", &stream)]))
    })
}
