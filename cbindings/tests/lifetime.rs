//! Instances and libraries from their opening to their end, and many flushes at once.

mod probe;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cbindings::host::{
    Generation, Library, Registered, Section, fd_count, is_mapped, stray_lines, thread_count,
};
use probe::{OwnCopy, alone, assert_success, built, library, probe};

const ERROR: i32 = 0;
const OK: i32 = 1;
const RETRY: i32 = 2;

#[test]
fn the_plugin_says_what_it_is_in_every_generation() {
    for generation in GENERATIONS {
        let registered = Library::open(&built(), generation)
            .unwrap()
            .register()
            .unwrap();
        let expected = Registered {
            kind: 2,
            proxy: 11,
            flags: 0,
            name: "probe".to_owned(),
            description: "Does what its options say".to_owned(),
        };
        assert_eq!(registered, expected);
    }
}

#[test]
fn a_library_registered_twice_is_two_plugins() {
    let copy = OwnCopy::new();
    let [one, other] = [(); 2].map(|()| Library::open(&copy.0, Generation::V5_1).unwrap());
    assert_eq!(one.register().unwrap(), other.register().unwrap());
    let done = one.instance(Section::new([("flush", "done")])).unwrap();
    let retry = other.instance(Section::new([("flush", "retry")])).unwrap();
    assert_eq!(done.exit().code, OK);
    drop(one);
    assert_eq!(retry.flush("a.tag", b"chunk").code, RETRY);
}

#[test]
fn instances_answer_for_themselves() {
    let library = library(Generation::V5_1);
    let open = |act| library.instance(Section::new([("flush", act)])).unwrap();
    let (done, retry) = (open("done"), open("retry"));
    assert_eq!(done.flush("a.tag", b"chunk").code, OK);
    assert_eq!(retry.flush("a.tag", b"chunk").code, RETRY);
    assert_eq!(done.exit().code, OK);
    assert_eq!(retry.flush("a.tag", b"chunk").code, RETRY);
}

/// Null is what the host passes to the exit of an instance that did not open.
#[test]
fn an_instance_that_refuses_is_closed_with_null_and_the_next_one_opens() {
    let library = library(Generation::V5_1);
    let refused = library
        .instance(Section::new([("open", "refuse")]))
        .unwrap_err();
    assert_eq!((refused.code, refused.exit_code), (ERROR, OK));
    let lines: Vec<_> = refused
        .lines
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(lines, ["[output:probe:probe.0] told to refuse"]);
    let instance = library.instance(Section::new([("flush", "done")])).unwrap();
    assert_eq!(instance.flush("a.tag", b"chunk").code, OK);
}

#[test]
fn an_instance_that_panics_in_open_is_refused_and_the_next_one_opens() {
    let library = library(Generation::V5_1);
    let refused = library
        .instance(Section::new([("open", "panic")]))
        .unwrap_err();
    assert_eq!((refused.code, refused.exit_code), (ERROR, OK));
    let instance = library.instance(Section::new([("flush", "done")])).unwrap();
    assert_eq!(instance.flush("a.tag", b"chunk").code, OK);
}

#[test]
fn a_panic_in_close_is_an_error_and_no_more() {
    let instance = probe(&[("close", "panic")]);
    assert_eq!(instance.flush("a.tag", b"chunk").code, OK);
    assert_eq!(instance.exit().code, ERROR);
}

#[test]
fn an_instance_that_is_closed_already_asks_for_its_chunks_again() {
    let instance = probe(&[("flush", "done")]);
    assert_eq!(instance.exit_too_early(), OK);
    assert_eq!(instance.flush("a.tag", b"chunk").code, RETRY);
    assert_eq!(instance.exit_too_early(), OK);
    assert_eq!(instance.exit().code, OK);
}

