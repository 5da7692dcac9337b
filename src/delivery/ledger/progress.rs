//! The progress of one chunk across attempts: its settled events and reported counts.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use cbindings::{Flush, OnOutcome};

use super::Key;
use super::journal::Journal;
use super::record::Saved;
use super::settled::{PendingItems, Settled};

/// Access to a chunk and its outcome.
pub trait Source: Send + Sync {
    /// The tag.
    fn tag(&self) -> &[u8];
    /// The bytes.
    fn chunk(&self) -> &[u8];
    /// Runs `action` when Fluent Bit has taken the answer, or shuts down without taking it.
    fn on_outcome(&self, action: OnOutcome);
}

impl Source for Flush {
    fn tag(&self) -> &[u8] {
        self.tag()
    }

    fn chunk(&self) -> &[u8] {
        self.chunk()
    }

    fn on_outcome(&self, action: OnOutcome) {
        self.on_outcome(action);
    }
}

/// What the ledger keeps of a chunk in addition to its settled events.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct About {
    /// How often the chunk was tried.
    pub attempts: u32,
    /// How many of its records were reported, by cause.
    pub reported: Reported,
}

/// Counts of reported records, in an order that each plugin defines.
pub type Reported = [u32; 10];

/// The settled events of a chunk. It is shared by attempts, by the requests of cancelled attempts and
/// by the ledger, so that no answer of the service is lost.
pub struct Progress {
    id: u64,
    key: OnceLock<Key>,
    journal: Option<Weak<Journal>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    about: About,
    settled: Settled,
    /// The chunk, while an attempt has it.
    source: Option<Weak<dyn Source>>,
    /// The events of the requests that were registered last.
    registered: Settled,
    /// How many of these events are settled.
    answered: usize,
    /// Whether these are the last requests of the chunk.
    is_last: bool,
    /// Whether the journal has an entry for the chunk.
    is_saved: bool,
    /// How often batches are halved before they are sent.
    halvings: u32,
}

impl Progress {
    /// A chunk without settled events.
    #[must_use]
    pub fn new(journal: Option<&Arc<Journal>>) -> Self {
        Self {
            id: fastrand::u64(..),
            key: OnceLock::new(),
            journal: journal.map(Arc::downgrade),
            state: Mutex::default(),
        }
    }

    /// A chunk with an entry in the journal.
    #[must_use]
    pub fn saved(saved: &Saved, journal: Option<&Arc<Journal>>) -> Self {
        let state = State {
            about: saved.about,
            settled: saved.settled.clone(),
            is_saved: true,
            ..State::default()
        };
        Self {
            id: saved.id,
            key: OnceLock::from(saved.key),
            journal: journal.map(Arc::downgrade),
            state: Mutex::new(state),
        }
    }

    /// A random number that identifies the entry.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The key. The chunk is hashed by the first call only.
    pub fn key(&self, source: &dyn Source) -> Key {
        self.key_of(source.tag(), source.chunk())
    }

    /// The key, for a chunk with this tag and content.
    pub fn key_of(&self, tag: &[u8], chunk: &[u8]) -> Key {
        *self.key.get_or_init(|| Key::of(tag, chunk))
    }

    /// Sets the key if it was computed elsewhere.
    pub fn set_key(&self, key: Key) {
        // A key that is set already is the same.
        let _ = self.key.set(key);
    }

    /// Begins an attempt. Returns the events that are left, if any event is settled.
    pub fn begin(&self, source: &Arc<dyn Source>) -> Option<PendingItems> {
        let mut state = self.lock();
        state.about.attempts += 1;
        state.source = Some(Arc::downgrade(source));
        (state.settled.count() > 0).then(|| PendingItems::except(&state.settled))
    }

    /// How often batches of the chunk are halved before they are sent.
    pub fn halvings(&self) -> u32 {
        self.lock().halvings
    }

    /// Updates the halvings at the end of an attempt.
    pub fn note_refusals(&self, was_refused: bool, has_delivered: bool) {
        let mut state = self.lock();
        state.halvings = next_halvings(state.halvings, was_refused, has_delivered);
    }

    /// What the ledger keeps in addition to the settled events.
    pub fn about(&self) -> About {
        self.lock().about
    }

    /// Changes what the ledger keeps in addition to the settled events.
    pub fn set_about(&self, change: impl FnOnce(&mut About)) {
        change(&mut self.lock().about);
    }

