//! The journal: a file with the entries of an output's ledger, for the next process.
//!
//! In the directory of `resume_path`, a process has one file for each plugin and set of options. It holds
//! the file with a lock (`flock`), which the kernel releases when the process ends for any reason. A
//! file with the same identity that no process holds is taken over. Sections with the same options share
//! a file: they send the same events to the same targets, so the rest of a chunk is the same for each.
//!
//! The file is a list of changes. Each change is appended with one `write`, so a killed process leaves at
//! most its last change torn. Nothing is synced to disk: after a power loss the last changes may be
//! missing, and their events are sent again.

mod directory;
mod file;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;

use self::directory::Directory;
use self::file::JournalFile;
use super::record::{Change, Saved};
use super::{Key, LIFETIME, Ledger, Progress, Settled};
use crate::telemetry::Telemetry;
use crate::telemetry::log_limiter::LogKey;
use crate::telemetry::metrics::descriptors::Id;
use crate::telemetry::metrics::now_ms;

/// The identity of a file: one plugin and set of options.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Identity {
    /// The plugin's name; a part of the file name.
    pub plugin: &'static str,
    /// A hash of the plugin and of the options that determine the events of a chunk.
    pub hash: [u8; 32],
}

/// A journal file and its entries.
#[derive(Debug)]
pub struct Journal {
    telemetry: Telemetry,
    open: Mutex<Open>,
    /// Entries that no section has taken since the file was taken over.
    pool: Ledger,
}

#[derive(Debug)]
struct Open {
    directory: Directory,
    file: JournalFile,
    entries: HashMap<u64, Saved>,
    /// When to try the files that other processes hold again; `None` without such files.
    next_takeover: Option<Instant>,
}

impl Journal {
    /// Returns the journal of this directory and identity: the one that is open in this process, the file
    /// of an earlier process, or a new file.
    ///
    /// # Errors
    ///
    /// When the directory cannot be used.
    pub fn share(
        path: &Path,
        identity: Identity,
        telemetry: &Telemetry,
    ) -> Result<Arc<Self>, String> {
        let mut journals = JOURNALS.lock().unwrap_or_else(PoisonError::into_inner);
        journals.retain(|_, journal| journal.strong_count() > 0);
        let key = (path.to_owned(), identity);
        if let Some(journal) = journals.get(&key).and_then(Weak::upgrade) {
            return Ok(journal);
        }
        let journal = Self::open(path, identity, telemetry)?;
        journals.insert(key, Arc::downgrade(&journal));
        Ok(journal)
    }

    /// Takes over the files of this identity, or creates one.
    fn open(path: &Path, identity: Identity, telemetry: &Telemetry) -> Result<Arc<Self>, String> {
        let directory = Directory::open(path, identity)?;
        let found = directory.take_over(None);
        log_problems(telemetry, &found.problems);
        let mut files = found.files.into_iter();
        let file = match files.next() {
            Some(file) => file,
            None => directory.create()?,
        };
        let mut open = Open {
            directory,
            entries: file.entries.clone(),
            file,
            next_takeover: found.others_hold_some.then(Instant::now),
        };
        let written = open
            .merge(files.collect())
            .and_then(|()| open.rewrite_if_needed());
        let saved: Vec<Saved> = open.entries.values().cloned().collect();
        let journal = Arc::new(Self {
            telemetry: telemetry.clone(),
            open: Mutex::new(open),
            pool: Ledger::default(),
        });
        journal.restore(&saved);
        journal.log_failure(written);
        Ok(journal)
    }

    /// Removes and returns the progress of a chunk from an earlier process or another section. The chunk
    /// is hashed only when there is an entry of its length.
    pub fn take(
        self: &Arc<Self>,
        len: usize,
        key: impl FnOnce() -> Key,
        now: Instant,
    ) -> Option<Arc<Progress>> {
        self.take_over_released(now);
        let key = self.pool.has_length(len).then(key)?;
        self.pool.take(&key, now)
    }

    /// Keeps an entry of a closed section, for other sections with the same options.
    pub fn keep(&self, key: Key, progress: Arc<Progress>, oldest: i64) {
        let dropped = self.pool.note(key, progress, oldest, Instant::now());
        for progress in dropped.expired.iter().chain(&dropped.evicted) {
            progress.remove();
        }
        let had_settled = dropped.evicted.iter().filter(|progress| progress.size().1);
        log_evicted(&self.telemetry, had_settled.count());
    }

    fn restore(self: &Arc<Self>, saved: &[Saved]) {
        for saved in saved {
            let progress = Arc::new(Progress::saved(saved, Some(self)));
            self.keep(saved.key, progress, saved.made_ms);
        }
    }

