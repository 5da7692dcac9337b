//! A flush is answered at its deadline, for any content of the chunk.

use std::time::{Duration, Instant};

use support::aws::{Action, Rule};
use support::chunk::{Chunk, Time, map};
use support::host::{Verdict, warnings};
use support::output::{DELIVERY_STREAM, GROUP, Output, now_ms, ready};

/// A chunk in which each record has its own stream.
fn streams(count: usize) -> Chunk {
    let now = Time::millis(now_ms());
    (0..count).fold(Chunk::new(), |chunk, n| {
        chunk.v2(
            now,
            map([("name", format!("stream-{n}")), ("log", "x".to_owned())]),
        )
    })
}

fn answered_in_time(count: usize) {
    let aws = ready();
    aws.script(Rule::any(Action::Hang).forever());
    let (group, stream) = (
        Output::cloudwatch(&aws)
            .with("log_group_name", GROUP)
            .with("log_stream_name", "$(name)"),
        Output::firehose(&aws)
            .with("delivery_stream", "$(name)")
            .with("default_delivery_stream", DELIVERY_STREAM),
    );
    let chunk = streams(count);
    for output in [group, stream] {
        let instance = output.with("flush_timeout", "1s").open();
        let began = Instant::now();
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
        let took = began.elapsed();
        let lines = instance.exit();
        assert!(took < LATEST, "{count} streams: {took:?}: {lines:#?}");
        let warned = warnings(&lines);
        assert_eq!(warned.len(), 1, "{lines:#?}");
        assert!(
            warned[0].text.contains("`flush_timeout`"),
            "{}",
            warned[0].text
        );
    }
}

#[test]
fn a_chunk_of_57_000_streams_is_answered_at_the_deadline() {
    answered_in_time(57_000);
}

#[test]
fn a_chunk_of_100_000_streams_is_answered_at_the_deadline() {
    answered_in_time(100_000);
}

/// The deadline plus 100 ms.
const LATEST: Duration = Duration::from_millis(1100);
