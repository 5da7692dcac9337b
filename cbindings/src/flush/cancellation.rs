//! A wish to have a chunk back: Fluent Bit ends.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a flush is cancelled; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<State>);

impl Cancellation {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self(state)
    }

    /// Whether the chunk is wanted back.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.0.lock(), Wish::Cancelled)
    }

    /// Does something once the chunk is wanted back: at once if it is already. A later call replaces
    /// what an earlier one asked for. Runs on a thread of Fluent Bit's, so it must be short.
    pub fn on_cancel(&self, action: impl FnOnce() + Send + 'static) {
        let mut wish = self.0.lock();
        if matches!(*wish, Wish::Cancelled) {
            drop(wish);
            action();
        } else {
            *wish = Wish::None(Some(Box::new(action)));
        }
    }
}

/// What is shared by a flush and those who deliver it.
#[derive(Debug, Default)]
pub(super) struct State(Mutex<Wish>);

impl State {
    pub(super) fn cancel(&self) {
        let before = std::mem::replace(&mut *self.lock(), Wish::Cancelled);
        if let Wish::None(Some(action)) = before {
            action();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Wish {
    /// Not cancelled; what is done then.
    None(Option<Box<dyn FnOnce() + Send>>),
    Cancelled,
}

impl Default for Wish {
    fn default() -> Self {
        Self::None(None)
    }
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None(_) => "None",
            Self::Cancelled => "Cancelled",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_action_runs_once_whether_it_is_set_before_or_after() {
        for set_before in [true, false] {
            let (state, count) = (Arc::<State>::default(), Arc::new(AtomicUsize::new(0)));
            let cancellation = Cancellation::new(state.clone());
            let counted = count.clone();
            let action = move || _ = counted.fetch_add(1, Ordering::Relaxed);
            assert!(!cancellation.is_cancelled());
            if set_before {
                cancellation.on_cancel(action);
                state.cancel();
            } else {
                state.cancel();
                cancellation.on_cancel(action);
            }
            state.cancel();
            assert!(cancellation.is_cancelled());
            assert_eq!(count.load(Ordering::Relaxed), 1, "set before: {set_before}");
        }
    }
}
