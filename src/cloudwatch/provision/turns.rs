//! One creation at a time for each log group and each log stream.
//!
//! Of several flushes that miss the same group or stream one creates it and the others wait for the
//! result. A wait can be cancelled at any time; its entry in the map goes with the last one who waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::cloudwatch::route::LogStreamId;
use crate::delivery::error::{ErrorClass, SendError};

/// The creations that are under way, and the results that flushes under way still ask for.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<LogStreamId, Arc<Turn>>>);

/// The task that creates holds the lock.
type Turn = AsyncMutex<Known>;

/// What is known of a group or stream.
#[derive(Debug, Default)]
struct Known {
    created: Option<Instant>,
    /// A create that cannot pass, and the deadline of the flush that made it.
    refused: Option<(Instant, SendError)>,
}

impl Turns {
    /// Makes something that a request begun at `missed` has found missing, unless it was made since,
    /// or a flush that ends no earlier than `deadline` was refused it.
    ///
    /// # Errors
    ///
    /// As `make`.
    pub(super) async fn once(
        &self,
        what: &LogStreamId,
        missed: Instant,
        deadline: Instant,
        make: impl Future<Output = Result<(), SendError>>,
    ) -> Result<(), SendError> {
        let held = self.hold(what);
        let mut known = held.turn.lock().await;
        if let Some(result) = known.result(missed, deadline) {
            return result;
        }
        let result = make.await;
        known.note(&result, deadline);
        result
    }

    fn hold<'t>(&'t self, what: &'t LogStreamId) -> Held<'t> {
        let turn = self.lock().entry(what.clone()).or_default().clone();
        Held {
            turns: self,
            what,
            turn,
        }
    }

    /// Removes an entry that nobody uses, unless flushes that are under way may ask for its result.
    fn release(&self, what: &LogStreamId, turn: Arc<Turn>) {
        let mut turns = self.lock();
        drop(turn);
        if turns.len() > MOST_KEPT {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        let Some(turn) = turns.get(what) else { return };
        let is_used = Arc::strong_count(turn) > 1;
        let is_kept = || {
            let known = turn.try_lock();
            known.is_ok_and(|known| known.is_asked_for(what, Instant::now()))
        };
        if !is_used && !is_kept() {
            turns.remove(what);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LogStreamId, Arc<Turn>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The result, if there is one for a caller that missed it then and has until this deadline.
    fn result(&self, missed: Instant, deadline: Instant) -> Option<Result<(), SendError>> {
        if self.created.is_some_and(|at| at >= missed) {
            return Some(Ok(()));
        }
        let (until, fault) = self.refused.as_ref()?;
        (deadline <= *until).then(|| Err(fault.clone()))
    }

    fn note(&mut self, result: &Result<(), SendError>, deadline: Instant) {
        match result {
            Ok(()) => {
                *self = Self {
                    created: Some(Instant::now()),
                    refused: None,
                }
            }
            Err(fault) if matches!(fault.kind, ErrorClass::Denied | ErrorClass::Refused) => {
                self.refused = Some((deadline, fault.clone()));
            }
            Err(_) => {}
        }
    }

    /// A chunk's many streams create their group once; what is refused is refused for a whole flush.
    fn is_asked_for(&self, what: &LogStreamId, now: Instant) -> bool {
        let is_group = what.stream.is_empty();
        let refused = self.refused.as_ref();
        (is_group && self.created.is_some()) || refused.is_some_and(|(until, _)| now < *until)
    }
}

/// Someone who creates or waits; dropped also when that is cancelled.
struct Held<'t> {
    turns: &'t Turns,
    what: &'t LogStreamId,
    turn: Arc<Turn>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.turns
            .release(self.what, std::mem::take(&mut self.turn));
    }
}

/// Results that are kept; beyond it only creations that are under way have an entry.
const MOST_KEPT: usize = 1000;

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

    fn len(turns: &Turns) -> usize {
        turns.lock().len()
    }

    fn denied() -> Result<(), SendError> {
        Err(SendError::new(
            ErrorClass::Denied,
            "AccessDeniedException",
            "no",
        ))
    }

    #[tokio::test(start_paused = true)]
    async fn five_thousand_cancelled_creations_leave_no_entry() {
        let turns = Turns::default();
        let now = Instant::now();
        for n in 0..5_000 {
            let (group, stream) = (target(&n.to_string(), ""), target("g", &n.to_string()));
            for what in [&group, &stream] {
                let made = turns.once(what, now, now + SECOND, pending());
                let waits = turns.once(what, now, now + SECOND, pending());
                let both = async { tokio::join!(made, waits) };
                assert!(timeout(Duration::from_millis(1), both).await.is_err());
            }
        }
        assert_eq!(len(&turns), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bounded_number_of_results_is_kept() {
        let turns = Turns::default();
        let now = Instant::now();
        for n in 0..5 * MOST_KEPT {
            let (created, refused) = (target(&n.to_string(), ""), target("g", &n.to_string()));
            let made = turns.once(&created, now, now + SECOND, async { Ok(()) });
            assert!(made.await.is_ok());
            let made = turns.once(&refused, now, now + SECOND, async { denied() });
            assert!(made.await.is_err());
            assert!(len(&turns) <= MOST_KEPT + 1, "{n}: {}", len(&turns));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_created_stream_leaves_no_entry() {
        let turns = Turns::default();
        let (what, now) = (target("g", "s"), Instant::now());
        let made = turns.once(&what, now, now + SECOND, async { Ok(()) });
        assert!(made.await.is_ok());
        assert_eq!(len(&turns), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_not_made_again_before_a_flush_with_a_later_deadline() {
        let turns = Turns::default();
        let (what, began) = (target("g", ""), Instant::now());
        let deadline = began + SECOND;
        let asked = |deadline| turns.once(&what, Instant::now(), deadline, async { Ok(()) });
        let made = turns.once(&what, began, deadline, async { denied() });
        assert!(made.await.is_err());
        assert!(asked(deadline).await.is_err());
        assert!(asked(deadline + SECOND).await.is_ok());
        assert!(asked(deadline).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_creates_when_the_one_before_is_cancelled() {
        let turns = Turns::default();
        let (what, now) = (target("g", "s"), Instant::now());
        let hangs = timeout(SECOND, turns.once(&what, now, now + SECOND, pending()));
        let creates = turns.once(&what, now, now + 2 * SECOND, async { Ok(()) });
        let (hangs, creates) = tokio::join!(hangs, creates);
        assert!(hangs.is_err() && creates.is_ok());
        assert_eq!(len(&turns), 0);
    }
}
