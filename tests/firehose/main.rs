//! `firehose.so` against the stand-in: what is in a chunk is in the delivery stream, once.

mod batches;
mod partial;
mod records;
mod time_key;

use support::host::Verdict;

fn assert_ok(verdict: Verdict) {
    assert_eq!(verdict, Verdict::Ok);
}
