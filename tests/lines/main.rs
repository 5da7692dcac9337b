//! Every line that trouble brings, as users find it: a golden file, and what holds for all of them.
//!
//! `UPDATE=1 cargo test --test lines` writes the file anew.

mod cases;
mod early;
mod forged;
mod golden;
mod late;
mod recurring;
mod scenes;
mod secrets;

use support::alone::alone;
use support::host::LogLine;

/// What a section writes in some trouble.
struct Case {
    name: &'static str,
    lines: fn() -> Vec<LogLine>,
}

#[test]
fn each_trouble_has_its_lines() {
    if !alone("each_trouble_has_its_lines", &secrets::ENVIRONMENT) {
        return;
    }
    let told: Vec<_> = cases::CASES
        .iter()
        .map(|case| (case.name, (case.lines)()))
        .collect();
    let lines: Vec<_> = told.iter().flat_map(|(_, lines)| lines).collect();
    secrets::assert_kept(&lines);
    golden::assert_same(&told);
}
