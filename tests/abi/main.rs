//! The built plugins behind Fluent Bit's plugin ABI: loaded, opened, flushed and closed as by Fluent Bit.

mod damage;
mod instances;
mod lifetime;
mod options;

use support::host::Verdict;

const OK: i32 = 1;

/// All plugins by name.
const PLUGINS: [&str; 3] = ["cloudwatch", "firehose", "kinesis"];

fn assert_ok(verdict: Verdict) {
    assert_eq!(verdict, Verdict::Ok);
}
