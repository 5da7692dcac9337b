//! Flush and log through the boundary: verdicts, panics, stacks and threads.

mod probe;

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::thread;
use std::{fs, process};

use cbindings::host::{Generation, Library, Section, stray_lines};
use probe::{alone, assert_success, library, probe};

const ERROR: i32 = 0;
const OK: i32 = 1;
const RETRY: i32 = 2;

#[test]
fn a_flush_is_answered_with_the_plugins_verdict() {
    for (act, code) in [
        ("done", OK),
        ("retry", RETRY),
        ("drop", ERROR),
        ("unanswered", RETRY),
    ] {
        let instance = probe(&[("flush", act)]);
        assert_eq!(instance.flush("a.tag", b"chunk").code, code, "{act}");
        assert_eq!(instance.exit().code, OK);
    }
}

#[test]
fn tag_and_chunk_arrive_as_they_were_given() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("echo-{}", process::id()));
    let instance = probe(&[("echo", file.to_str().unwrap())]);
    let given: [(&[u8], &[u8]); 3] = [(b"a", b"\0\xff"), (b"", b""), (b"\xfe.tag", &[7; 100_000])];
    for (tag, chunk) in given {
        assert_eq!(instance.flush(tag, chunk).code, OK);
    }
    assert_eq!(instance.exit().code, OK);
    let echo = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(
        parts(&echo),
        given
            .map(|(tag, chunk)| [tag, chunk].map(<[u8]>::to_vec))
            .concat()
    );
}

#[test]
fn a_panic_over_a_chunk_is_a_retry_and_the_next_chunk_is_delivered() {
    let instance = probe(&[("flush", "panic once")]);
    assert_eq!(instance.flush("a.tag", b"! first").code, RETRY);
    assert_eq!(instance.flush("a.tag", b"second").code, OK);
    assert_eq!(instance.exit().code, OK);
}

#[test]
fn a_panic_on_the_hosts_stack_is_a_retry() {
    let instance = probe(&[("flush", "panic at once")]);
    assert_eq!(instance.flush("a.tag", b"chunk").code, RETRY);
    assert_eq!(instance.exit().code, OK);
}

/// The host's memory is gone when flush returns, so returning early would fault.
#[test]
fn a_panic_after_the_chunk_was_handed_over_still_waits_for_it() {
    let instance = probe(&[("flush", "panic after hand-over")]);
    assert_eq!(instance.flush("a.tag", [1; 100_000]).code, OK);
    assert_eq!(instance.exit().code, OK);
}

#[test]
fn panics_are_survived_with_a_backtrace_asked_for() {
    let test = "panics_are_survived_with_a_backtrace_asked_for";
    if let Some(mut command) = alone(test) {
        return drop(assert_success(command.env("RUST_BACKTRACE", "1")));
    }
    for act in ["panic", "panic at once"] {
        let instance = probe(&[("flush", act)]);
        let flushed = instance.flush("a.tag", b"chunk");
        assert_eq!(flushed.code, RETRY, "{act}");
        assert!(
            flushed.stack_used < STACK_LIMIT,
            "{act}: {} bytes",
            flushed.stack_used
        );
    }
    let options = Section::new([("open", "panic")]);
    assert!(library(Generation::V5_1).instance(options).is_err());
}

#[test]
fn the_hosts_stack_is_spared() {
    for act in ["done", "recurse", "log"] {
        let instance = probe(&[("flush", act)]);
        let flushed = instance.flush("a.tag", b"chunk");
        println!(
            "flush `{act}` used {} bytes of the host's stack",
            flushed.stack_used
        );
        assert_eq!(flushed.code, OK);
        assert!(
            flushed.stack_used < STACK_LIMIT,
            "{act}: {} bytes",
            flushed.stack_used
        );
    }
}

/// The guard page below the stack, without which the measure above would be worth little.
#[test]
fn a_flush_that_needs_more_than_the_stack_ends_the_process() {
    if let Some(mut command) = alone("a_flush_that_needs_more_than_the_stack_ends_the_process") {
        let status = command.output().unwrap().status;
        return assert_eq!(status.signal(), Some(libc::SIGSEGV), "{status}");
    }
    let library = library(Generation::V5_1);
    let section = || Section::new([("flush", "recurse at once")]);
    let roomy = library.instance(section().stack_size(8 << 20)).unwrap();
    assert_eq!(roomy.flush("a.tag", b"chunk").code, OK);
    let usual = library.instance(section()).unwrap();
    panic!("{:?}", usual.flush("a.tag", b"chunk"));
}

#[test]
fn lines_are_printed_by_the_thread_whose_event_loop_the_flushes_run_in() {
    let instance = probe(&[("flush", "log")]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(instance.flush("a.tag", [0; 50]).code, OK));
        }
    });
    let engine = instance.engine_thread();
    let lines = instance.exit().lines;
    assert_eq!(lines.len(), 4 * (3 + 50) + 1, "and how flushes run");
    assert!(lines.iter().all(|line| line.thread == engine));
    assert_eq!(stray_lines(), []);
}

