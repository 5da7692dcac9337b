//! Feeds `checks::ledger`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::ledger(data));
