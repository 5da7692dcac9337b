//! A pause of all writers, as log drivers make when the router's socket goes away.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Where writers wait while the router is reloaded.
pub(super) struct Pause {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wanted: bool,
    writers: usize,
    quiet: usize,
}

impl Pause {
    /// For so many writers.
    pub(super) fn of(writers: usize) -> Self {
        let state = State {
            writers,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Waits until every writer is quiet or has ended, acts, and lets them go on.
    pub(super) fn during<T>(&self, act: impl FnOnce() -> T) -> T {
        self.state().wanted = true;
        let busy = |state: &mut State| state.quiet < state.writers;
        drop(self.changed.wait_while(self.state(), busy));
        let done = act();
        self.state().wanted = false;
        self.changed.notify_all();
        done
    }

    /// Whether a writer is asked to be quiet.
    pub(super) fn is_wanted(&self) -> bool {
        self.state().wanted
    }

    /// A writer is quiet until the pause is over.
    pub(super) fn wait(&self) {
        let mut state = self.state();
        state.quiet += 1;
        self.changed.notify_all();
        let waited = self.changed.wait_while(state, |state| state.wanted);
        waited.unwrap_or_else(PoisonError::into_inner).quiet -= 1;
    }

    /// A writer has ended.
    pub(super) fn leave(&self) {
        self.state().writers -= 1;
        self.changed.notify_all();
    }

    /// How many writers have not ended.
    pub(super) fn writers(&self) -> usize {
        self.state().writers
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn nothing_is_done_before_every_writer_is_quiet_or_has_ended() {
        let pause = Pause::of(3);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !pause.is_wanted() {
                        thread::yield_now();
                    }
                    pause.wait();
                    pause.leave();
                });
            }
            scope.spawn(|| pause.leave());
            pause.during(|| {
                let state = pause.state();
                assert_eq!((state.quiet, state.writers), (2, 2));
            });
        });
        assert_eq!(pause.writers(), 0);
    }
}
