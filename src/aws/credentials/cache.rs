//! The credentials cache: credentials are renewed before they expire, and stay in use while renewal
//! fails.
//!
//! A background task renews credentials 5 minutes before they expire, or at half of their lifetime if
//! that is shorter than 10 minutes. Requests do not wait for the renewal while the cached credentials
//! are valid, so an endpoint may fail for some time without effect. [`SingleFlight`] runs one fetch at
//! a time for all output sections with this identity.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::aws::credentials::chain::{CurrentProvider, causes};
use crate::aws::deadline;
use crate::aws::single_flight::SingleFlight;

/// Caches the credentials of another provider.
#[derive(Debug)]
pub(crate) struct CredentialsCache {
    provider: SharedCredentialsProvider,
    current: CurrentProvider,
    state: Mutex<State>,
    fetches: SingleFlight<Credentials>,
    now: fn() -> SystemTime,
}

#[derive(Debug, Default)]
struct State {
    credentials: Option<Credentials>,
    /// When to renew the credentials; `None` for credentials that do not expire.
    renewal: Option<SystemTime>,
    /// How often new credentials were stored.
    renewals: usize,
    /// The background task that renews the credentials.
    renewal_task: Option<AbortHandle>,
    /// Why the last renewal failed, until it is taken for a log line.
    renewal_error: Option<String>,
}

impl CredentialsCache {
    pub(crate) fn new(provider: SharedCredentialsProvider, current: CurrentProvider) -> Self {
        Self {
            provider,
            current,
            state: Mutex::default(),
            fetches: SingleFlight::new(MIN_PAUSE, MAX_PAUSE),
            now: SystemTime::now,
        }
    }

    /// The last four characters of the access key id. The id is not a secret.
    pub(crate) fn key_suffix(&self) -> String {
        let state = self.state();
        let id = state
            .credentials
            .as_ref()
            .map_or("", Credentials::access_key_id);
        let start = id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        id[start..].to_owned()
    }

    /// When the cached credentials expire, if they do.
    pub(crate) fn expiry(&self) -> Option<SystemTime> {
        let state = self.state();
        state.credentials.as_ref().and_then(Credentials::expiry)
    }

    /// Takes the reason why the last renewal failed; each failure is returned once.
    pub(crate) fn take_renewal_error(&self) -> Option<String> {
        self.state().renewal_error.take()
    }

    /// How often new credentials were stored.
    pub(crate) fn renewals(&self) -> usize {
        self.state().renewals
    }

    /// Returns cached credentials, or fetches them.
    async fn get(self: &Arc<Self>) -> provider::Result {
        let answer = match self.cached() {
            Some(credentials) => Ok(credentials),
            None => self.fetch().await,
        };
        self.start_refresh();
        answer
    }

    /// Cached credentials that stay valid for longer than a request takes. `None` for credentials
    /// without an expiry: their source may have replaced them, so they are fetched again.
    fn cached(&self) -> Option<Credentials> {
        let (state, now) = (self.state(), (self.now)());
        let (credentials, renewal) = (state.credentials.clone()?, state.renewal?);
        let expiry = credentials.expiry()?;
        let sdk_expiry = renewal.max(now + SDK_LIFETIME).min(expiry);
        (expiry > now + REQUEST_TIME).then(|| with_expiry(credentials, Some(sdk_expiry)))
    }

    /// Fetches credentials, or waits for the fetch that is in progress, within the request's deadline.
    async fn fetch(self: &Arc<Self>) -> provider::Result {
        let limit = deadline::limit(FETCH_TIMEOUT);
        let answer = timeout(limit, self.fetches.ask(|| self.load())).await;
        match answer {
            Ok(answer) => answer.map_err(CredentialsError::provider_error),
            Err(_) => Err(self.no_answer(limit)),
        }
    }

    /// The fetch. It continues when no caller waits for it, and is cancelled when the cache is dropped.
    fn load(self: &Arc<Self>) -> impl Future<Output = Result<Credentials, String>> + use<> {
        let (cache, provider) = (Arc::downgrade(self), self.provider.clone());
        async move {
            let answer = timeout(FETCH_TIMEOUT, provider.provide_credentials()).await;
            let cache = cache.upgrade().ok_or("nobody needs them any more")?;
            let answer = answer.unwrap_or_else(|_| Err(cache.no_answer(FETCH_TIMEOUT)));
            let answer = cache.store(answer, (cache.now)());
            answer.map_err(|error| causes(&error))
        }
    }

    fn no_answer(&self, limit: Duration) -> CredentialsError {
        let (whom, seconds) = (self.current.name(), limit.as_secs_f64());
        CredentialsError::provider_error(format!("{whom}: no answer in {seconds:.1} s"))
    }

