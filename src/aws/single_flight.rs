//! A question to another system, asked one at a time for all who wait for the answer.
//!
//! The question goes on when those who wait for it have no more time, so that a slow answer is of
//! use to the next ones. After a failure it is not asked again for a while: whoever asks meanwhile
//! gets the same reason at once. The pause grows with each failure, up to a bound.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// What is asked for, and the question that is open. Dropping it cancels the question.
#[derive(Debug)]
pub struct SingleFlight<T> {
    state: Arc<Mutex<State<T>>>,
    least: Duration,
    most: Duration,
}

type Answer<T> = Option<Result<T, String>>;

#[derive(Debug)]
struct State<T> {
    open: Option<Open<T>>,
    failures: u32,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Open<T> {
    answer: watch::Receiver<Answer<T>>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Failed {
    why: String,
    until: Instant,
}

impl<T> SingleFlight<T> {
    /// An inquiry that pauses after failures, from `least` after the first one up to `most`.
    #[must_use]
    pub fn new(least: Duration, most: Duration) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                open: None,
                failures: 0,
                failed: None,
            })),
            least,
            most,
        }
    }

    /// How long until a failed question may be asked again; zero when it has not failed.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let state = lock(&self.state);
        let failed = state.failed.as_ref();
        failed.map_or(Duration::ZERO, |failed| {
            failed.until.saturating_duration_since(Instant::now())
        })
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// The answer to the question that is open, or to this one if none is. Whoever waits for it
    /// does not keep the inquiry.
    ///
    /// # Errors
    ///
    /// Why there is no answer, also while a failed question is not asked again.
    pub fn ask<Q, F>(&self, question: Q) -> impl Future<Output = Result<T, String>> + use<T, Q, F>
    where
        Q: FnOnce() -> F,
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let answer = self.join_or_begin(question);
        async {
            let mut answer = answer?;
            let answer = answer.wait_for(Option::is_some).await;
            let answer = answer.ok().and_then(|answer| answer.clone());
            answer.unwrap_or_else(|| Err("the look-up was cancelled".to_owned()))
        }
    }

    fn join_or_begin<Q, F>(&self, question: Q) -> Result<watch::Receiver<Answer<T>>, String>
    where
        Q: FnOnce() -> F,
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let mut state = lock(&self.state);
        // A question whose task has ended without an answer was cancelled with its threads.
        if let Some(open) = &state.open
            && open.answer.has_changed().is_ok()
        {
            return Ok(open.answer.clone());
        }
        if let Some(Failed { why, until }) = &state.failed
            && Instant::now() < *until
        {
            return Err(why.clone());
        }
        let (sender, answer) = watch::channel(None);
        let (shared, least, most) = (self.state.clone(), self.least, self.most);
        let question = question();
        let task = tokio::spawn(async move {
            let answer = question.await;
            lock(&shared).settle(&answer, least, most);
            sender.send_replace(Some(answer));
        });
        state.open = Some(Open {
            answer: answer.clone(),
            task: task.abort_handle(),
        });
        Ok(answer)
    }
}

impl<T> State<T> {
    fn settle(&mut self, answer: &Result<T, String>, least: Duration, most: Duration) {
        self.open = None;
        let Err(why) = answer else {
            (self.failures, self.failed) = (0, None);
            return;
        };
        let pause = (least * (1 << self.failures.min(MOST_DOUBLINGS))).min(most);
        self.failures = self.failures.saturating_add(1);
        // Some earlier than others, so that tasks that failed together do not ask together.
        let pause = pause.mul_f64(0.75 + fastrand::f64() / 4.0);
        self.failed = Some(Failed {
            why: why.clone(),
            until: Instant::now() + pause,
        });
    }
}

impl<T> Drop for SingleFlight<T> {
    fn drop(&mut self) {
        if let Some(open) = &lock(&self.state).open {
            open.task.abort();
        }
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

const MOST_DOUBLINGS: u32 = 10;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{sleep, timeout};

    use super::*;

    fn inquiry() -> SingleFlight<u32> {
        SingleFlight::new(Duration::from_secs(1), Duration::from_secs(8))
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_meanwhile_get_one_answer() {
        let (inquiry, asked) = (Arc::new(inquiry()), Arc::<AtomicUsize>::default());
        let all = (0..20).map(|_| {
            let (inquiry, asked) = (inquiry.clone(), asked.clone());
            tokio::spawn(async move {
                inquiry
                    .ask(|| async move {
                        asked.fetch_add(1, Ordering::Relaxed);
                        sleep(Duration::from_secs(1)).await;
                        Ok(7)
                    })
                    .await
            })
        });
        for one in all.collect::<Vec<_>>() {
            assert_eq!(one.await.expect("it ends"), Ok(7));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_remembered_for_a_pause_that_grows_and_ends_with_a_success() {
        let inquiry = inquiry();
        for most in [1, 2, 4, 8, 8] {
            let why = inquiry.ask(|| async { Err("no".to_owned()) }).await;
            assert_eq!(why, Err("no".to_owned()));
            let again = inquiry.ask(|| async { Ok(1) }).await;
            assert_eq!(again, Err("no".to_owned()), "it is not asked at once");
            let (pause, most) = (inquiry.pause(), Duration::from_secs(most));
            assert!(pause <= most && pause >= most * 3 / 4, "{pause:?}");
            sleep(pause).await;
        }
        assert_eq!(inquiry.ask(|| async { Ok(1) }).await, Ok(1));
        assert_eq!(inquiry.pause(), Duration::ZERO);
        assert!(
            inquiry
                .ask(|| async { Err("no".to_owned()) })
                .await
                .is_err()
        );
        assert!(inquiry.pause() <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_outlives_those_who_wait_but_not_the_inquiry() {
        struct Guard(Arc<AtomicUsize>);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (inquiry, ended) = (inquiry(), Arc::<AtomicUsize>::default());
        let guard = Guard(ended.clone());
        let question = || async move {
            let _guard = guard;
            sleep(Duration::from_secs(600)).await;
            Ok(1)
        };
        let second = Duration::from_secs(1);
        assert!(timeout(second, inquiry.ask(question)).await.is_err());
        sleep(second).await;
        assert_eq!(ended.load(Ordering::Relaxed), 0);
        drop(inquiry);
        sleep(second).await;
        assert_eq!(ended.load(Ordering::Relaxed), 1);
    }
}