#[test]
fn a_line_says_who_wrote_it_and_is_never_a_format() {
    let instance = probe(&[("flush", "log"), ("open", "opened")]);
    assert_eq!(instance.flush("a.tag", b"").code, OK);
    let lines = instance.exit().lines;
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.level, line.text.as_str()))
        .collect();
    let expected = [
        (3, "[output:probe:probe.0] opened, as probe.0"),
        (
            4,
            "[output:probe:probe.0] flushes yield on the engine's thread while they wait",
        ),
        (1, "[output:probe:probe.0] an error about a.tag"),
        (2, "[output:probe:probe.0] a warning\\u{0}with a NUL"),
        (3, "[output:probe:probe.0] 100 %s and %n of information"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_sections_log_level_is_its_own() {
    let library = library(Generation::V5_1);
    for (level, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 6)] {
        let section = Section::new([("flush", "log")]).log_level(level);
        let instance = library.instance(section).unwrap();
        assert_eq!(instance.flush("a.tag", b"12").code, OK);
        assert_eq!(instance.exit().lines.len(), expected, "log_level {level}");
    }
}

/// No host thread waits while an instance opens, so the lines pile up.
#[test]
fn more_lines_than_fit_are_counted() {
    let lines = probe(&[("lines", "1000")]).exit().lines;
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts.len(), 257);
    assert_eq!(texts[255], "[output:probe:probe.0] line 255");
    assert_eq!(
        texts[256],
        "[output:probe:probe.0] 744 log lines were left out"
    );
}

/// The table has two entries and ends at the end of a page: a look at the third would fault.
#[test]
fn a_host_without_log_functions_gets_the_lines_on_stderr() {
    let test = "a_host_without_log_functions_gets_the_lines_on_stderr";
    if let Some(mut command) = alone(test) {
        let output = assert_success(&mut command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        // Each begins with the time, as the lines of the host do.
        for line in [
            "] [ info] [output:probe:probe.0] opened, as probe.0\n",
            "] [error] [output:probe:probe.0] an error about a.tag\n",
        ] {
            assert!(stderr.contains(line), "{stderr}");
        }
        return assert!(
            !stderr.contains("of another thread"),
            "debug is not wanted\n{stderr}"
        );
    }
    let section = Section::new([("flush", "log"), ("open", "opened")]);
    let instance = library(Generation::V1_9).instance(section).unwrap();
    assert_eq!(instance.flush("a.tag", b"12").code, OK);
    assert_eq!(instance.exit().lines, []);
}

/// Printing happens while the chunk is on loan, so it must not fail.
#[test]
fn a_line_that_cannot_be_printed_is_let_go() {
    if let Some(mut command) = alone("a_line_that_cannot_be_printed_is_let_go") {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        return drop(assert_success(command.stderr(writer)));
    }
    let instance = library(Generation::V1_9)
        .instance(Section::new([("flush", "log")]))
        .unwrap();
    assert_eq!(instance.flush("a.tag", b"chunk").code, OK);
}

#[test]
fn the_generations_since_2_2_get_the_lines_in_their_log() {
    let section = || Section::new([("flush", "log")]);
    for generation in [Generation::V2_2, Generation::V4_2, Generation::V5_1] {
        let instance = library(generation).instance(section()).unwrap();
        assert_eq!(instance.flush("a.tag", b"").code, OK);
        assert_eq!(instance.exit().lines.len(), 3, "{generation:?}");
    }
}

#[test]
fn options_are_found_as_the_host_finds_them() {
    let instance = probe(&[("FLUSH", "drop"), ("flush", "retry"), ("unknown", "x")]);
    assert_eq!(instance.flush("a.tag", b"chunk").code, ERROR);
    let asked = [
        "close", "echo", "flush", "lines", "metrics", "open", "threads",
    ];
    assert_eq!(instance.asked().into_iter().collect::<Vec<_>>(), asked);
}

#[test]
fn what_is_no_plugin_is_refused_with_a_reason() {
    let reason = Library::open(Path::new("/dev/null"), Generation::V5_1).unwrap_err();
    assert!(reason.contains("/dev/null"), "{reason}");
}

fn parts(mut echo: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while !echo.is_empty() {
        let mut len = [0; 8];
        echo.read_exact(&mut len).unwrap();
        let mut part = vec![0; usize::from_be_bytes(len)];
        echo.read_exact(&mut part).unwrap();
        parts.push(part);
    }
    parts
}

/// Of 24 KiB; unoptimised code takes more.
const STACK_LIMIT: usize = if cfg!(debug_assertions) {
    12 * 1024
} else {
    4 * 1024
};