    /// The number of attempts, whether events are settled, and the memory of the settled events in bytes.
    pub fn size(&self) -> (u32, bool, usize) {
        let state = self.lock();
        let settled = &state.settled;
        (state.about.attempts, settled.count() > 0, settled.bytes())
    }

    /// Registers the events of the requests that are sent next.
    pub fn register(&self, events: Settled, is_last: bool) {
        let mut state = self.lock();
        state.registered = events;
        state.answered = 0;
        state.is_last = is_last;
    }

    /// Whether any event was registered for sending, or is settled.
    pub fn was_sent(&self) -> bool {
        let state = self.lock();
        state.registered.count() + state.settled.count() > 0
    }

    /// Records that the service has answered for these events.
    pub fn settle(&self, events: impl Iterator<Item = u32>) {
        self.add(&mut self.lock(), events);
    }

    /// Records that the registered requests have ended: their events are settled except `left`.
    pub fn settle_registered(&self, left: &Settled) {
        let mut state = self.lock();
        let registered = state.registered.ranges().into_iter().flatten();
        self.add(
            &mut state,
            registered.filter(|&event| !left.contains(event)),
        );
    }

    fn add(&self, state: &mut State, ordinals: impl Iterator<Item = u32>) {
        let before = state.answered;
        let mut new = Settled::default();
        for ordinal in ordinals {
            if state.settled.insert(ordinal) {
                state.answered += 1;
                if self.journal.is_some() {
                    new.insert(ordinal);
                }
            }
        }
        let is_complete = state.is_last && state.answered >= state.registered.count();
        if state.answered > before && !is_complete {
            self.save_settled(state, new);
        }
    }

    /// Writes new settled events to the journal, in case the process is killed.
    fn save_settled(&self, state: &mut State, new: Settled) {
        let Some(journal) = self.journal() else {
            return;
        };
        if state.is_saved {
            journal.settle(self.id, new);
            return;
        }
        let source = state.source.as_ref().and_then(Weak::upgrade);
        if let Some(key) = source.map(|source| self.key(&*source)) {
            self.write(state, key, &journal);
        }
    }

    /// Whether the progress is written to a journal.
    pub fn has_journal(&self) -> bool {
        self.journal.is_some()
    }

    /// Whether a later attempt needs this progress.
    pub fn is_needed(&self) -> bool {
        let state = self.lock();
        state.settled.count() > 0 || state.about.reported != Reported::default()
    }

    /// Writes the whole entry to the journal, as Fluent Bit will retry the chunk.
    pub fn save(&self, key: Key) {
        if let Some(journal) = self.journal() {
            self.write(&mut self.lock(), key, &journal);
        }
    }

    fn write(&self, state: &mut State, key: Key, journal: &Journal) {
        state.is_saved = true;
        journal.put(Saved {
            id: self.id,
            key,
            made_ms: crate::telemetry::metrics::now_ms(),
            about: state.about,
            settled: state.settled.clone(),
        });
    }

    /// Removes the entry of the chunk from the journal.
    pub fn remove(&self) {
        let mut state = self.lock();
        if let (true, Some(journal)) = (state.is_saved, self.journal()) {
            journal.remove(self.id);
            state.is_saved = false;
        }
    }

    /// The settled events.
    pub fn settled(&self) -> Settled {
        self.lock().settled.clone()
    }

    fn journal(&self) -> Option<Arc<Journal>> {
        self.journal.as_ref().and_then(Weak::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The halvings of the next attempt: one more after an attempt with rejections and without deliveries,
/// one less after an attempt with deliveries and without rejections.
pub(crate) fn next_halvings(halvings: u32, was_refused: bool, has_delivered: bool) -> u32 {
    match (was_refused, has_delivered) {
        (true, false) => MAX_HALVINGS.min(halvings + 1),
        (false, true) => halvings.saturating_sub(1),
        // No request was answered, or the size of the parts is suitable.
        _ => halvings,
    }
}

/// A batch is sent in 2^6 = 64 parts at most. This bounds the number of requests after a target has
/// rejected everything for some time.
const MAX_HALVINGS: u32 = 6;

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        f.debug_struct("Progress")
            .field("id", &self.id)
            .field("about", &state.about)
            .field("settled", &state.settled.ranges())
            .finish_non_exhaustive()
    }
}
