//! What every output section does alike: read its options at the start, sum up a flush at its end.

use std::sync::Once;

use cbindings::{Flush, Level, Log, Settings};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::options::{Reader, Spec};
use crate::report::Report;
use crate::session::deadline;

/// Reads a section's options. Every problem is an error line of its own, and then there is no
/// configuration; a key that has no effect is a warning.
pub fn configure<C>(
    settings: &Settings,
    log: &Log,
    specs: &'static [Spec],
    foreign: &[(&str, &str)],
    read: impl FnOnce(&Reader<'_>, fn(&str) -> Option<String>) -> C,
) -> Option<C> {
    let reader = Reader::new(specs, |key| settings.option(key));
    let config = read(&reader, environment);
    for unknown in reader.unknown(foreign) {
        log.warn(format_args!("{unknown}"));
    }
    let problems = reader.problems();
    for problem in &problems {
        log.error(format_args!("{problem}"));
    }
    problems.is_empty().then_some(config)
}

/// A variable of the environment; an empty one is none.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What an instance makes at its first flush, for which there is time until the deadline.
///
/// # Errors
///
/// Why it could not be made; the next flush tries again.
pub async fn connected<C>(
    connection: &OnceCell<C>,
    deadline: Instant,
    connect: impl Future<Output = Result<C, String>>,
) -> Result<&C, String> {
    let made = deadline::within(deadline, connection.get_or_try_init(|| connect)).await;
    made.unwrap_or_else(|_| {
        Err("no region was found before the flush's deadline (`flush_timeout`)".to_owned())
    })
}

/// Says once what about the host's threads a user should know.
pub fn warn_of_threads(flush: &Flush, once: &Once, log: &Log) {
    let warning = if flush.blocks_the_engine() {
        "the host delivers on its engine's thread: while it waits for an answer, every input and output stands still; add `workers 1` to this section"
    } else if cbindings::hot_reload() {
        "hot reload is on, and Fluent Bit leaks the worker threads of outputs such as this one, which ends it on a later reload: set `concurrency 0` and no `workers` in this section, or leave hot reload off"
    } else {
        return;
    };
    once.call_once(|| log.warn(format_args!("{warning}")));
}

/// Asks the host for worker threads; 0 leaves the host's own setting alone.
pub fn ask_for_workers(settings: &Settings, log: &Log, count: u32) {
    if count > 0 && !settings.ask_for_workers(count) {
        log.debug(format_args!(
            "the host offers no way to ask for workers; set `workers 1` or more in this section"
        ));
    }
}

/// Writes what happened to records before they were sent, one line for each kind that did.
pub fn say_of_records(log: &Log, tag: &str, counts: &[(usize, &str)]) {
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        log.warn(format_args!("tag `{tag}`: {count} {what}"));
    }
}

/// Writes what of a chunk could not be read.
pub fn say_of_damage(log: &Log, tag: &str, undecodable: usize, torn: usize) {
    if undecodable > 0 || torn > 0 {
        log.error(format_args!(
            "tag `{tag}`: dropped {undecodable} values that are no records, and {torn} bytes at the chunk's end that are torn"
        ));
    }
}

/// Writes what became of a chunk: nothing lost is a debug line, a retry a warning.
pub fn sum_up(log: &Log, tag: &str, report: &Report, began: Instant) {
    if let (false, Some(fault)) = (report.left.is_empty(), &report.fault) {
        let (left, accepted) = (report.left.len(), report.accepted);
        log.warn(format_args!(
            "tag `{tag}`: {left} events are not delivered yet ({accepted} are); the host is asked to bring the chunk again: {fault}"
        ));
    }
    if log.enabled(Level::Debug) {
        let Report {
            accepted,
            dropped,
            refused,
            requests,
            throttled,
            ambiguous,
            ..
        } = report;
        let elapsed = began.elapsed().as_millis();
        log.debug(format_args!(
            "tag `{tag}`: {accepted} events accepted, {refused} refused, {dropped} dropped; {requests} requests, {throttled} throttled, {ambiguous} unanswered, {elapsed} ms"
        ));
    }
}
