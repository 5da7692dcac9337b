//! An attempt to deliver a chunk: what earlier attempts have left to deliver, and what this attempt
//! leaves.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cbindings::{Outcome, Verdict};

use crate::batch::Batch;
use crate::delivery::flush_report::FlushReport;
use crate::delivery::ledger::journal::{Identity, Journal, log_evicted};
use crate::delivery::ledger::{
    Arrived, Dropped, Key, Ledger, PendingItems, Progress, Source, Track,
};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::descriptors::Id;
use crate::telemetry::metrics::{Flight, now_ms};

/// The retry ledger of an output: its record of chunks that were tried before.
#[derive(Debug)]
pub struct RetryLedger {
    ledger: Arc<Ledger>,
    journal: Option<Arc<Journal>>,
    telemetry: Telemetry,
}

impl RetryLedger {
    /// A ledger without entries, or with those in the directory of `resume_path`.
    ///
    /// An unusable directory is logged as a warning; the entries are then lost when the process ends.
    #[must_use]
    pub fn new(telemetry: Telemetry, resume_path: Option<(&Path, Identity)>) -> Self {
        let opened = resume_path.map(|(path, identity)| Journal::share(path, identity, &telemetry));
        let journal = match opened {
            Some(Ok(journal)) => Some(journal),
            Some(Err(why)) => {
                telemetry.log.warn(format_args!(
                    "`resume_path` has no effect: {why}; after a restart, chunks that were delivered in part are sent whole"
                ));
                None
            }
            None => None,
        };
        Self {
            ledger: telemetry.metrics.ledger(),
            journal,
            telemetry,
        }
    }

    /// Begins an attempt. If the attempt is dropped before it is finished, because the delivery was
    /// cancelled or panicked, the progress of the chunk is kept.
    #[must_use]
    pub fn begin(&self, source: Arc<dyn Source>, arrived: Arrived) -> Attempt<'_> {
        let (now, len) = (Instant::now(), source.chunk().len());
        let hash = OnceCell::new();
        let key = || *hash.get_or_init(|| Key::of(source.tag(), source.chunk()));
        let (number, known) = self.ledger.begin(arrived, len, key, now, now_ms());
        let known = known.or_else(|| self.journal.as_ref()?.take(len, key, now));
        let progress = known.unwrap_or_else(|| Arc::new(Progress::new(self.journal.as_ref())));
        if let Some(&key) = hash.get() {
            progress.set_key(key);
        }
        let left = progress.begin(&source).map(Arc::new);
        if left.is_some() {
            self.telemetry.metrics.add(Id::Resumes, 1);
            self.telemetry.debug(format_args!(
                "a chunk comes again: only what is left of it is sent"
            ));
        }
        Attempt {
            ledger: self,
            source,
            track: Arc::new(Track::new(progress.clone())),
            progress,
            left,
            number,
            oldest_left: None,
            is_finished: false,
            _flight: self.telemetry.metrics.flight(),
        }
    }
}

/// Keeps the progress of a chunk for its next attempt.
fn note(ledger: &Ledger, telemetry: &Telemetry, key: Key, progress: Arc<Progress>, oldest: i64) {
    let Dropped { expired, evicted } = ledger.note(key, progress, oldest, Instant::now());
    for progress in expired.iter().chain(&evicted) {
        progress.remove();
    }
    let had_settled = evicted.iter().filter(|progress| progress.size().1);
    log_evicted(telemetry, had_settled.count());
}

impl Drop for RetryLedger {
    /// Keeps the entries in the journal, for another section with the same options.
    fn drop(&mut self) {
        let Some(journal) = &self.journal else { return };
        for (key, progress, oldest) in self.ledger.take_all() {
            journal.keep(key, progress, oldest);
        }
    }
}

/// One attempt to deliver a chunk.
pub struct Attempt<'l> {
    ledger: &'l RetryLedger,
    source: Arc<dyn Source>,
    progress: Arc<Progress>,
    track: Arc<Track>,
    left: Option<Arc<PendingItems>>,
    number: u64,
    oldest_left: Option<i64>,
    is_finished: bool,
    _flight: Flight<'l>,
}

