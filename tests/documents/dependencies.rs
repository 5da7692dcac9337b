//! CONTRIBUTING says of every dependency why it is there.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::{place, read};

#[test]
fn each_dependency_has_its_line_and_each_line_its_dependency() {
    let text = read("CONTRIBUTING.md");
    let (_, list) = text
        .split_once("## Dependencies")
        .expect("a chapter on dependencies");
    let lines = list
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
    let explained: BTreeSet<_> = lines.map(|(name, _)| name.to_owned()).collect();
    let direct = direct();
    let missing: Vec<_> = direct.difference(&explained).collect();
    assert!(missing.is_empty(), "without a line: {missing:?}");
    let left: Vec<_> = explained.difference(&direct).collect();
    assert!(left.is_empty(), "not used any more: {left:?}");
}

/// The dependencies that any manifest of the workspace names, but for its own crates.
fn direct() -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = [
        "metadata",
        "--no-deps",
        "--offline",
        "--locked",
        "--format-version",
        "1",
    ];
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(place("."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let named = packages.flat_map(|package| package["dependencies"].as_array().unwrap());
    let foreign = named.filter(|dependency| !dependency["source"].is_null());
    foreign
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}
