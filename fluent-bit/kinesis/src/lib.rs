//! `kinesis.so`: a file at the path that commands copied from AWS's documentation load with `-e`.
//!
//! Fluent Bit ends when a file of `-e` is missing, so the router image has one. It delivers nothing:
//! a section with `Name kinesis` ends the start, and says what to use in its place.

use std::ffi::CStr;

use cbindings::{Flush, Log, Output, Settings};

struct Absent;

cbindings::export!(Absent);

impl Output for Absent {
    const NAME: &'static CStr = c"kinesis";
    const DESCRIPTION: &'static CStr = c"Not in this image: use kinesis_streams";

    fn open(_: &Settings, log: &Log) -> Option<Self> {
        log.error(format_args!("{ADVICE}"));
        None
    }

    /// No instance is ever opened.
    fn flush(&self, _: Flush) {}

    fn close(self) {}
}

const ADVICE: &str = "the output `kinesis` is not in this image: for Kinesis Data Streams use \
    `kinesis_streams`, which Fluent Bit has built in";
