//! Allows one creation at a time for each log group and each log stream.
//!
//! If several flushes find the same group or stream missing, one of them creates it and the others wait
//! for the result. A wait can be cancelled at any time. The last waiting flush removes the lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::cloudwatch::route::LogStreamId;
use crate::delivery::error::{ErrorClass, SendError};

/// Locks of running creations, and recent results that other flushes may need.
#[derive(Debug, Default)]
pub(super) struct CreationLocks(Mutex<HashMap<LogStreamId, Arc<CreationLock>>>);

/// Held by the task that creates.
type CreationLock = AsyncMutex<CreationState>;

/// The last result for a group or stream.
#[derive(Debug, Default)]
struct CreationState {
    created: Option<Instant>,
    /// The error of a create that failed permanently, and the deadline of its flush.
    refused: Option<(Instant, SendError)>,
}

impl CreationLocks {
    /// Creates `target`, which a request started at `missed` found missing. Does nothing if `target` was
    /// created since. Returns the earlier error if a flush with the same or a later deadline was refused.
    ///
    /// # Errors
    ///
    /// Returns the error of `create`, or the stored error.
    pub(super) async fn once(
        &self,
        target: &LogStreamId,
        missed: Instant,
        deadline: Instant,
        create: impl Future<Output = Result<(), SendError>>,
    ) -> Result<(), SendError> {
        let reference = self.hold(target);
        let mut state = reference.lock.lock().await;
        if let Some(result) = state.result(missed, deadline) {
            return result;
        }
        let result = create.await;
        state.note(&result, deadline);
        result
    }

    fn hold<'t>(&'t self, target: &'t LogStreamId) -> LockReference<'t> {
        let lock = self.lock().entry(target.clone()).or_default().clone();
        LockReference {
            locks: self,
            target,
            lock,
        }
    }

    /// Removes an unused entry, unless other flushes may need its result.
    fn release(&self, target: &LogStreamId, lock: Arc<CreationLock>) {
        let mut locks = self.lock();
        drop(lock);
        if locks.len() > MAX_RESULTS {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        let Some(lock) = locks.get(target) else {
            return;
        };
        let is_used = Arc::strong_count(lock) > 1;
        let is_kept = || {
            let state = lock.try_lock();
            state.is_ok_and(|state| state.is_needed(target, Instant::now()))
        };
        if !is_used && !is_kept() {
            locks.remove(target);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LogStreamId, Arc<CreationLock>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CreationState {
    /// The result for a caller that found it missing at `missed` and has this deadline, if there is one.
    fn result(&self, missed: Instant, deadline: Instant) -> Option<Result<(), SendError>> {
        if self.created.is_some_and(|at| at >= missed) {
            return Some(Ok(()));
        }
        let (until, error) = self.refused.as_ref()?;
        (deadline <= *until).then(|| Err(error.clone()))
    }

    fn note(&mut self, result: &Result<(), SendError>, deadline: Instant) {
        match result {
            Ok(()) => {
                *self = Self {
                    created: Some(Instant::now()),
                    refused: None,
                }
            }
            Err(error) if matches!(error.kind, ErrorClass::Denied | ErrorClass::Refused) => {
                self.refused = Some((deadline, error.clone()));
            }
            Err(_) => {}
        }
    }

    /// Whether other flushes may need the result. All streams of a chunk share the result of their group. An
    /// error stays valid until the deadline of its flush.
    fn is_needed(&self, target: &LogStreamId, now: Instant) -> bool {
        let is_group = target.stream.is_empty();
        let refused = self.refused.as_ref();
        (is_group && self.created.is_some()) || refused.is_some_and(|(until, _)| now < *until)
    }
}

/// A reference to the lock of a flush that creates or waits. Dropped also on cancellation.
struct LockReference<'t> {
    locks: &'t CreationLocks,
    target: &'t LogStreamId,
    lock: Arc<CreationLock>,
}

impl Drop for LockReference<'_> {
    fn drop(&mut self) {
        self.locks
            .release(self.target, std::mem::take(&mut self.lock));
    }
}

/// Maximum number of stored results. Beyond it only running creations have an entry.
const MAX_RESULTS: usize = 1000;

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn target(group: &str, stream: &str) -> LogStreamId {
        LogStreamId {
            group: group.to_owned(),
            stream: stream.to_owned(),
        }
    }

    fn len(locks: &CreationLocks) -> usize {
        locks.lock().len()
    }

    fn denied() -> Result<(), SendError> {
        Err(SendError::new(
            ErrorClass::Denied,
            "AccessDeniedException",
            "no",
        ))
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_creations_leave_no_entry() {
        let locks = CreationLocks::default();
        let now = Instant::now();
        for n in 0..5_000 {
            let (group, stream) = (target(&n.to_string(), ""), target("g", &n.to_string()));
            for target in [&group, &stream] {
                let made = locks.once(target, now, now + SECOND, pending());
                let waits = locks.once(target, now, now + SECOND, pending());
                let both = async { tokio::join!(made, waits) };
                assert!(timeout(Duration::from_millis(1), both).await.is_err());
            }
        }
        assert_eq!(len(&locks), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bounded_number_of_results_is_kept() {
        let locks = CreationLocks::default();
        let now = Instant::now();
        for n in 0..5 * MAX_RESULTS {
            let (created, refused) = (target(&n.to_string(), ""), target("g", &n.to_string()));
            let made = locks.once(&created, now, now + SECOND, async { Ok(()) });
            assert!(made.await.is_ok());
            let made = locks.once(&refused, now, now + SECOND, async { denied() });
            assert!(made.await.is_err());
            assert!(len(&locks) <= MAX_RESULTS + 1, "{n}: {}", len(&locks));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_created_stream_leaves_no_entry() {
        let locks = CreationLocks::default();
        let (target, now) = (target("g", "s"), Instant::now());
        let made = locks.once(&target, now, now + SECOND, async { Ok(()) });
        assert!(made.await.is_ok());
        assert_eq!(len(&locks), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_create_is_retried_only_by_a_flush_with_a_later_deadline() {
        let locks = CreationLocks::default();
        let (target, began) = (target("g", ""), Instant::now());
        let deadline = began + SECOND;
        let asked = |deadline| locks.once(&target, Instant::now(), deadline, async { Ok(()) });
        let made = locks.once(&target, began, deadline, async { denied() });
        assert!(made.await.is_err());
        assert!(asked(deadline).await.is_err());
        assert!(asked(deadline + SECOND).await.is_ok());
        assert!(asked(deadline).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_flush_creates_when_the_first_is_cancelled() {
        let locks = CreationLocks::default();
        let (target, now) = (target("g", "s"), Instant::now());
        let hangs = timeout(SECOND, locks.once(&target, now, now + SECOND, pending()));
        let creates = locks.once(&target, now, now + 2 * SECOND, async { Ok(()) });
        let (hangs, creates) = tokio::join!(hangs, creates);
        assert!(hangs.is_err() && creates.is_ok());
        assert_eq!(len(&locks), 0);
    }
}
