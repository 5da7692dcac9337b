//! An attempt to deliver a chunk: what earlier attempts have left to do, and what this one leaves.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cbindings::{Outcome, Verdict};

use crate::batch::Batch;
use crate::delivery::flush_report::FlushReport;
use crate::delivery::ledger::journal::{Identity, Journal, say_of_forgotten};
use crate::delivery::ledger::{
    Arrived, Dropped, Key, Ledger, PendingItems, Progress, Source, Track,
};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::descriptors::Id;
use crate::telemetry::metrics::{Flight, now_ms};

/// An output's memory of the chunks that it has tried before.
#[derive(Debug)]
pub struct RetryLedger {
    ledger: Arc<Ledger>,
    journal: Option<Arc<Journal>>,
    telemetry: Telemetry,
}

impl RetryLedger {
    /// Knows no chunk, or those that are noted in the directory of `resume_path`.
    ///
    /// A directory that cannot be used is a warning, and the ledger then ends with the process.
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

    /// Begins an attempt. If it is dropped before it is finished, as when the delivery is cancelled or
    /// panics, what is known of the chunk is kept.
    #[must_use]
    pub fn begin(&self, source: Arc<dyn Source>, arrived: Arrived) -> Attempt<'_> {
        let (now, len) = (Instant::now(), source.chunk().len());
        let hashed = OnceCell::new();
        let key = || *hashed.get_or_init(|| Key::of(source.tag(), source.chunk()));
        let (number, known) = self.ledger.begin(arrived, len, key, now, now_ms());
        let known = known.or_else(|| self.journal.as_ref()?.take(len, key, now));
        let progress = known.unwrap_or_else(|| Arc::new(Progress::new(self.journal.as_ref())));
        if let Some(&key) = hashed.get() {
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

/// Keeps what is known of a chunk for its next attempt.
fn note(ledger: &Ledger, telemetry: &Telemetry, key: Key, progress: Arc<Progress>, oldest: i64) {
    let Dropped { expired, evicted } = ledger.note(key, progress, oldest, Instant::now());
    for progress in expired.iter().chain(&evicted) {
        progress.remove();
    }
    let had_settled = evicted.iter().filter(|progress| progress.size().1);
    say_of_forgotten(telemetry, had_settled.count());
}

impl Drop for RetryLedger {
    /// A section with the same options may have the chunks next.
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
    /// What is left of the chunk; `None` where nothing of it is settled.
    #[must_use]
    pub fn left(&self) -> Option<Arc<PendingItems>> {
        self.left.clone()
    }

    /// Where the requests of this attempt note what the service has answered.
    #[must_use]
    pub fn track(&self) -> &Arc<Track> {
        &self.track
    }

    /// Notes the batches that are sent next, whether they are the last ones, and which events an item
    /// holds, if others than its own.
    pub fn hand_out(
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
        self.track.hand_out(batches, is_last, events);
    }

    /// Takes from each of these counts of records what earlier attempts have reported; the rest then is
    /// reported. At most as many as [`Reported`](crate::delivery::ledger::progress::Reported) has, in the same order each time.
    ///
    /// Each attempt decodes the chunk from its beginning, so a count only grows from one attempt to
    /// another that comes further.
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

    /// Ends the attempt: the verdict on the chunk.
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

    /// Fluent Bit may end before it takes the answer; it then has the chunk still, and flushes it again
    /// after its next start.
    fn remove_when_taken(&self) {
        let (ledger, progress) = (Arc::downgrade(&self.ledger.ledger), self.progress.clone());
        let telemetry = self.ledger.telemetry.clone();
        self.source
            .on_outcome(Box::new(move |outcome| match outcome {
                Outcome::Taken => progress.remove(),
                Outcome::Open { tag, chunk } => {
                    let key = progress.key_of(tag, chunk);
                    if let (true, Some(ledger)) = (progress.is_of_use(), ledger.upgrade()) {
                        progress.save(key);
                        note(&ledger, &telemetry, key, progress, now_ms());
                    }
                }
            }));
    }

    /// Ends the attempt before anything was done: Fluent Bit flushes the chunk again.
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
        if self.progress.is_of_use() {
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
        // A chunk of which nothing was ever sent has nothing that the next attempt would need.
        if !self.is_finished && self.progress.was_sent() {
            self.keep();
        }
        self.ledger.ledger.end(self.number);
    }
}

#[cfg(test)]
mod tests;
