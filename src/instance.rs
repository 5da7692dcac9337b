//! What every output section does alike: read its options at the start, sum up a flush at its end.

use std::path::Path;
use std::time::UNIX_EPOCH;

use cbindings::line::cut;
use cbindings::{Flush, Level, Log, Settings, Verdict};
use ring::digest::{Context, SHA256};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::ledger::journal::Identity;
use crate::metrics::table::Id;
use crate::notice::Kind;
use crate::options::{Reader, Spec, shared};
use crate::pace::Pace;
use crate::report::Report;
use crate::resume::RetryLedger;
use crate::session::{Session, deadline};
use crate::watch::Watch;

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

/// The output's memory of chunks that were tried before, in the directory of `resume_path` too.
#[must_use]
pub fn retries(
    plugin: &'static str,
    resume_path: Option<&Path>,
    settings: &Settings,
    specs: &'static [Spec],
    watch: &Watch,
) -> RetryLedger {
    let identity = || identity(settings, specs, plugin);
    RetryLedger::new(watch.clone(), resume_path.map(|path| (path, identity())))
}

/// Whose chunks are meant: this plugin's, made into events by these options. A chunk that was tried with
/// others is sent whole, as its events may be other ones.
fn identity(settings: &Settings, specs: &[Spec], plugin: &'static str) -> Identity {
    let mut context = Context::new(&SHA256);
    let mut add = |text: &str| {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    };
    add(crate::VERSION);
    add(plugin);
    let mut keys: Vec<&str> = specs.iter().map(|spec| spec.key).collect();
    keys.sort_unstable();
    keys.retain(|key| !shared::WITHOUT_EFFECT_ON_EVENTS.contains(key));
    for (key, value) in keys
        .iter()
        .filter_map(|key| Some((key, settings.option(key)?)))
    {
        add(key);
        add(&value);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Identity { plugin, hash }
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
        Err("the region and the connection were not there before the flush's deadline (`flush_timeout`)".to_owned())
    })
}

/// A tag as lines show it.
fn shown(tag: &str) -> String {
    cut(tag, MOST_NAME_BYTES)
}

/// Counts and writes what happened to records before they were sent: how many, in which series of
/// which metric, and what is said.
pub fn say_of_records(watch: &Watch, tag: &str, counts: &[(usize, Id, usize, &'static str)]) {
    let tag = shown(tag);
    for &(count, id, series, what) in counts {
        watch.metrics.count(id, series, count);
        let kind = Kind {
            what,
            part: "",
            unit: "records",
        };
        watch.warn(kind, count, format_args!("tag `{tag}`: {count} {what}"));
    }
}

/// Counts and writes what of a chunk could not be read.
pub fn say_of_damage(watch: &Watch, tag: &str, undecodable: usize, torn: usize) {
    let tag = shown(tag);
    // What is torn was one value at least.
    let dropped = undecodable + usize::from(torn > 0);
    watch.metrics.count(Id::Dropped, UNDECODABLE, dropped);
    let kind = Kind {
        what: "undecodable",
        part: "",
        unit: "values",
    };
    watch.error(kind, dropped, format_args!(
        "tag `{tag}`: dropped {undecodable} values that are no records, and {torn} bytes at the chunk's end that are torn"
    ));
}

/// Counts and writes that names could not be made of records, `series` being which name.
pub fn say_of_fallback(
    watch: &Watch,
    tag: &str,
    series: usize,
    count: usize,
    missing: &str,
    to: &'static str,
) {
    let tag = shown(tag);
    watch.metrics.count(Id::Fallbacks, series, count);
    let kind = Kind {
        what: to,
        part: "",
        unit: "records",
    };
    watch.warn(
        kind,
        count,
        format_args!("tag `{tag}`: {count} records went to {to}: {missing}"),
    );
}

/// Writes why a chunk was not worked on; the host is asked to bring it again.
pub fn say_of_no_connection(watch: &Watch, flush: &Flush, tag: &str, why: &str) {
    let tag = shown(tag);
    let kind = Kind {
        what: "region",
        part: "",
        unit: "chunks",
    };
    let text = format_args!("tag `{tag}`: {why}; the chunk is kept for a retry");
    watch.postponed(kind, flush, text);
}

/// Of a tag, lines show so much: as much as the services allow in a name.
const MOST_NAME_BYTES: usize = 512;
/// The place in [`crate::metrics::table::DROPPED`].
const UNDECODABLE: usize = 1;

/// Notes what is so now, at the end of a flush.
pub fn note(watch: &Watch, pace: &Pace, session: &Session) {
    // A pace below one request a second is not none.
    let rate = pace.rate().map_or(0, |rate| rate.ceil() as u64);
    watch.metrics.set(Id::Pace, rate);
    let expiry = session
        .expiry()
        .and_then(|expiry| expiry.duration_since(UNIX_EPOCH).ok());
    watch
        .metrics
        .set(Id::Expiry, expiry.map_or(0, |expiry| expiry.as_secs()));
}

/// Writes what became of a chunk: nothing lost is a debug line, a retry a warning. What comes from
/// no flush is not tried again.
pub fn sum_up(watch: &Watch, flush: Option<&Flush>, tag: &str, report: &Report, began: Instant) {
    let tag = shown(tag);
    if let (Verdict::Done, Some(flush)) = (report.verdict(), flush) {
        watch.delivered(flush);
    }
    if let (Verdict::Retry, Some(fault)) = (report.verdict(), &report.fault) {
        let (left, accepted) = (report.left.len(), report.accepted);
        let rest = match report.is_cut_off {
            true => " and the rest of the chunk",
            false => "",
        };
        let kind = Kind {
            what: "retry",
            part: &fault.code,
            unit: "chunks",
        };
        let text = format_args!(
            "tag `{tag}`: {left} events{rest} are not delivered yet ({accepted} are); the host is asked to bring the chunk again: {fault}"
        );
        match flush {
            Some(flush) => watch.postponed(kind, flush, text),
            None => watch.warn(kind, 1, text),
        }
    }
    watch.remind();
    if watch.log.enabled(Level::Debug) {
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
        watch.debug(format_args!(
            "tag `{tag}`: {accepted} events accepted, {refused} refused, {dropped} dropped; {requests} requests, {throttled} throttled, {ambiguous} unanswered, {elapsed} ms"
        ));
    }
}