    /// Takes over files that other processes have released since.
    fn take_over_released(self: &Arc<Self>, now: Instant) {
        let mut open = self.lock();
        if open.next_takeover.is_none_or(|next| now < next) {
            return;
        }
        let found = open.directory.take_over(Some(open.file.path()));
        open.next_takeover = found.others_hold_some.then_some(now + TAKEOVER_INTERVAL);
        let entries = found.files.iter().flat_map(|file| file.entries.values());
        let saved: Vec<Saved> = entries.cloned().collect();
        let written = open.merge(found.files);
        drop(open);
        log_problems(&self.telemetry, &found.problems);
        self.restore(&saved);
        self.log_failure(written);
    }

    /// Writes an entry.
    pub fn put(&self, saved: Saved) {
        self.change(Change::Put(saved));
    }

    /// Records more settled events of an entry.
    pub fn settle(&self, id: u64, settled: Settled) {
        self.change(Change::Settle(id, settled));
    }

    /// Removes an entry.
    pub fn remove(&self, id: u64) {
        self.change(Change::Remove(id));
    }

    fn change(&self, change: Change) {
        let written = self.lock().change(change);
        self.log_failure(written);
    }

    fn log_failure(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            let key = LogKey {
                what: "journal",
                part: "",
                unit: "writes",
            };
            self.telemetry.warn(key, 1, format_args!(
                "`resume_path`: cannot write to {}: {error}; after a restart, events of chunks that were delivered in part may be sent again",
                self.lock().file.path().display()
            ));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn change(&mut self, change: Change) -> std::io::Result<()> {
        let written = match self.file.is_damaged() {
            true => Ok(()),
            false => self.file.append(&change),
        };
        apply(&mut self.entries, change);
        written.and_then(|()| self.rewrite_if_needed())
    }

    /// Rewrites the file if most of it is obsolete, or if a part of it is damaged.
    fn rewrite_if_needed(&mut self) -> std::io::Result<()> {
        if self.file.needs_rewrite(self.entries.is_empty()) {
            self.file.rewrite(self.entries.values())?;
        }
        Ok(())
    }

    /// Copies the entries of other files into this file, and removes those files.
    fn merge(&mut self, files: Vec<JournalFile>) -> std::io::Result<()> {
        for file in files {
            for saved in file.entries.values() {
                let saved = match self.entries.get(&saved.id) {
                    Some(own) => merged(own, saved),
                    None => saved.clone(),
                };
                self.change(Change::Put(saved))?;
            }
            file.remove();
        }
        Ok(())
    }
}

/// Merges one entry from two files. A process may be killed after it copied a file and before it
/// removed it.
fn merged(own: &Saved, other: &Saved) -> Saved {
    let mut saved = own.clone();
    saved.settled.extend(&other.settled);
    saved
}

/// Applies a change to the entries.
fn apply(entries: &mut HashMap<u64, Saved>, change: Change) {
    match change {
        Change::Put(saved) => {
            entries.insert(saved.id, saved);
        }
        Change::Settle(id, settled) => {
            if let Some(saved) = entries.get_mut(&id) {
                saved.settled.extend(&settled);
            }
        }
        Change::Remove(id) => {
            entries.remove(&id);
        }
    }
}

/// Whether the entry is young enough that Fluent Bit may still retry its chunk.
fn is_current(saved: &Saved) -> bool {
    let age = now_ms().saturating_sub(saved.made_ms);
    u128::try_from(age).unwrap_or_default() < LIFETIME.as_millis()
}

fn log_problems(telemetry: &Telemetry, problems: &[String]) {
    for problem in problems {
        telemetry.log.warn(format_args!("`resume_path`: {problem}"));
    }
}

/// Counts and logs entries that were removed because of the memory limit.
pub(crate) fn log_evicted(telemetry: &Telemetry, count: usize) {
    let key = LogKey {
        what: "forgotten",
        part: "",
        unit: "chunks",
    };
    telemetry.metrics.add(Id::Forgotten, count);
    telemetry.warn(key, count, format_args!(
        "{count} chunks that were delivered in part had to be forgotten: they will be sent whole, so some of their events twice"
    ));
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.entries.is_empty() {
            self.file.remove_now();
        }
    }
}

/// The journals that are open in this process.
type Journals = HashMap<(PathBuf, Identity), Weak<Journal>>;

static JOURNALS: Lazy<Mutex<Journals>> = Lazy::new(Mutex::default);

/// How often files that other processes hold are tried again.
const TAKEOVER_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
