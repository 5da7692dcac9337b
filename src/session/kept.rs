//! The credentials in use, renewed before they end and kept while renewal fails.
//!
//! The SDK's cache asks again shortly before the expiry it is told. It is told an earlier one: five
//! minutes before the end, or half way for credentials that live shorter than ten. So there is time
//! for an endpoint that fails for a while, during which the credentials at hand go on being used.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

use crate::fault::Chain;

/// Keeps the credentials of another provider.
#[derive(Debug)]
pub(super) struct Kept {
    from: SharedCredentialsProvider,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    credentials: Option<Credentials>,
    trouble: Option<String>,
}

impl Kept {
    pub(super) fn new(from: SharedCredentialsProvider) -> Self {
        Self {
            from,
            state: Mutex::default(),
        }
    }

    /// The last four characters of the access key's id, which is no secret.
    pub(super) fn key(&self) -> String {
        let state = self.state();
        let id = state
            .credentials
            .as_ref()
            .map_or("", Credentials::access_key_id);
        let start = id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        id[start..].to_owned()
    }

    /// Why the credentials could not be renewed, told once for each time.
    pub(super) fn trouble(&self) -> Option<String> {
        self.state().trouble.take()
    }

    async fn renew(&self) -> provider::Result {
        let answer = self.from.provide_credentials().await;
        self.settle(answer, SystemTime::now())
    }

    fn settle(&self, answer: provider::Result, now: SystemTime) -> provider::Result {
        match answer {
            Ok(credentials) => {
                self.state().credentials = Some(credentials.clone());
                let expiry = credentials.expiry().map(|expiry| early(expiry, now));
                Ok(until(credentials, expiry))
            }
            Err(error) => self
                .still_good(now, || Chain(&error).to_string())
                .ok_or(error),
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
        Some(until(kept, Some(expiry.min(now + AGAIN))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The SDK has one, and we look at it too.
#[derive(Clone, Debug)]
pub(super) struct InUse(pub(super) Arc<Kept>);

impl ProvideCredentials for InUse {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.renew())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.0
            .still_good(SystemTime::now(), || "no answer in time".to_owned())
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

/// How long before their end credentials are renewed.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// How soon a renewal that failed is tried again; the SDK's cache takes off 10 seconds.
const AGAIN: Duration = Duration::from_secs(25);

#[cfg(test)]
mod tests {
    use aws_credential_types::provider::error::CredentialsError;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn kept() -> Kept {
        Kept::new(SharedCredentialsProvider::new(credentials(Some(0))))
    }

    fn credentials(expiry: Option<u64>) -> Credentials {
        Credentials::new("AKIA1234WXYZ", "SK", None, expiry.map(at), "test")
    }

    fn failure() -> provider::Result {
        Err(CredentialsError::provider_error("HTTP 500"))
    }

    #[test]
    fn credentials_are_renewed_five_minutes_early_or_half_way() {
        for (life, early) in [(3600, 3300), (600, 300), (60, 30), (0, 0)] {
            let renewed = kept()
                .settle(Ok(credentials(Some(1000 + life))), at(1000))
                .unwrap();
            assert_eq!(renewed.expiry(), Some(at(1000 + early)), "{life}");
        }
        let endless = kept().settle(Ok(credentials(None)), at(1000)).unwrap();
        assert_eq!(endless.expiry(), None);
    }

    #[test]
    fn credentials_at_hand_outlive_a_failure_but_not_their_end() {
        let kept = kept();
        assert!(kept.settle(failure(), at(1000)).is_err());
        kept.settle(Ok(credentials(Some(2000))), at(1000)).unwrap();
        let still = kept.settle(failure(), at(1800)).unwrap();
        assert_eq!(still.expiry(), Some(at(1825)));
        assert!(kept.trouble().unwrap().contains("HTTP 500"));
        assert_eq!(kept.trouble(), None);
        assert_eq!(
            kept.settle(failure(), at(1990)).unwrap().expiry(),
            Some(at(2000))
        );
        assert!(kept.settle(failure(), at(2000)).is_err());
    }

    #[test]
    fn a_key_is_told_by_its_end() {
        let kept = kept();
        assert_eq!(kept.key(), "");
        kept.settle(Ok(credentials(None)), at(0)).unwrap();
        assert_eq!(kept.key(), "WXYZ");
    }
}
