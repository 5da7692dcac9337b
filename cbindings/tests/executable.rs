//! What the plugin finds in the host's executable beside the API table.
//!
//! A test's executable exports nothing, so a library of C loaded into the global scope stands for
//! Fluent Bit's: to the look-up it is the same.

#[expect(dead_code, reason = "one kind of test is here")]
mod probe;

use std::ffi::{CStr, CString, c_char};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cbindings::host::{Generation, Section};
use probe::{alone, assert_success, library};

#[test]
fn metrics_are_made_in_init_and_set_by_each_flush() {
    let test = "metrics_are_made_in_init_and_set_by_each_flush";
    if let Some(mut command) = alone(test) {
        return drop(assert_success(&mut command));
    }
    load_globally(&compiled("metrics", METRICS));
    let instance = library(Generation::V5_1)
        .instance(Section::new([("", ""); 0]))
        .unwrap();
    let made = [
        "counter fluentbit_output_aws_flushes_total(name,half)",
        "gauge fluentbit_output_aws_flushes(name)",
        "histogram fluentbit_output_aws_flush_seconds(name) 0.5 1",
    ];
    let set = |n: u32| {
        let sum = f64::from(n) * 0.75;
        [
            format!("flushes_total an-alias first = {n}"),
            format!("flushes_total an-alias second = {n}"),
            format!("flushes an-alias = {n}"),
            format!("flush_seconds an-alias = 0 {n} {n}, {n}, {sum}"),
        ]
    };
    // Of a family that is made, its series are known by the first value that they are given.
    assert_eq!(told(), [&made.map(str::to_owned)[..], &set(0)].concat());
    for n in 1..=2 {
        assert_eq!(instance.flush("a.tag", b"chunk").code, 1);
        assert_eq!(told(), set(n));
    }
    drop(instance);
    assert!(told().is_empty());
}

#[test]
fn a_host_that_lacks_one_function_shows_no_metrics() {
    let test = "a_host_that_lacks_one_function_shows_no_metrics";
    if let Some(mut command) = alone(test) {
        return drop(assert_success(&mut command));
    }
    let without = METRICS.replace("int cmt_gauge_set(", "int another_gauge_set(");
    load_globally(&compiled("without", &without));
    let section = Section::new([("metrics", "tell")]);
    let instance = library(Generation::V5_1).instance(section).unwrap();
    assert_eq!(instance.flush("a.tag", b"chunk").code, 1);
    assert!(told().is_empty());
    assert!(
        instance
            .wait_for_line("metrics are shown: false", Duration::ZERO)
            .is_some()
    );
}

/// What the host's metrics were told since this was last asked.
fn told() -> Vec<String> {
    // SAFETY: a look-up by a NUL-terminated name in what is loaded.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"told".as_ptr()) };
    assert!(!symbol.is_null());
    // SAFETY: declared so in the source below.
    let told: unsafe extern "C" fn() -> *const c_char = unsafe { std::mem::transmute(symbol) };
    // SAFETY: no other thread of the test tells anything.
    let text = unsafe { told() };
    // SAFETY: ends in NUL, and stays until something is told.
    let text = unsafe { CStr::from_ptr(text) }.to_str().unwrap();
    text.lines().map(str::to_owned).collect()
}

fn compiled(name: &str, text: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(name)
        .with_extension("c");
    let library = source.with_extension("so");
    fs::write(&source, text).unwrap();
    let mut compiler = Command::new(std::env::var_os("TEST_CC").unwrap_or("cc".into()));
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

/// The functions of cmetrics, which write down what they are told; a handle is the metric's name.
const METRICS: &str = r#"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char text[65536];
static void tell(const char *part) { strncat(text, part, sizeof(text) - strlen(text) - 1); }
const char *told(void)
{
    static char last[sizeof(text)];
    strcpy(last, text);
    text[0] = 0;
    return last;
}
const char *flb_output_name(void *instance) { return instance ? "an-alias" : 0; }
void *flb_output_get_cmt_instance(void *instance) { return instance ? "context" : 0; }
static void *made(const char *kind, void *context, char *ns, char *subsystem, char *name, char *help,
                  int count, char **labels)
{
    char line[512];
    if (strcmp(context, "context") || strcmp(help, "Flushes.")) return 0;
    snprintf(line, sizeof(line), "%s %s_%s_%s(%s", kind, ns, subsystem, name, labels[0]);
    tell(line);
    for (int i = 1; i < count; i++) { tell(","); tell(labels[i]); }
    tell(")");
    return strdup(name + strlen("aws_"));
}
static void series(void *metric, int count, char **values)
{
    tell(metric);
    for (int i = 0; i < count; i++) { tell(" "); tell(values[i]); }
    tell(" = ");
}
static int set(void *metric, double value, int count, char **values)
{
    char number[64];
    series(metric, count, values);
    snprintf(number, sizeof(number), "%g\n", value);
    tell(number);
    return 0;
}
void *cmt_counter_create(void *c, char *ns, char *s, char *n, char *h, int count, char **labels)
{
    void *metric = made("counter", c, ns, s, n, h, count, labels);
    tell("\n");
    return metric;
}
void *cmt_gauge_create(void *c, char *ns, char *s, char *n, char *h, int count, char **labels)
{
    void *metric = made("gauge", c, ns, s, n, h, count, labels);
    tell("\n");
    return metric;
}
int cmt_counter_set(void *metric, uint64_t at, double value, int count, char **values)
{
    return at ? set(metric, value, count, values) : -1;
}
int cmt_gauge_set(void *metric, uint64_t at, double value, int count, char **values)
{
    return at ? set(metric, value, count, values) : -1;
}
void *cmt_histogram_buckets_create_size(double *bounds, size_t count)
{
    return count == 2 ? memcpy(malloc(16), bounds, 16) : 0;
}
void *cmt_histogram_create(void *c, char *ns, char *s, char *n, char *h, double *bounds, int count,
                           char **labels)
{
    char line[64];
    void *metric = made("histogram", c, ns, s, n, h, count, labels);
    snprintf(line, sizeof(line), " %g %g\n", bounds[0], bounds[1]);
    tell(line);
    return metric;
}
int cmt_histogram_set_default(void *metric, uint64_t at, uint64_t *buckets, double sum,
                              uint64_t all, int count, char **values)
{
    char line[128];
    series(metric, count, values);
    snprintf(line, sizeof(line), "%d %d %d, %d, %g\n", (int)buckets[0], (int)buckets[1],
             (int)buckets[2], (int)all, sum);
    tell(at ? line : "");
    return 0;
}
"#;
