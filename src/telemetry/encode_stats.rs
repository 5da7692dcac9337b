//! Counts of what encoding did with the records of a chunk; counted and logged once per chunk.

use cbindings::line::cut;

use crate::delivery::attempt::Attempt;
use crate::telemetry::Telemetry;
use crate::telemetry::log_limiter::LogKey;
use crate::telemetry::metrics::descriptors::{DropReason, Series};

/// The encoding counts of one chunk.
#[derive(Clone, Debug, Default)]
pub struct EncodeStats {
    /// Counts, in the same order for each attempt to deliver the chunk.
    pub notes: Vec<Note>,
    /// Values in the chunk that are not records.
    pub undecodable: usize,
    /// Bytes at the end of the chunk that are not a complete record.
    pub torn: usize,
}

/// A count of records with a common cause.
#[derive(Clone, Debug)]
pub struct Note {
    /// Records, events or values.
    pub count: usize,
    /// The metric to add the count to.
    pub series: Series,
    /// How the count is logged.
    pub text: Text,
}

/// How a count is logged.
#[derive(Clone, Debug)]
pub enum Text {
    /// A warning: `{count} {0}`.
    Warning(&'static str),
    /// A debug line: `{count} {0}`.
    Debug(&'static str),
    /// A warning: `{count} records went to {to}: {missing}`.
    Fallback {
        /// The fallback target.
        to: &'static str,
        /// What the first of the records lacked.
        missing: String,
    },
}

impl EncodeStats {
    /// Subtracts what earlier attempts have reported.
    pub fn subtract_reported(&mut self, attempt: &Attempt<'_>) {
        let counts = self.notes.iter_mut().map(|note| &mut note.count);
        let mut counts: Vec<_> = counts
            .chain([&mut self.undecodable, &mut self.torn])
            .collect();
        attempt.unreported(&mut counts);
    }

    /// Adds all counts to the metrics and logs them, for a chunk with this tag.
    pub fn emit(&self, telemetry: &Telemetry, tag: &str) {
        let tag = cut(tag, MAX_TAG_BYTES);
        for note in &self.notes {
            note.emit(telemetry, &tag);
        }
        self.emit_damage(telemetry, &tag);
    }

    fn emit_damage(&self, telemetry: &Telemetry, tag: &str) {
        let Self {
            undecodable, torn, ..
        } = self;
        // The torn bytes are one value at least.
        let dropped = undecodable + usize::from(*torn > 0);
        telemetry.metrics.add(DropReason::Undecodable, dropped);
        telemetry.error(key("undecodable", "values"), dropped, format_args!(
            "tag `{tag}`: dropped {undecodable} values that are no records, and {torn} bytes at the chunk's end that are torn"
        ));
    }
}

impl Note {
    /// A count that is logged as a warning.
    #[must_use]
    pub fn warning(count: usize, series: impl Into<Series>, what: &'static str) -> Self {
        Self {
            count,
            series: series.into(),
            text: Text::Warning(what),
        }
    }

    /// Records that were sent to a fallback target, as the name of their own target could not be built.
    /// `target` is the number of the name template.
    #[must_use]
    pub fn fallback(count: usize, target: usize, to: &'static str, missing: String) -> Self {
        Self {
            count,
            series: Series::fallback(target),
            text: Text::Fallback { to, missing },
        }
    }

    fn emit(&self, telemetry: &Telemetry, tag: &str) {
        let Self {
            count,
            series,
            text,
        } = self;
        telemetry.metrics.add(*series, *count);
        match text {
            Text::Warning(what) => telemetry.warn(
                key(what, "records"),
                *count,
                format_args!("tag `{tag}`: {count} {what}"),
            ),
            Text::Debug(what) if *count > 0 => {
                telemetry.debug(format_args!("tag `{tag}`: {count} {what}"));
            }
            Text::Debug(_) => {}
            Text::Fallback { to, missing } => telemetry.warn(
                key(to, "records"),
                *count,
                format_args!("tag `{tag}`: {count} records went to {to}: {missing}"),
            ),
        }
    }
}

fn key(what: &'static str, unit: &'static str) -> LogKey<'static> {
    LogKey {
        what,
        part: "",
        unit,
    }
}

/// The maximum length of a tag in log lines, in bytes: as long as the services allow in a name.
pub const MAX_TAG_BYTES: usize = 512;
