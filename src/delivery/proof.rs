//! Tracks whether a target that rejected a request has accepted another request since.
//!
//! The cause of a rejected request is either its content or its target. Only an accepted request to the
//! same target decides which. So a delivery with rejected items watches its target, and every delivery
//! of the instance records what that target accepts. Requests have the same target when their body
//! before the items (the head) is equal: one entity may be rejected while others are accepted.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

/// The targets that an instance watches; empty while nothing is rejected.
#[derive(Debug, Default)]
pub struct Targets {
    watched: Mutex<HashMap<Box<[u8]>, Weak<Target>>>,
    /// The number of watched targets, so that deliveries skip the lock while it is 0.
    count: AtomicUsize,
}

/// One watched target.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// The start of the latest request that the target accepted.
    accepted: Mutex<Option<Instant>>,
}

impl Targets {
    /// Watches the target with this head until the returned value is dropped.
    pub(super) fn get(&self, head: &[u8]) -> Arc<Target> {
        let mut watched = self.lock();
        watched.retain(|_, target| target.strong_count() > 0);
        let known = watched.get(head).and_then(Weak::upgrade);
        let target = known.unwrap_or_default();
        watched.insert(head.into(), Arc::downgrade(&target));
        self.count.store(watched.len(), Relaxed);
        target
    }

    /// Records that a target accepted a request that began at `began`.
    pub(super) fn accepted(&self, head: &[u8], began: Instant) {
        if self.count.load(Relaxed) == 0 {
            return;
        }
        let target = self.lock().get(head).and_then(Weak::upgrade);
        if let Some(target) = target {
            let mut accepted = target.lock();
            *accepted = (*accepted).max(Some(began));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Box<[u8]>, Weak<Target>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    /// Whether the target has accepted a request that began after `moment`.
    pub(super) fn accepted_since(&self, moment: Instant) -> bool {
        self.lock().is_some_and(|accepted| accepted > moment)
    }

    /// Whether the target has accepted a request that began within the last `time`.
    pub(super) fn accepted_within(&self, time: Duration) -> bool {
        self.lock()
            .is_some_and(|accepted| accepted.elapsed() < time)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_later_request_to_the_same_target_is_proof() {
        let targets = Targets::default();
        targets.accepted(b"a", Instant::now());
        let (target, other) = (targets.get(b"a"), targets.get(b"b"));
        let before = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        let refused = Instant::now();
        targets.accepted(b"a", before);
        assert!(!target.accepted_since(refused));
        tokio::time::advance(Duration::from_millis(1)).await;
        targets.accepted(b"a", Instant::now());
        targets.accepted(b"a", before);
        assert!(target.accepted_since(refused) && !other.accepted_since(refused));
        assert!(targets.get(b"a").accepted_since(refused));
    }

    #[tokio::test]
    async fn targets_without_a_watcher_are_removed() {
        let targets = Targets::default();
        for number in 0..100 {
            drop(targets.get(&[number]));
        }
        drop(targets.get(b"last"));
        assert_eq!(targets.lock().len(), 1);
    }
}
