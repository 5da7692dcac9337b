//! Per-output logging and metrics.

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

/// The log and the metrics of one output; clones share them.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// The log without rate limit, for lines that do not recur.
    pub log: Log,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    limiter: Arc<LogLimiter>,
    summary: Arc<Summary>,
}

impl Telemetry {
    /// The log and metrics of an output of this plugin.
    #[must_use]
    pub fn new(log: Log, plugin: Plugin) -> Self {
        Self {
            log,
            metrics: Metrics::new(plugin),
            limiter: Arc::default(),
            summary: Arc::new(Summary::new(Instant::now())),
        }
    }

    /// Logs that `count` items were lost, with the rate limit of the key.
    pub fn error(&self, key: LogKey<'_>, count: usize, text: fmt::Arguments<'_>) {
        self.log_limited(Level::Error, key, count, text);
    }

    /// Logs a warning, with the rate limit of the key.
    pub fn warn(&self, key: LogKey<'_>, count: usize, text: fmt::Arguments<'_>) {
        self.log_limited(Level::Warn, key, count, text);
    }

    /// Logs that a chunk is kept for a retry, with the rate limit of the key. A suppressed line is logged
    /// later only if the chunk is still not delivered.
    pub fn postponed(&self, key: LogKey<'_>, flush: &Flush, text: fmt::Arguments<'_>) {
        if self.log.enabled(Level::Warn) {
            let (chunk, now) = (Chunk::of(flush), Instant::now());
            let line = self.limiter.postponed(Level::Warn, key, chunk, text, now);
            self.write(line);
        }
    }

    /// Records that a chunk is delivered, and discards its suppressed lines.
    pub fn delivered(&self, flush: &Flush) {
        if self.limiter.may_wait(flush.chunk().len()) {
            self.limiter.delivered(Chunk::of(flush));
        }
    }

    /// Discards the suppressed lines of a key after its cause has ended.
    pub fn withdraw(&self, what: &'static str) {
        self.limiter.withdraw(what);
    }

    /// Logs at debug level.
    pub fn debug(&self, text: fmt::Arguments<'_>) {
        self.log.debug(text);
    }

    /// Logs suppressed lines that are due. If Fluent Bit has no endpoint for the metrics, also logs a
    /// summary of the metrics that show errors. Called at the end of a flush, as Fluent Bit's threads
    /// print lines only then.
    pub fn flush_suppressed(&self) {
        self.write(self.limiter.take_due(Instant::now(), false));
        if !self.metrics.are_shown() {
            let line = self.summary.due(&self.metrics, Instant::now());
            self.write(line.map(|line| (Level::Warn, line)));
        }
    }

    /// Logs all suppressed lines when the output closes.
    pub fn close(&self) {
        self.write(self.limiter.take_due(Instant::now(), true));
    }

    fn log_limited(&self, level: Level, key: LogKey<'_>, count: usize, text: fmt::Arguments<'_>) {
        if count > 0 && self.log.enabled(level) {
            self.write(self.limiter.due(level, key, count, text, Instant::now()));
        }
    }

    fn write(&self, lines: impl IntoIterator<Item = log_limiter::Line>) {
        for (level, text) in lines {
            self.log.write(level, format_args!("{text}"));
        }
    }
}
