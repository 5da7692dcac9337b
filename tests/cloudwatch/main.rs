//! `cloudwatch.so` against the fake service: the events of a chunk are stored in their streams, in order, once.

mod batches;
mod create_faults;
mod creation;
mod joined;
mod oversize;
mod records;
mod refusals;
mod routing;
mod selection;

use support::host::Verdict;

fn assert_ok(verdict: Verdict) {
    assert_eq!(verdict, Verdict::Ok);
}
