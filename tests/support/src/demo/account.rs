//! The account at the end: what was sent, where it is, and what is missing.

use std::fmt::{self, Display};

use super::arrivals::Arrivals;
use super::chaos::{Chaos, Mark, POISON};
use super::feed::{Feed, Written};
use super::ledger::Difference;
use super::samples::Sample;
use super::task::Task;
use super::timeline::{KINDS, Timeline, WRITES};
use crate::aws::{Account as Service, Call, StandIn};

/// All that the report shows.
pub(super) struct Account {
    /// One for each output.
    pub(super) rows: Vec<Row>,
    pub(super) difference: Difference,
    pub(super) samples: Vec<Sample>,
    pub(super) timeline: Timeline,
    /// What went wrong, in seconds since the begin.
    pub(super) faults: Vec<(String, f64, f64)>,
    /// The poisoned event, in a run with faults.
    pub(super) poisoned: Option<Poisoned>,
    /// Where everything is, line by line.
    places: String,
}

/// What went through one output.
pub(super) struct Row {
    /// The output's name.
    pub(super) kind: &'static str,
    /// The containers, and where their records are.
    pub(super) places: String,
    /// Records that must arrive.
    pub(super) sent: usize,
    /// Events or records that are stored.
    pub(super) stored: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Requests that deliver.
    pub(super) requests: usize,
    /// Those that the service did not accept.
    pub(super) failed: usize,
    /// The records in these.
    pub(super) retried: usize,
}

/// The event that the service refuses.
pub(super) struct Poisoned {
    /// Who wrote it.
    pub(super) container: String,
    /// The router's line about it; without one it was dropped in silence.
    pub(super) dropped: Option<String>,
}

impl Account {
    /// Compares what was written with what is there.
    pub(super) fn of(
        aws: &StandIn,
        task: &Task,
        feed: &Feed<'_>,
        written: &Written,
        chaos: Option<&Chaos>,
        warnings: &[String],
    ) -> Self {
        let deleted = chaos.map(Chaos::deleted).unwrap_or_default();
        let arrivals = Arrivals::of(aws, task, written, &deleted);
        let row = |(kind, write)| {
            let of_kind = |(container, _): &&(_, usize)| task.output(container).0 == kind;
            let sent = written
                .counts
                .iter()
                .filter(of_kind)
                .map(|(_, count)| count);
            aws.look(|account| Row::of(kind, write, &arrivals, account, sent.sum()))
        };
        let marks = chaos.map(Chaos::marks).unwrap_or_default();
        Self {
            rows: KINDS.into_iter().zip(WRITES).map(row).collect(),
            difference: written.ledger.difference(&arrivals.ledger),
            places: arrivals.to_string(),
            samples: arrivals.samples,
            timeline: aws.look(|account| feed.offered.timeline(account)),
            faults: marks.iter().map(|mark| fault(mark, feed)).collect(),
            poisoned: feed.poisoned().map(|container| Poisoned {
                container: container.to_owned(),
                dropped: dropped(warnings),
            }),
        }
    }

    /// Whether every record is where it belongs, once, and what is not stored is named.
    pub(super) fn is_clean(&self) -> bool {
        let Difference { lost, duplicated } = self.difference;
        let is_named = |poisoned: &Poisoned| poisoned.dropped.is_some();
        lost == 0 && duplicated == 0 && self.poisoned.as_ref().is_none_or(is_named)
    }

    /// The last line of the demo.
    pub(super) fn summary(&self) -> String {
        let sent: usize = self.rows.iter().map(|row| row.sent).sum();
        let stored = self
            .rows
            .iter()
            .map(|row| format!(" {}={}", row.kind, row.stored));
        let stored: String = stored.collect();
        let Difference { lost, duplicated } = self.difference;
        format!("sent={sent}{stored} lost={lost} duplicated={duplicated}")
    }
}

impl Row {
    fn of(
        kind: &'static str,
        write: &str,
        arrivals: &Arrivals<'_>,
        account: &Service,
        sent: usize,
    ) -> Self {
        let places = arrivals.places.iter().filter(|place| place.kind == kind);
        let names: Vec<_> = places.clone().map(|place| place.name.as_str()).collect();
        let calls = account.calls().filter(|call| call.operation == write);
        let calls: Vec<&Call> = calls.collect();
        let failed: Vec<&Call> = calls
            .iter()
            .copied()
            .filter(|call| !call.succeeded())
            .collect();
        Self {
            kind,
            places: names.join("; "),
            sent,
            stored: arrivals.count(kind),
            bytes: places.map(|place| place.bytes).sum(),
            requests: calls.len(),
            failed: failed.len(),
            retried: failed.iter().map(|call| call.items).sum(),
        }
    }
}

impl Display for Account {
    /// The samples, the places, and the poisoned event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sample in &self.samples {
            let stored = sample.stored.as_deref().unwrap_or("nowhere");
            writeln!(f, "{} wrote: {}", sample.container.name, sample.line)?;
            writeln!(f, "  stored: {stored}")?;
        }
        f.write_str(&self.places)?;
        match &self.poisoned {
            Some(poisoned) => {
                let line = poisoned.dropped.as_deref();
                let line = line.unwrap_or("no line of the router tells of it");
                let container = &poisoned.container;
                writeln!(
                    f,
                    "poisoned: `{POISON}`, written by {container}, is not stored: {line}"
                )
            }
            None => Ok(()),
        }
    }
}

/// The router's line about an event that it dropped.
fn dropped(warnings: &[String]) -> Option<String> {
    let line = warnings
        .iter()
        .find(|line| line.contains(": dropped 1 event"));
    line.cloned()
}

/// A fault with its begin and end in seconds.
fn fault(mark: &Mark, feed: &Feed<'_>) -> (String, f64, f64) {
    let began = feed.offered.began();
    let seconds = |at: std::time::Instant| at.saturating_duration_since(began).as_secs_f64();
    let from = seconds(mark.from);
    (mark.name.clone(), from, mark.to.map_or(from, seconds))
}
