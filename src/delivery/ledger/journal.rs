//! The entries of an output's ledger in a file, for the next process.
//!
//! A process has a file for each plugin and set of options in the directory of `resume_path`, which it
//! holds by a lock (`flock`) that ends with the process, however that ends. A file that nobody holds and
//! that has the same identity is taken over. Sections with the same options share a file: they send the
//! same events to the same places, so what is left of a chunk is the same for each of them. The file is a list of changes: each is appended by one `write`, so
//! a process that is killed leaves at most its last change torn. Nothing is synced to the disk: after a
//! power loss the last changes may be missing, and their events are sent again.

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

/// Whose entries a file has: those of one plugin and set of options.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Identity {
    /// The plugin's name, for the file's.
    pub plugin: &'static str,
    /// Hash of the plugin and of the options that decide what events a chunk has.
    pub hash: [u8; 32],
}

/// The file, and what is in it.
#[derive(Debug)]
pub struct Journal {
    telemetry: Telemetry,
    open: Mutex<Open>,
    /// What is known of chunks that none of the sections has had since the file was taken over.
    pool: Ledger,
}

#[derive(Debug)]
struct Open {
    directory: Directory,
    file: JournalFile,
    entries: HashMap<u64, Saved>,
    /// When files that another process holds are tried again; `None` where there are none.
    next_look: Option<Instant>,
}

impl Journal {
    /// The journal of this directory and identity: the one that is open in this process, or the file
    /// that an earlier process has left, or a new one.
    ///
    /// # Errors
    ///
    /// Why the directory cannot be used.
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

    /// Takes over this identity's file, or makes one.
    fn open(path: &Path, identity: Identity, telemetry: &Telemetry) -> Result<Arc<Self>, String> {
        let directory = Directory::open(path, identity)?;
        let found = directory.take_over(None);
        say_of_problems(telemetry, &found.problems);
        let mut files = found.files.into_iter();
        let file = match files.next() {
            Some(file) => file,
            None => directory.create()?,
        };
        let mut open = Open {
            directory,
            entries: file.entries.clone(),
            file,
            next_look: found.others_hold_some.then(Instant::now),
        };
        let written = open.merge(files.collect()).and_then(|()| open.tidy());
        let saved: Vec<Saved> = open.entries.values().cloned().collect();
        let journal = Arc::new(Self {
            telemetry: telemetry.clone(),
            open: Mutex::new(open),
            pool: Ledger::default(),
        });
        journal.restore(&saved);
        journal.say_of(written);
        Ok(journal)
    }

    /// What an earlier process or another section knows of a chunk; the chunk is hashed only when one
    /// of its length is known.
    pub fn take(
        self: &Arc<Self>,
        len: usize,
        key: impl FnOnce() -> Key,
        now: Instant,
    ) -> Option<Arc<Progress>> {
        self.look_again(now);
        let key = self.pool.knows(len).then(key)?;
        self.pool.take(&key, now)
    }

    /// Keeps what a section that is closed knows, for others with the same options.
    pub fn keep(&self, key: Key, progress: Arc<Progress>, oldest: i64) {
        let dropped = self.pool.note(key, progress, oldest, Instant::now());
        for progress in dropped.expired.iter().chain(&dropped.evicted) {
            progress.remove();
        }
        let had_settled = dropped.evicted.iter().filter(|progress| progress.size().1);
        say_of_forgotten(&self.telemetry, had_settled.count());
    }

    fn restore(self: &Arc<Self>, saved: &[Saved]) {
        for saved in saved {
            let progress = Arc::new(Progress::saved(saved, Some(self)));
            self.keep(saved.key, progress, saved.made_ms);
        }
    }

    /// Takes over files that another process has let go since.
    fn look_again(self: &Arc<Self>, now: Instant) {
        let mut open = self.lock();
        if open.next_look.is_none_or(|next| now < next) {
            return;
        }
        let found = open.directory.take_over(Some(open.file.path()));
        open.next_look = found.others_hold_some.then_some(now + LOOK_INTERVAL);
        let entries = found.files.iter().flat_map(|file| file.entries.values());
        let saved: Vec<Saved> = entries.cloned().collect();
        let written = open.merge(found.files);
        drop(open);
        say_of_problems(&self.telemetry, &found.problems);
        self.restore(&saved);
        self.say_of(written);
    }

    /// Writes an entry.
    pub fn put(&self, saved: Saved) {
        self.change(Change::Put(saved));
    }

    /// Writes that more events of an entry are settled.
    pub fn settle(&self, id: u64, settled: Settled) {
        self.change(Change::Settle(id, settled));
    }

    /// Removes an entry.
    pub fn remove(&self, id: u64) {
        self.change(Change::Remove(id));
    }

    fn change(&self, change: Change) {
        let written = self.lock().change(change);
        self.say_of(written);
    }

    fn say_of(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            let kind = LogKey {
                what: "journal",
                part: "",
                unit: "writes",
            };
            self.telemetry.warn(kind, 1, format_args!(
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
        written.and_then(|()| self.tidy())
    }

    /// Writes the file anew where most of it is no longer so, or where a part of it is damaged.
    fn tidy(&mut self) -> std::io::Result<()> {
        if self.file.needs_rewrite(self.entries.is_empty()) {
            self.file.rewrite(self.entries.values())?;
        }
        Ok(())
    }

    /// Takes the entries of other files into this one, and removes those files.
    fn merge(&mut self, files: Vec<JournalFile>) -> std::io::Result<()> {
        for file in files {
            for saved in file.entries.values() {
                let saved = match self.entries.get(&saved.id) {
                    Some(known) => together(known, saved),
                    None => saved.clone(),
                };
                self.change(Change::Put(saved))?;
            }
            file.remove();
        }
        Ok(())
    }
}

/// The same entry from two files, as a process may be killed between copying a file and removing it.
fn together(known: &Saved, other: &Saved) -> Saved {
    let mut saved = known.clone();
    saved.settled.extend(&other.settled);
    saved
}

/// What the entries are after a change.
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

/// Whether the entry was made so lately that its chunk may be flushed again.
fn is_current(saved: &Saved) -> bool {
    let age = now_ms().saturating_sub(saved.made_ms);
    u128::try_from(age).unwrap_or_default() < LIFETIME.as_millis()
}

fn say_of_problems(telemetry: &Telemetry, problems: &[String]) {
    for problem in problems {
        telemetry.log.warn(format_args!("`resume_path`: {problem}"));
    }
}

/// Writes that entries were dropped for lack of room.
pub(crate) fn say_of_forgotten(telemetry: &Telemetry, count: usize) {
    let kind = LogKey {
        what: "forgotten",
        part: "",
        unit: "chunks",
    };
    telemetry.metrics.add(Id::Forgotten, count);
    telemetry.warn(kind, count, format_args!(
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

/// How often files that another process holds are tried again.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