impl Attempt<'_> {
    /// The events that are left to deliver; `None` when no event is settled.
    #[must_use]
    pub fn left(&self) -> Option<Arc<PendingItems>> {
        self.left.clone()
    }

    /// Records the service's answers to the requests of this attempt.
    #[must_use]
    pub fn track(&self) -> &Arc<Track> {
        &self.track
    }

    /// Registers the batches that are sent next. `is_last`: no more batches follow. `events` returns the
    /// events that an item holds; `None` for the event of its own ordinal.
    pub fn register(
        &self,
        batches: &[(usize, Batch)],
        is_last: bool,
        events: impl Fn(u32) -> Option<Vec<u32>>,
    ) {
        let oldest = batches.iter().filter_map(|(_, batch)| batch.oldest()).min();
        if let Some(oldest) = oldest {
            self.ledger.ledger.set_oldest(self.number, oldest);
        }
        let batches = batches.iter().map(|(_, batch)| batch);
        self.track.register(batches, is_last, events);
    }

    /// Subtracts from each count what earlier attempts have reported, and records the rest as reported.
    /// The counts must be in the same order for each attempt, at most as many as in
    /// [`Reported`](crate::delivery::ledger::progress::Reported).
    ///
    /// Each attempt decodes the chunk from its beginning, so a count grows only when an attempt decodes
    /// more of the chunk than earlier ones.
    pub fn unreported(&self, counts: &mut [&mut usize]) {
        self.progress.set_about(|about| {
            for (count, reported) in counts.iter_mut().zip(&mut about.reported) {
                let all = u32::try_from(**count).unwrap_or(u32::MAX);
                **count = all.saturating_sub(*reported) as usize;
                *reported = all.max(*reported);
            }
        });
    }

    /// How often batches are halved before they are sent.
    #[must_use]
    pub fn halvings(&self) -> u32 {
        self.progress.halvings()
    }

    /// Ends the attempt and returns the verdict on the chunk.
    #[must_use]
    pub fn finish(mut self, report: &FlushReport) -> Verdict {
        let verdict = report.verdict();
        self.oldest_left = report.oldest_left;
        self.is_finished = true;
        let has_delivered = report.accepted + report.dropped > 0;
        self.progress
            .note_refusals(report.refusals > 0, has_delivered);
        if verdict == Verdict::Retry {
            self.ledger.telemetry.metrics.add(Id::Retries, 1);
            self.keep();
        } else if self.progress.has_journal() {
            self.remove_when_taken();
        }
        verdict
    }

    /// Removes the journal entry once Fluent Bit has taken the verdict. Fluent Bit may shut down before
    /// that; it then still has the chunk, and flushes it again after its next start.
    fn remove_when_taken(&self) {
        let (ledger, progress) = (Arc::downgrade(&self.ledger.ledger), self.progress.clone());
        let telemetry = self.ledger.telemetry.clone();
        self.source
            .on_outcome(Box::new(move |outcome| match outcome {
                Outcome::Taken => progress.remove(),
                Outcome::Open { tag, chunk } => {
                    let key = progress.key_of(tag, chunk);
                    if let (true, Some(ledger)) = (progress.is_needed(), ledger.upgrade()) {
                        progress.save(key);
                        note(&ledger, &telemetry, key, progress, now_ms());
                    }
                }
            }));
    }

    /// Ends an attempt that has sent nothing; Fluent Bit will retry the chunk.
    #[must_use]
    pub fn give_back(mut self) -> Verdict {
        self.is_finished = true;
        self.ledger.telemetry.metrics.add(Id::Retries, 1);
        self.keep();
        Verdict::Retry
    }

    fn keep(&self) {
        let key = self.progress.key(&*self.source);
        let now = self.ledger.ledger.end(self.number);
        let oldest = self.oldest_left.or(now).unwrap_or_else(now_ms);
        if self.progress.is_needed() {
            self.progress.save(key);
        }
        let RetryLedger {
            ledger, telemetry, ..
        } = self.ledger;
        note(ledger, telemetry, key, self.progress.clone(), oldest);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        // The next attempt needs no progress of a chunk of which nothing was sent.
        if !self.is_finished && self.progress.was_sent() {
            self.keep();
        }
        self.ledger.ledger.end(self.number);
    }
}

#[cfg(test)]
mod tests;
