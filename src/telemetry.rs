//! What whoever operates an output sees of it: its lines and its counts.

pub mod encode_stats;
pub mod flush_stats;
pub mod log_limiter;
pub mod metrics;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use cbindings::{Flush, Level, Log};

use crate::telemetry::log_limiter::{Chunk, LogKey, LogLimiter};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::descriptors::Plugin;
use crate::telemetry::metrics::summary::Summary;

/// One output's log and counts; clones are the same.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// The log, for lines that do not recur.
    pub log: Log,
    /// The counts.
    pub metrics: Arc<Metrics>,
    notices: Arc<LogLimiter>,
    summary: Arc<Summary>,
}

impl Telemetry {
    /// The lines and counts of an output of this plugin.
    #[must_use]
    pub fn new(log: Log, plugin: Plugin) -> Self {
        Self {
            log,
            metrics: Metrics::new(plugin),
            notices: Arc::default(),
            summary: Arc::new(Summary::new(Instant::now())),
        }
    }

    /// Writes that `count` were lost, unless lines of this kind were written lately.
    pub fn error(&self, kind: LogKey<'_>, count: usize, text: fmt::Arguments<'_>) {
        self.tell(Level::Error, kind, count, text);
    }

    /// Writes what needs attention, unless lines of this kind were written lately.
    pub fn warn(&self, kind: LogKey<'_>, count: usize, text: fmt::Arguments<'_>) {
        self.tell(Level::Warn, kind, count, text);
    }

    /// Writes that a chunk is kept for a retry, unless lines of this kind were written lately. A line
    /// that comes late is written only if the chunk is not delivered by then.
    pub fn postponed(&self, kind: LogKey<'_>, flush: &Flush, text: fmt::Arguments<'_>) {
        if self.log.enabled(Level::Warn) {
            let (chunk, now) = (Chunk::of(flush), Instant::now());
            let line = self.notices.postponed(Level::Warn, kind, chunk, text, now);
            self.write(line);
        }
    }

    /// Notes that a chunk is delivered, so that no late line says that it is not.
    pub fn delivered(&self, flush: &Flush) {
        if self.notices.may_wait(flush.chunk().len()) {
            self.notices.delivered(Chunk::of(flush));
        }
    }

    /// Notes that a trouble is over, so that no late line of this kind says that it is not.
    pub fn withdraw(&self, what: &'static str) {
        self.notices.withdraw(what);
    }

    /// Writes what a support case needs.
    pub fn debug(&self, text: fmt::Arguments<'_>) {
        self.log.debug(text);
    }

    /// Writes what was left out and nothing has followed, and where the host has no endpoint for the
    /// counts, those that tell of trouble. At a flush's end, as only then the host prints lines.
    pub fn remind(&self) {
        self.write(self.notices.reminders(Instant::now(), false));
        if !self.metrics.are_shown() {
            let line = self.summary.due(&self.metrics, Instant::now());
            self.write(line.map(|line| (Level::Warn, line)));
        }
    }

    /// Writes all that was left out: no flush will come.
    pub fn close(&self) {
        self.write(self.notices.reminders(Instant::now(), true));
    }

    fn tell(&self, level: Level, kind: LogKey<'_>, count: usize, text: fmt::Arguments<'_>) {
        if count > 0 && self.log.enabled(level) {
            self.write(self.notices.due(level, kind, count, text, Instant::now()));
        }
    }

    fn write(&self, lines: impl IntoIterator<Item = log_limiter::Line>) {
        for (level, text) in lines {
            self.log.write(level, format_args!("{text}"));
        }
    }
}
