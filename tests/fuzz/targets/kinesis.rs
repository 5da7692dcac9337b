//! Feeds `checks::kinesis`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::kinesis(data));
