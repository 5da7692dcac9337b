//! Feeds `checks::firehose`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::firehose(data));
