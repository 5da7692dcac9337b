//! `firehose.so` against the stand-in: what is in a chunk is in the delivery stream, once.

mod batches;
mod partial;
mod records;
mod time_key;

use support::host::{LogLine, Verdict};

fn assert_ok(verdict: Verdict) {
    assert_eq!(verdict, Verdict::Ok);
}

/// The lines that have this text in them.
fn telling<'l>(lines: &'l [LogLine], text: &str) -> Vec<&'l LogLine> {
    let telling = lines.iter().filter(|line| line.text.contains(text));
    telling.collect()
}
