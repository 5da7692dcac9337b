//! Feeds `checks::put_record_batch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::put_record_batch(data));