#[test]
fn a_worker_threads_flush_that_the_exit_of_an_old_fluent_bit_overtakes_is_finished() {
    let section = || Section::new([("flush", "panic after hand-over"), ("workers", "2")]);
    for _ in 0..20 {
        let instance = library(Generation::V1_9).instance(section()).unwrap();
        thread::scope(|scope| {
            let flush = scope.spawn(|| instance.flush("a.tag", [1; 100_000]).code);
            assert_eq!(instance.exit_too_early(), OK);
            assert!([OK, RETRY].contains(&flush.join().unwrap()));
        });
    }
}

#[test]
fn flushes_of_many_threads_are_each_answered_with_their_own_verdict() {
    let library = library(Generation::V5_1);
    let open = |act| library.instance(Section::new([("flush", act)])).unwrap();
    let (panics, retry) = (open("panic once"), open("retry"));
    // One panic a thread is enough: each writes to stderr.
    let expected = |turn: usize| if turn == 0 { RETRY } else { OK };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for turn in 0..10_000 {
                    let chunk: &[u8] = if turn == 0 { b"! panic" } else { b"chunk" };
                    assert_eq!(panics.flush("a.tag", chunk).code, expected(turn));
                    if turn % 100 == 0 {
                        assert_eq!(retry.flush("a.tag", chunk).code, RETRY);
                    }
                }
            });
        }
    });
}

#[test]
fn nothing_is_left_after_exit() {
    if let Some(mut command) = alone("nothing_is_left_after_exit") {
        return drop(assert_success(&mut command));
    }
    let before = (thread_count(), fd_count());
    let library = library(Generation::V5_1);
    assert_eq!(
        (thread_count(), fd_count()),
        before,
        "neither thread nor file before init"
    );
    let open_and_close = || {
        let instance = library.instance(Section::new([("flush", "log")])).unwrap();
        assert_eq!(instance.flush("a.tag", b"chunk").code, OK);
        assert_eq!(instance.exit().code, OK);
    };
    open_and_close();
    let before = (thread_count(), fd_count());
    (0..50).for_each(|_| open_and_close());
    // A thread that was joined is listed until the kernel has finished with it.
    let deadline = Instant::now() + Duration::from_secs(10);
    while thread_count() > before.0 && Instant::now() < deadline {
        thread::yield_now();
    }
    let after = (thread_count(), fd_count());
    assert!(
        after.0 <= before.0 && after.1 == before.1,
        "{after:?}, not {before:?}"
    );
    drop(library);
    assert_eq!(stray_lines(), []);
}

/// Fluent Bit's threads that have been in the plugin run its thread-local destructors when they end.
#[test]
fn a_closed_library_stays_mapped_for_the_threads_that_were_in_it() {
    let test = "a_closed_library_stays_mapped_for_the_threads_that_were_in_it";
    if let Some(mut command) = alone(test) {
        return drop(assert_success(&mut command));
    }
    let copy = OwnCopy::new();
    let library = Library::open(&copy.0, Generation::V5_1).unwrap();
    library.register().unwrap();
    // A panic makes the thread use more of the plugin's thread-locals than a plain flush.
    let instance = library
        .instance(Section::new([("flush", "panic at once")]))
        .unwrap();
    assert_eq!(instance.flush("a.tag", b"chunk").code, RETRY);
    assert_eq!(instance.exit().code, OK);
    // The engine's thread ends after the library is closed.
    drop(library);
    assert!(is_mapped(&copy.0));
}

#[test]
fn a_line_can_be_waited_for_while_a_flush_runs() {
    let instance = probe(&[("flush", "log")]);
    let (start, started) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            start.send(()).unwrap();
            instance.flush("a.tag", b"chunk").code
        });
        started.recv().unwrap();
        let line = instance.wait_for_line("line 4 of another thread", Duration::from_secs(10));
        assert_eq!(line.unwrap().level, 4);
    });
    assert_eq!(instance.wait_for_line("line 5", Duration::ZERO), None);
}

/// Oldest first.
const GENERATIONS: [Generation; 4] = [
    Generation::V1_9,
    Generation::V2_2,
    Generation::V4_2,
    Generation::V5_1,
];
