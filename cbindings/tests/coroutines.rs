//! Flushes that wait in coroutines, in worker threads, and what is left of them at the end.

#[expect(dead_code, reason = "instances are opened with more than options here")]
mod probe;

use std::env;
use std::time::{Duration, Instant};

use cbindings::host::{
    ABANDONED, Generation, Instance, Layout, Library, Section, stray_lines, thread_count,
};
use probe::{OwnCopy, alone, assert_success, library};

const OK: i32 = 1;
const RETRY: i32 = 2;

#[test]
fn sixteen_flushes_wait_together_on_the_engines_thread() {
    for layout in [Layout::Plain, Layout::WithValgrindId] {
        for generation in GENERATIONS {
            let instance = open(generation, layout, &[("flush", "hold sixteen")]);
            assert_eq!(codes(&instance, 16), [OK; 16], "{generation:?}, {layout:?}");
            assert_eq!(instance.worker_threads(), 0);
            assert_eq!(instance.exit().code, OK);
        }
    }
    assert_eq!(stray_lines(), []);
}

#[test]
fn a_timer_is_there_while_a_flush_waits_and_gone_after_it() {
    let instance = open(
        Generation::V5_1,
        Layout::Plain,
        &[("flush", "hold sixteen")],
    );
    assert_eq!(instance.timer_count(), 0);
    let waiting: Vec<_> = (0..15)
        .map(|_| instance.begin_flush("a", b"chunk"))
        .collect();
    assert_eq!(instance.timer_count(), 1);
    assert_eq!(instance.flush("a", b"chunk").code, OK);
    assert!(waiting.into_iter().all(|flush| flush.wait().code == OK));
    assert_eq!(instance.timer_count(), 0);
}

#[test]
fn the_exit_gives_the_chunks_of_a_hundred_waiting_flushes_back() {
    let library = library(Generation::V5_1);
    let section = || Section::new([("flush", "hold")]);
    let [first, other] = [(); 2].map(|()| library.instance(section()).unwrap());
    let flush = |instance: &Instance| instance.begin_flush("a.tag", [3; 10_000]);
    let waiting: Vec<_> = (0..100).map(|_| flush(&first)).collect();
    let others = flush(&other);
    let began = Instant::now();
    let exited = first.exit();
    assert_eq!(exited.code, OK);
    let line = "Fluent Bit ends: 100 chunks are not delivered";
    let lines = exited.lines.iter().filter(|one| one.text.contains(line));
    assert_eq!(lines.count(), 1, "{:?}", exited.lines);
    // Under valgrind, which runs one thread at a time, it takes what it takes.
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(2) || env::var_os("SLOW_RUN").is_some(),
        "{took:?}"
    );
    assert!(
        waiting
            .into_iter()
            .all(|flush| flush.wait().code == ABANDONED)
    );
    // The end of one section is that of all: the flushes of another one are asked for as well. It
    // is not closed, so the event loop resumes them.
    assert_eq!(others.wait().code, RETRY);
    let later = flush(&other);
    assert_eq!(other.exit().code, OK);
    assert_eq!(later.wait().code, ABANDONED);
}

/// Before 2.1 only the section opened last is closed, once for each section.
#[test]
fn the_exit_of_an_old_fluent_bit_gives_the_chunks_of_all_sections_back() {
    let library = library(Generation::V1_9);
    let section = || Section::new([("flush", "hold")]);
    let [first, last] = [(); 2].map(|()| library.instance(section()).unwrap());
    let waiting = [&first, &last].map(|one| one.begin_flush("a.tag", [3; 10_000]));
    assert_eq!(last.exit_too_early(), OK);
    // Also the memory of the first one's chunk may go now.
    first.abandon_flushes();
    assert_eq!(waiting.map(|flush| flush.wait().code), [ABANDONED; 2]);
    assert_eq!(last.exit_too_early(), OK);
}

#[test]
fn worker_threads_that_a_section_asks_for_have_flushes_that_yield() {
    let options = [("flush", "hold sixteen"), ("workers", "2")];
    let instance = open(Generation::V1_9, Layout::Plain, &options);
    assert_eq!(codes(&instance, 32), [OK; 32]);
    assert_eq!(instance.worker_threads(), 2);
    assert_eq!(instance.exit().code, OK);
}

#[test]
fn where_flushes_cannot_yield_one_pool_of_threads_is_started() {
    let test = "where_flushes_cannot_yield_one_pool_of_threads_is_started";
    if let Some(mut command) = alone(test) {
        return drop(assert_success(&mut command));
    }
    for generation in GENERATIONS {
        let options = [("flush", "done"), ("threads", "3")];
        let instance = open(generation, Layout::Unknown, &options);
        let before = thread_count();
        // The first one tells that it cannot yield, and blocks the engine until it is answered.
        assert_eq!(instance.flush("a.tag", b"chunk").code, OK);
        assert_eq!(codes(&instance, 16), [OK; 16]);
        assert_eq!(instance.worker_threads(), 3, "{generation:?}");
        assert_eq!(thread_count(), before + 3);
        assert_eq!(instance.exit().code, OK);
    }
    assert_eq!(stray_lines(), []);
}

fn open(generation: Generation, layout: Layout, options: &[(&str, &str)]) -> Instance {
    let copy = OwnCopy::new();
    let library = Library::open_with(&copy.0, generation, layout).unwrap();
    library.register().unwrap();
    library
        .instance(Section::new(options.iter().copied()))
        .unwrap()
}

/// The codes of flushes that are begun together.
fn codes(instance: &Instance, count: usize) -> Vec<i32> {
    let begun: Vec<_> = (0..count)
        .map(|_| instance.begin_flush("a.tag", b"chunk"))
        .collect();
    begun.into_iter().map(|flush| flush.wait().code).collect()
}

/// Oldest first.
const GENERATIONS: [Generation; 4] = [
    Generation::V1_9,
    Generation::V2_2,
    Generation::V4_2,
    Generation::V5_1,
];
