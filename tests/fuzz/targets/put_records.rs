//! Feeds `checks::put_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::put_records(data));