    fn store(&self, answer: provider::Result, now: SystemTime) -> provider::Result {
        match answer {
            Ok(credentials) => {
                let renewal = credentials.expiry().map(|expiry| renewal_time(expiry, now));
                let mut state = self.state();
                state.credentials = Some(credentials.clone());
                state.renewal = renewal;
                state.renewals += 1;
                state.renewal_error = None;
                Ok(with_expiry(credentials, renewal))
            }
            Err(error) => self.keep_current(now, || causes(&error)).ok_or(error),
        }
    }

    /// After a failed renewal: the cached credentials with a short expiry, so that the SDK asks again
    /// soon; `None` once they have expired.
    fn keep_current(&self, now: SystemTime, error: impl FnOnce() -> String) -> Option<Credentials> {
        let mut state = self.state();
        let credentials = state.credentials.clone()?;
        let expiry = credentials.expiry().unwrap_or(now + SDK_LIFETIME);
        if expiry <= now {
            return None;
        }
        state.renewal_error = Some(error());
        state.renewal = credentials
            .expiry()
            .map(|expiry| now + retry_delay(expiry, now));
        Some(with_expiry(
            credentials,
            Some(expiry.min(now + SDK_LIFETIME)),
        ))
    }

    /// Starts the background task that renews the cached credentials, unless it runs.
    fn start_refresh(self: &Arc<Self>) {
        let mut state = self.state();
        let running = state
            .renewal_task
            .as_ref()
            .is_some_and(|task| !task.is_finished());
        if running || state.renewal.is_none() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let task = runtime.spawn(renew(Arc::downgrade(self)));
            state.renewal_task = Some(task.abort_handle());
        }
    }

    /// The time until the next renewal; `None` when there are no valid credentials to renew.
    fn time_to_renewal(&self) -> Option<Duration> {
        let (state, now) = (self.state(), (self.now)());
        let expiry = state.credentials.as_ref()?.expiry()?;
        let time_to_renewal = state.renewal?.duration_since(now).unwrap_or_default();
        (expiry > now).then_some(time_to_renewal)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews the credentials until they expire or the cache is dropped.
async fn renew(cache: Weak<CredentialsCache>) {
    loop {
        let Some(time_to_renewal) = cache.upgrade().and_then(|cache| cache.time_to_renewal())
        else {
            return;
        };
        if !time_to_renewal.is_zero() {
            // The system clock may be changed during a long sleep.
            sleep(time_to_renewal.min(MAX_SLEEP)).await;
        } else if let Some(cache) = cache.upgrade() {
            let load = cache.load();
            let answer = cache.fetches.ask(|| load);
            // The last section may close during the fetch, which cancels it.
            drop(cache);
            // `store` has noted a failure and delayed the next attempt.
            let _ = answer.await;
        }
    }
}

impl Drop for CredentialsCache {
    fn drop(&mut self) {
        if let Some(task) = &self.state().renewal_task {
            task.abort();
        }
    }
}

/// The cache as the SDK's credentials provider. The plugin reads the same cache for log lines.
#[derive(Clone, Debug)]
pub(crate) struct CachedProvider(pub(crate) Arc<CredentialsCache>);

impl ProvideCredentials for CachedProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.get())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.0
            .keep_current((self.0.now)(), || "no answer in time".to_owned())
    }
}

fn with_expiry(mut credentials: Credentials, expiry: Option<SystemTime>) -> Credentials {
    *credentials.expiry_mut() = expiry;
    credentials
}

fn renewal_time(expiry: SystemTime, now: SystemTime) -> SystemTime {
    let left = expiry.duration_since(now).unwrap_or_default();
    now + left.saturating_sub(RENEW_BEFORE).max(left / 2)
}

/// The delay after a failed renewal: about 30 attempts fit before the credentials expire.
fn retry_delay(expiry: SystemTime, now: SystemTime) -> Duration {
    let left = expiry.duration_since(now).unwrap_or_default();
    (left / 10).clamp(Duration::from_secs(1), Duration::from_secs(30))
}

/// How long before their expiry credentials are renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
/// The lifetime given to the SDK's own cache while renewal is due. The SDK shortens it by up to 10 s.
const SDK_LIFETIME: Duration = Duration::from_secs(15);
/// Time from the signature of a request to its check by the service, at most.
const REQUEST_TIME: Duration = Duration::from_secs(2);
/// The longest sleep between two reads of the system clock.
const MAX_SLEEP: Duration = Duration::from_secs(60);
/// The first and the longest pause between failed fetches while there are no credentials.
const MIN_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Timeout of one fetch of credentials, including the roles to assume.
const FETCH_TIMEOUT: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests;
