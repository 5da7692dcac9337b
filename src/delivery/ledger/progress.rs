//! What is settled of one chunk, from its first attempt to its end.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use cbindings::{Flush, OnOutcome};

use super::Key;
use super::journal::Journal;
use super::record::Saved;
use super::settled::{PendingItems, Settled};

/// Where a chunk can be read.
pub trait Source: Send + Sync {
    /// The tag.
    fn tag(&self) -> &[u8];
    /// The bytes.
    fn chunk(&self) -> &[u8];
    /// Does this when Fluent Bit has taken the answer, or has ended without taking it.
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

/// What is known of a chunk besides its settled events.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct About {
    /// How often the chunk was tried.
    pub attempts: u32,
    /// How many of its records were reported, by what happened to them.
    pub reported: Reported,
}

/// Counts of reported records, in an order of the plugin's own.
pub type Reported = [u32; 10];

/// The settled events of a chunk. Attempts, the requests that they leave behind when they are
/// cancelled, and the ledger share it, so that no answer is lost between them.
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
    /// Where the chunk is as long as an attempt has it.
    source: Option<Weak<dyn Source>>,
    /// The events of the requests that were handed out last.
    handed_out: Settled,
    /// How many of them are settled.
    answered: usize,
    /// Whether no further request will be made of the chunk.
    is_last: bool,
    /// Whether the journal has an entry of the chunk.
    is_saved: bool,
    /// How often batches are halved before they are sent.
    halvings: u32,
}

impl Progress {
    /// A chunk of which nothing is settled.
    #[must_use]
    pub fn new(journal: Option<&Arc<Journal>>) -> Self {
        Self {
            id: fastrand::u64(..),
            key: OnceLock::new(),
            journal: journal.map(Arc::downgrade),
            state: Mutex::default(),
        }
    }

    /// A chunk that the journal has.
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

    /// A number of its own.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The key; the chunk is hashed at the first call, once.
    pub fn key(&self, source: &dyn Source) -> Key {
        self.key_of(source.tag(), source.chunk())
    }

    /// The key, for a chunk of this tag and these bytes.
    pub fn key_of(&self, tag: &[u8], chunk: &[u8]) -> Key {
        *self.key.get_or_init(|| Key::of(tag, chunk))
    }

    /// Notes the key, where it is known already.
    pub fn set_key(&self, key: Key) {
        // The key of a chunk that was known is the same.
        let _ = self.key.set(key);
    }

    /// An attempt begins. Returns what is left of the chunk, if anything of it is settled.
    pub fn begin(&self, source: &Arc<dyn Source>) -> Option<PendingItems> {
        let mut state = self.lock();
        state.about.attempts += 1;
        state.source = Some(Arc::downgrade(source));
        (state.settled.count() > 0).then(|| PendingItems::except(&state.settled))
    }

    /// How often the chunk's batches are halved before they are sent.
    pub fn halvings(&self) -> u32 {
        self.lock().halvings
    }

    /// An attempt has ended that delivered something or not, with requests that were refused or not.
    pub fn note_refusals(&self, was_refused: bool, has_delivered: bool) {
        let mut state = self.lock();
        state.halvings = next_halvings(state.halvings, was_refused, has_delivered);
    }

    /// What is known of the chunk.
    pub fn about(&self) -> About {
        self.lock().about
    }

    /// Changes what is known of the chunk.
    pub fn set_about(&self, change: impl FnOnce(&mut About)) {
        change(&mut self.lock().about);
    }

    /// Attempts, whether events are settled, and the bytes of memory that those take.
    pub fn size(&self) -> (u32, bool, usize) {
        let state = self.lock();
        let settled = &state.settled;
        (state.about.attempts, settled.count() > 0, settled.bytes())
    }

    /// Notes the events of the requests that are sent next.
    pub fn hand_out(&self, events: Settled, is_last: bool) {
        let mut state = self.lock();
        state.handed_out = events;
        state.answered = 0;
        state.is_last = is_last;
    }

    /// Whether an event was ever handed out, or is settled.
    pub fn was_sent(&self) -> bool {
        let state = self.lock();
        state.handed_out.count() + state.settled.count() > 0
    }

    /// The service has answered for these events.
    pub fn settle(&self, events: impl Iterator<Item = u32>) {
        self.add(&mut self.lock(), events);
    }

    /// The requests that were handed out have ended: their events are settled but for these.
    pub fn settle_handed_out(&self, left: &Settled) {
        let mut state = self.lock();
        let handed_out = state.handed_out.ranges().into_iter().flatten();
        self.add(
            &mut state,
            handed_out.filter(|&event| !left.contains(event)),
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
        let is_over = state.is_last && state.answered >= state.handed_out.count();
        if state.answered > before && !is_over {
            self.save_settled(state, new);
        }
    }

    /// Writes what was settled, so that it is known if the process is killed.
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

    /// Whether it is noted in a journal, and so may outlive its output.
    pub fn has_journal(&self) -> bool {
        self.journal.is_some()
    }

    /// Whether anything is known that a later attempt needs.
    pub fn is_of_use(&self) -> bool {
        let state = self.lock();
        state.settled.count() > 0 || state.about.reported != Reported::default()
    }

    /// Writes the whole entry into the journal: the chunk will be flushed again.
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

    /// Takes the chunk's entry out of the journal.
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

/// How often batches are halved in the next attempt: once more after refusals alone, once less after
/// deliveries alone.
pub(crate) fn next_halvings(halvings: u32, was_refused: bool, has_delivered: bool) -> u32 {
    match (was_refused, has_delivered) {
        (true, false) => MOST_HALVINGS.min(halvings + 1),
        (false, true) => halvings.saturating_sub(1),
        // Nothing reached the service, or the parts have the right size.
        _ => halvings,
    }
}

/// A batch goes in 64 parts at most: a target that refused everything for a while, and then takes it,
/// gets as many requests.
const MOST_HALVINGS: u32 = 6;

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
