//! What happened to a chunk's records before they were sent: counted and logged once per chunk.

use cbindings::line::cut;

use crate::delivery::attempt::Attempt;
use crate::telemetry::Telemetry;
use crate::telemetry::log_limiter::LogKey;
use crate::telemetry::metrics::descriptors::{DropReason, Series};

/// What happened to the records of one chunk.
#[derive(Clone, Debug, Default)]
pub struct EncodeStats {
    /// Counts, in the same order for each attempt at the chunk.
    pub notes: Vec<Note>,
    /// Values in the chunk that are not records.
    pub undecodable: usize,
    /// Bytes at the chunk's end that are not a record.
    pub torn: usize,
}

/// How many records something happened to.
#[derive(Clone, Debug)]
pub struct Note {
    /// Records, events or values.
    pub count: usize,
    /// Where they are counted.
    pub series: Series,
    /// How it is logged.
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
        /// Where they went.
        to: &'static str,
        /// What the first of them lacked.
        missing: String,
    },
}

impl EncodeStats {
    /// Takes off what earlier attempts have reported.
    pub fn subtract_reported(&mut self, attempt: &Attempt<'_>) {
        let counts = self.notes.iter_mut().map(|note| &mut note.count);
        let mut counts: Vec<_> = counts
            .chain([&mut self.undecodable, &mut self.torn])
            .collect();
        attempt.unreported(&mut counts);
    }

    /// Counts and logs all of it, for a chunk of this tag.
    pub fn emit(&self, telemetry: &Telemetry, tag: &str) {
        let tag = cut(tag, MOST_TAG_BYTES);
        for note in &self.notes {
            note.emit(telemetry, &tag);
        }
        self.emit_damage(telemetry, &tag);
    }

    fn emit_damage(&self, telemetry: &Telemetry, tag: &str) {
        let Self {
            undecodable, torn, ..
        } = self;
        // What is torn was one value at least.
        let dropped = undecodable + usize::from(*torn > 0);
        telemetry.metrics.add(DropReason::Undecodable, dropped);
        telemetry.error(kind("undecodable", "values"), dropped, format_args!(
            "tag `{tag}`: dropped {undecodable} values that are no records, and {torn} bytes at the chunk's end that are torn"
        ));
    }
}

impl Note {
    /// Something that is logged as a warning.
    #[must_use]
    pub fn warning(count: usize, series: impl Into<Series>, what: &'static str) -> Self {
        Self {
            count,
            series: series.into(),
            text: Text::Warning(what),
        }
    }

    /// Records that went elsewhere, as the name of the target with this number could not be made.
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
                kind(what, "records"),
                *count,
                format_args!("tag `{tag}`: {count} {what}"),
            ),
            Text::Debug(what) if *count > 0 => {
                telemetry.debug(format_args!("tag `{tag}`: {count} {what}"));
            }
            Text::Debug(_) => {}
            Text::Fallback { to, missing } => telemetry.warn(
                kind(to, "records"),
                *count,
                format_args!("tag `{tag}`: {count} records went to {to}: {missing}"),
            ),
        }
    }
}

fn kind(what: &'static str, unit: &'static str) -> LogKey<'static> {
    LogKey {
        what,
        part: "",
        unit,
    }
}

/// Of a tag, lines show so much: as much as the services allow in a name.
pub const MOST_TAG_BYTES: usize = 512;
