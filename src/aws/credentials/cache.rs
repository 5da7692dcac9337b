//! The credentials in use, renewed before they end and kept while renewal fails.
//!
//! They are renewed five minutes before their end, or half way for those that live shorter than ten,
//! by a task beside the requests: none waits for it while the ones at hand hold. So there is time
//! for an endpoint that fails for a while. [`SingleFlight`] asks one question at a time for all sections
//! of this identity.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::aws::credentials::chain::{Asked, why};
use crate::aws::deadline;
use crate::aws::single_flight::SingleFlight;

/// Keeps the credentials of another provider.
#[derive(Debug)]
pub(crate) struct CredentialsCache {
    from: SharedCredentialsProvider,
    asked: Asked,
    state: Mutex<State>,
    inquiry: SingleFlight<Credentials>,
    now: fn() -> SystemTime,
}

#[derive(Debug, Default)]
struct State {
    credentials: Option<Credentials>,
    /// When to ask for the next ones; `None` for credentials without an end.
    renewal: Option<SystemTime>,
    /// How often there were new ones.
    renewed: usize,
    /// The task that renews them.
    renewing: Option<AbortHandle>,
    trouble: Option<String>,
}

impl CredentialsCache {
    pub(crate) fn new(from: SharedCredentialsProvider, asked: Asked) -> Self {
        Self {
            from,
            asked,
            state: Mutex::default(),
            inquiry: SingleFlight::new(LEAST_PAUSE, MOST_PAUSE),
            now: SystemTime::now,
        }
    }

    /// The last four characters of the access key's id, which is no secret.
    pub(crate) fn key(&self) -> String {
        let state = self.state();
        let id = state
            .credentials
            .as_ref()
            .map_or("", Credentials::access_key_id);
        let start = id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        id[start..].to_owned()
    }

    /// When the credentials at hand end, if they do.
    pub(crate) fn expiry(&self) -> Option<SystemTime> {
        let state = self.state();
        state.credentials.as_ref().and_then(Credentials::expiry)
    }

