//! Single flight: one call at a time, whose result all concurrent callers share.
//!
//! The call continues when its callers time out, so that later callers get a slow result. After a
//! failure the call is not repeated for some time; callers in that time get the same error at once.
//! The pause doubles with each failure, up to a maximum.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The call in progress and the last failure. Dropping it cancels the call.
#[derive(Debug)]
pub struct SingleFlight<T> {
    state: Arc<Mutex<State<T>>>,
    min_pause: Duration,
    max_pause: Duration,
}

type Answer<T> = Option<Result<T, String>>;

#[derive(Debug)]
struct State<T> {
    in_progress: Option<InProgress<T>>,
    failures: u32,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct InProgress<T> {
    answer: watch::Receiver<Answer<T>>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Failure {
    error: String,
    until: Instant,
}

impl<T> SingleFlight<T> {
    /// Pauses after failures: `min_pause` after the first failure, `max_pause` at most.
    #[must_use]
    pub fn new(min_pause: Duration, max_pause: Duration) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                in_progress: None,
                failures: 0,
                failure: None,
            })),
            min_pause,
            max_pause,
        }
    }

    /// The time until a failed call may be repeated; zero after a success and before the first call.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let state = lock(&self.state);
        let failure = state.failure.as_ref();
        failure.map_or(Duration::ZERO, |failure| {
            failure.until.saturating_duration_since(Instant::now())
        })
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// The result of the call in progress, or of `call` if there is none. The returned future does
    /// not borrow `self`.
    ///
    /// # Errors
    ///
    /// When the call failed, failed recently and is not repeated yet, or was cancelled.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn ask<Q, F>(&self, call: Q) -> impl Future<Output = Result<T, String>> + use<T, Q, F>
    where
        Q: FnOnce() -> F,
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let answer = self.join_or_start(call);
        async {
            let mut answer = answer?;
            let answer = answer.wait_for(Option::is_some).await;
            let answer = answer.ok().and_then(|answer| answer.clone());
            answer.unwrap_or_else(|| Err("the look-up was cancelled".to_owned()))
        }
    }

    fn join_or_start<Q, F>(&self, call: Q) -> Result<watch::Receiver<Answer<T>>, String>
    where
        Q: FnOnce() -> F,
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let mut state = lock(&self.state);
        // A task that ended without a result was cancelled with its runtime.
        if let Some(in_progress) = &state.in_progress
            && in_progress.answer.has_changed().is_ok()
        {
            return Ok(in_progress.answer.clone());
        }
        if let Some(Failure { error, until }) = &state.failure
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let (sender, answer) = watch::channel(None);
        let (shared, min_pause, max_pause) = (self.state.clone(), self.min_pause, self.max_pause);
        let call = call();
        let task = tokio::spawn(async move {
            let answer = call.await;
            lock(&shared).finish(&answer, min_pause, max_pause);
            sender.send_replace(Some(answer));
        });
        state.in_progress = Some(InProgress {
            answer: answer.clone(),
            task: task.abort_handle(),
        });
        Ok(answer)
    }
}

impl<T> State<T> {
    fn finish(&mut self, answer: &Result<T, String>, min_pause: Duration, max_pause: Duration) {
        self.in_progress = None;
        let Err(error) = answer else {
            (self.failures, self.failure) = (0, None);
            return;
        };
        let pause = (min_pause * (1 << self.failures.min(MAX_DOUBLINGS))).min(max_pause);
        self.failures = self.failures.saturating_add(1);
        // Jitter, so that calls that failed at the same time are not repeated at the same time.
        let pause = pause.mul_f64(0.75 + fastrand::f64() / 4.0);
        self.failure = Some(Failure {
            error: error.clone(),
            until: Instant::now() + pause,
        });
    }
}

impl<T> Drop for SingleFlight<T> {
    fn drop(&mut self) {
        if let Some(in_progress) = &lock(&self.state).in_progress {
            in_progress.task.abort();
        }
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the doubling from overflowing.
const MAX_DOUBLINGS: u32 = 10;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{sleep, timeout};

    use super::*;

    fn single_flight() -> SingleFlight<u32> {
        SingleFlight::new(Duration::from_secs(1), Duration::from_secs(8))
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_share_one_call() {
        let (single_flight, calls) = (Arc::new(single_flight()), Arc::<AtomicUsize>::default());
        let all = (0..20).map(|_| {
            let (single_flight, calls) = (single_flight.clone(), calls.clone());
            tokio::spawn(async move {
                single_flight
                    .ask(|| async move {
                        calls.fetch_add(1, Ordering::Relaxed);
                        sleep(Duration::from_secs(1)).await;
                        Ok(7)
                    })
                    .await
            })
        });
        for caller in all.collect::<Vec<_>>() {
            assert_eq!(caller.await.expect("it ends"), Ok(7));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_returned_during_a_doubling_pause_that_a_success_resets() {
        let single_flight = single_flight();
        for max_pause in [1, 2, 4, 8, 8] {
            let error = single_flight.ask(|| async { Err("no".to_owned()) }).await;
            assert_eq!(error, Err("no".to_owned()));
            let again = single_flight.ask(|| async { Ok(1) }).await;
            assert_eq!(
                again,
                Err("no".to_owned()),
                "the call is not repeated at once"
            );
            let (pause, max_pause) = (single_flight.pause(), Duration::from_secs(max_pause));
            assert!(
                pause <= max_pause && pause >= max_pause * 3 / 4,
                "{pause:?}"
            );
            sleep(pause).await;
        }
        assert_eq!(single_flight.ask(|| async { Ok(1) }).await, Ok(1));
        assert_eq!(single_flight.pause(), Duration::ZERO);
        assert!(
            single_flight
                .ask(|| async { Err("no".to_owned()) })
                .await
                .is_err()
        );
        assert!(single_flight.pause() <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_continues_after_its_callers_time_out_and_is_cancelled_on_drop() {
        struct Guard(Arc<AtomicUsize>);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (single_flight, ended) = (single_flight(), Arc::<AtomicUsize>::default());
        let guard = Guard(ended.clone());
        let call = || async move {
            let _guard = guard;
            sleep(Duration::from_secs(600)).await;
            Ok(1)
        };
        let second = Duration::from_secs(1);
        assert!(timeout(second, single_flight.ask(call)).await.is_err());
        sleep(second).await;
        assert_eq!(ended.load(Ordering::Relaxed), 0);
        drop(single_flight);
        sleep(second).await;
        assert_eq!(ended.load(Ordering::Relaxed), 1);
    }
}
