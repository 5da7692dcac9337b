//! A test in two processes: one runs the fake service, the other runs the plugin and measures.

use std::env;

use cbindings::host::EXACT_ALLOCATIONS;
use support::alone::alone;
use support::aws::StandIn;

/// Prepares a fake service in this process and calls `measure` with its URL in a child process. Returns the
/// service after the child has passed. In the child process, returns `None`.
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

/// The variable with the URL of the fake service.
const URL: &str = "TEST_STAND_IN";

/// In bytes.
pub(crate) const KIB: usize = 1024;
