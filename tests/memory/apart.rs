//! A test in two processes: one has the stand-in, the other one has the plugin and measures.

use std::env;

use cbindings::host::EXACT_ALLOCATIONS;
use support::alone::alone;
use support::aws::StandIn;

/// Prepares a stand-in that counts in this process, and calls `measure` with its URL in another one.
/// Returns the stand-in once that has passed; in the process that measures, returns `None`.
pub(crate) fn apart(
    test: &str,
    prepare: impl FnOnce(&StandIn),
    measure: impl FnOnce(&str),
) -> Option<StandIn> {
    if let Ok(url) = env::var(URL) {
        measure(&url);
        return None;
    }
    let aws = StandIn::builder()
        .counting()
        .auto_create()
        .start()
        .expect("starts");
    prepare(&aws);
    let url = aws.url();
    let (exact, value) = EXACT_ALLOCATIONS;
    let ran = alone(test, &[(exact, Some(value)), (URL, Some(&url))]);
    assert!(!ran, "this process has the stand-in, and does not measure");
    Some(aws)
}

/// The variable that has the stand-in's URL.
const URL: &str = "TEST_STAND_IN";

/// Bytes.
pub(crate) const KIB: usize = 1024;
