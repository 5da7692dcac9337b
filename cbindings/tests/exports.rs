//! What the built library shows to the loader.

#[expect(dead_code, reason = "only the file is looked at")]
mod probe;

use std::process::Command;

#[test]
fn exactly_the_contracts_functions_are_exported() {
    let listing = binutils("nm", &["-D", "--defined-only", "--format=posix"]);
    let mut names: Vec<_> = listing
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    names.sort_unstable();
    let expected = [
        "FLBPluginExit",
        "FLBPluginExitCtx",
        "FLBPluginFlush",
        "FLBPluginFlushCtx",
        "FLBPluginInit",
        "FLBPluginOutputPreExit",
        "FLBPluginOutputPreRun",
        "FLBPluginPreRegister",
        "FLBPluginRegister",
        "FLBPluginUnregister",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_library_is_never_unmapped() {
    let dynamic = binutils("readelf", &["-d"]);
    let flags = dynamic
        .lines()
        .find(|line| line.contains("(FLAGS_1)"))
        .unwrap_or_default();
    assert!(flags.contains("NODELETE"), "{dynamic}");
}

fn binutils(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .arg(probe::built())
        .output();
    let output = output.unwrap_or_else(|problem| panic!("{tool} of binutils is needed: {problem}"));
    assert!(
        output.status.success(),
        "{tool}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("ASCII")
}
