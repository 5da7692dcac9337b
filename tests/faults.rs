//! A few of the random failure scripts; `make test-faults` plays 2,000.

use support::chunk::Random;
use support::faults;

#[test]
fn every_event_is_stored_exactly_once_whatever_fails() {
    // A seed of the day's own, printed, so that runs differ and each can be repeated.
    let seed = Random::from_environment().any() % 1_000_000;
    let tally = faults::run(seed, 20);
    println!("faults: first seed {seed}: {tally}");
    assert!(tally.is_clean(), "first seed {seed}: {tally}");
    assert_eq!(tally.scripts, 20);
}
