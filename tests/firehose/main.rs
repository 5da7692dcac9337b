//! `firehose.so` against the fake service: the records of a chunk are stored in their delivery stream, once.

mod batches;
mod partial;
mod records;
mod time_key;

use support::host::Verdict;

fn assert_ok(verdict: Verdict) {
    assert_eq!(verdict, Verdict::Ok);
}
