//! Feeds `checks::put_log_events`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::put_log_events(data));
