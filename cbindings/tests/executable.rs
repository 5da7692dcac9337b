//! What the plugin finds in the host's executable beside the API table.
//!
//! A test's executable exports nothing, so a library of C loaded into the global scope stands for
//! Fluent Bit's: to the look-up it is the same.

#[expect(dead_code, reason = "one kind of test is here")]
mod probe;

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cbindings::host::{Generation, Section};
use probe::{alone, assert_success, library};

#[test]
fn a_host_without_the_functions_is_not_asked() {
    let test = "a_host_without_the_functions_is_not_asked";
    if let Some(mut command) = alone(test) {
        return drop(assert_success(&mut command));
    }
    let expected = ["[output:probe:probe.0] workers 3: no way to ask"];
    assert_eq!(lines_of_three_workers(), expected);
}

#[test]
fn the_hosts_name_is_taken_and_its_workers_are_asked_for() {
    let test = "the_hosts_name_is_taken_and_its_workers_are_asked_for";
    if let Some(mut command) = alone(test) {
        return drop(assert_success(&mut command));
    }
    load_globally(&compiled());
    let expected = ["[output:probe:an-alias] workers 3: asked for"];
    assert_eq!(lines_of_three_workers(), expected);
}

fn lines_of_three_workers() -> Vec<String> {
    let section = Section::new([("workers", "3")]);
    let instance = library(Generation::V5_1).instance(section).unwrap();
    instance
        .exit()
        .lines
        .into_iter()
        .map(|line| line.text)
        .collect()
}

fn compiled() -> PathBuf {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("executable.c");
    let library = source.with_extension("so");
    fs::write(&source, SOURCE).unwrap();
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source);
    assert!(compiler.status().expect("a C compiler is needed").success());
    library
}

fn load_globally(library: &Path) {
    let path = CString::new(library.to_str().unwrap()).unwrap();
    // SAFETY: a library of two functions and no initialisers.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    assert!(!handle.is_null());
}

/// As Fluent Bit declares them; the property is refused unless it is the one expected.
const SOURCE: &str = r#"
#include <string.h>
const char *flb_output_name(void *instance) { return instance ? "an-alias" : 0; }
int flb_output_set_property(void *instance, const char *key, const char *value)
{
    return instance && !strcmp(key, "workers") && !strcmp(value, "3") ? 0 : -1;
}
"#;