    /// Why the credentials could not be renewed, told once for each time.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.state().trouble.take()
    }

    /// How often there were new credentials.
    pub(crate) fn renewed(&self) -> usize {
        self.state().renewed
    }

    /// What is at hand, or what a question brings.
    async fn hand_out(self: &Arc<Self>) -> provider::Result {
        let at_hand = self.at_hand();
        let answer = match at_hand {
            Some(credentials) => Ok(credentials),
            None => self.ask().await,
        };
        self.start_refresh();
        answer
    }

    /// Credentials that hold for longer than a request takes; those without an end may have been
    /// replaced where they come from, and are asked for.
    fn at_hand(&self) -> Option<Credentials> {
        let (state, now) = (self.state(), (self.now)());
        let (kept, renewal) = (state.credentials.clone()?, state.renewal?);
        let expiry = kept.expiry()?;
        let again = renewal.max(now + AGAIN).min(expiry);
        (expiry > now + REQUEST).then(|| until(kept, Some(again)))
    }

    /// Asks, or waits for the question that is open, as long as the request has time for it.
    async fn ask(self: &Arc<Self>) -> provider::Result {
        let limit = deadline::limit(LONGEST);
        let answer = timeout(limit, self.inquiry.ask(|| self.look_up())).await;
        match answer {
            Ok(answer) => answer.map_err(CredentialsError::provider_error),
            Err(_) => Err(self.no_answer(limit)),
        }
    }

    /// A question that goes on without those who wait for it; it ends with the last user.
    fn look_up(self: &Arc<Self>) -> impl Future<Output = Result<Credentials, String>> + use<> {
        let (kept, from) = (Arc::downgrade(self), self.from.clone());
        async move {
            let answer = timeout(LONGEST, from.provide_credentials()).await;
            let kept = kept.upgrade().ok_or("nobody needs them any more")?;
            let answer = answer.unwrap_or_else(|_| Err(kept.no_answer(LONGEST)));
            let answer = kept.settle(answer, (kept.now)());
            answer.map_err(|error| why(&error))
        }
    }

    fn no_answer(&self, limit: Duration) -> CredentialsError {
        let (whom, seconds) = (self.asked.whom(), limit.as_secs_f64());
        CredentialsError::provider_error(format!("{whom}: no answer in {seconds:.1} s"))
    }

    fn settle(&self, answer: provider::Result, now: SystemTime) -> provider::Result {
        match answer {
            Ok(credentials) => {
                let renewal = credentials.expiry().map(|expiry| early(expiry, now));
                let mut state = self.state();
                state.credentials = Some(credentials.clone());
                state.renewal = renewal;
                state.renewed += 1;
                state.trouble = None;
                Ok(until(credentials, renewal))
            }
            Err(error) => self.still_good(now, || why(&error)).ok_or(error),
        }
    }

    /// What is at hand, to be asked for again soon; `None` once it has ended.
    fn still_good(&self, now: SystemTime, why: impl FnOnce() -> String) -> Option<Credentials> {
        let mut state = self.state();
        let kept = state.credentials.clone()?;
        let expiry = kept.expiry().unwrap_or(now + AGAIN);
        if expiry <= now {
            return None;
        }
        state.trouble = Some(why());
        state.renewal = kept.expiry().map(|expiry| now + pause(expiry, now));
        Some(until(kept, Some(expiry.min(now + AGAIN))))
    }

    /// Has what is at hand renewed beside the requests, until it has ended.
    fn start_refresh(self: &Arc<Self>) {
        let mut state = self.state();
        let running = state
            .renewing
            .as_ref()
            .is_some_and(|task| !task.is_finished());
        if running || state.renewal.is_none() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let task = runtime.spawn(renew(Arc::downgrade(self)));
            state.renewing = Some(task.abort_handle());
        }
    }

    /// How long until the next renewal; `None` when there is nothing to renew any more.
    fn rest(&self) -> Option<Duration> {
        let (state, now) = (self.state(), (self.now)());
        let expiry = state.credentials.as_ref()?.expiry()?;
        let rest = state.renewal?.duration_since(now).unwrap_or_default();
        (expiry > now).then_some(rest)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews credentials as long as somebody uses them.
async fn renew(kept: Weak<CredentialsCache>) {
    loop {
        let Some(rest) = kept.upgrade().and_then(|kept| kept.rest()) else {
            return;
        };
        if !rest.is_zero() {
            // The system's clock may be set meanwhile.
            sleep(rest.min(LOOK)).await;
        } else if let Some(kept) = kept.upgrade() {
            let question = kept.look_up();
            let answer = kept.inquiry.ask(|| question);
            // The last section may close while the question is open, which cancels it.
            drop(kept);
            // A failure has been noted, and the next try put off.
            let _ = answer.await;
        }
    }
}

impl Drop for CredentialsCache {
    fn drop(&mut self) {
        if let Some(task) = &self.state().renewing {
            task.abort();
        }
    }
}

/// The SDK has one, and we look at it too.
#[derive(Clone, Debug)]
pub(crate) struct InUse(pub(crate) Arc<CredentialsCache>);

impl ProvideCredentials for InUse {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.hand_out())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.0
            .still_good((self.0.now)(), || "no answer in time".to_owned())
    }
}

fn until(mut credentials: Credentials, expiry: Option<SystemTime>) -> Credentials {
    *credentials.expiry_mut() = expiry;
    credentials
}

fn early(expiry: SystemTime, now: SystemTime) -> SystemTime {
    let left = expiry.duration_since(now).unwrap_or_default();
    now + left.saturating_sub(EARLY).max(left / 2)
}

/// After a failure: often enough to try some thirty times before the end.
fn pause(expiry: SystemTime, now: SystemTime) -> Duration {
    let left = expiry.duration_since(now).unwrap_or_default();
    (left / 10).clamp(Duration::from_secs(1), Duration::from_secs(30))
}

/// How long before their end credentials are renewed.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// How soon the SDK's cache asks us again while renewal is due; it takes off up to 10 seconds.
const AGAIN: Duration = Duration::from_secs(15);
/// A request that is signed now is looked at by the service before this has passed.
const REQUEST: Duration = Duration::from_secs(2);
/// The longest sleep between two looks at the clock.
const LOOK: Duration = Duration::from_secs(60);
/// The pauses between questions while there are no credentials at all.
const LEAST_PAUSE: Duration = Duration::from_millis(500);
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// One whole look-up of credentials, a role's included.
const LONGEST: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests;
