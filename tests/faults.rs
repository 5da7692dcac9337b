//! A few of the random failure scripts; `make test-faults` plays 2,000.

use support::faults;

#[test]
fn every_event_is_stored_exactly_once_whatever_fails() {
    // The same scripts each time, so that a run of the suite can be repeated; SEED asks for others, and
    // `make test-faults` plays 2,000.
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().expect("SEED is a number"));
    let tally = faults::run(seed, 20);
    println!("faults: first seed {seed}: {tally}");
    assert!(tally.is_clean(), "first seed {seed}: {tally}");
    assert_eq!(tally.scripts, 20);
}
