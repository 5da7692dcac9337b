//! Cancellation of a flush when Fluent Bit shuts down.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The cancellation state of a flush; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<State>);

impl Cancellation {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self(state)
    }

    /// Whether the flush is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.0.lock(), Request::Cancelled)
    }

    /// Runs `action` when the flush is cancelled; at once if it is already cancelled. A later call
    /// replaces the action of an earlier call. The action runs on a thread of Fluent Bit, so it must be
    /// short.
    pub fn on_cancel(&self, action: impl FnOnce() + Send + 'static) {
        let mut request = self.0.lock();
        if matches!(*request, Request::Cancelled) {
            drop(request);
            action();
        } else {
            *request = Request::None(Some(Box::new(action)));
        }
    }
}

/// The state that a flush shares with its deliveries.
#[derive(Debug, Default)]
pub(super) struct State(Mutex<Request>);

impl State {
    pub(super) fn cancel(&self) {
        let before = std::mem::replace(&mut *self.lock(), Request::Cancelled);
        if let Request::None(Some(action)) = before {
            action();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Request> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Request {
    /// Not cancelled; the action to run on cancellation.
    None(Option<Box<dyn FnOnce() + Send>>),
    Cancelled,
}

impl Default for Request {
    fn default() -> Self {
        Self::None(None)
    }
}

impl fmt::Debug for Request {
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
    fn the_action_runs_once_whether_set_before_or_after_cancellation() {
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
