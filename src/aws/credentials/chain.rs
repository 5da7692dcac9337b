//! Places where base credentials may be, tried in order.
//!
//! The first that knows credentials, or fails to hand out those it should have, decides: a task role
//! that cannot be had now must not become the role of the instance underneath. It is remembered by
//! name, as "which identity was used" is the first question about a refused request.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

use crate::delivery::error::Chain;
use crate::options::env::environment;

/// Providers by name, in the order they are asked.
#[derive(Debug)]
pub(crate) struct Providers {
    providers: Vec<(String, SharedCredentialsProvider)>,
    found: Arc<Mutex<String>>,
    asking: Arc<Mutex<String>>,
}

/// Who is being asked for credentials.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The name of the provider; empty when none is being asked.
    pub(crate) base: Arc<Mutex<String>>,
    /// The role that is taken on with base credentials.
    pub(crate) role: Option<String>,
}

impl Asked {
    /// Whose answer is being waited for.
    pub(crate) fn whom(&self) -> String {
        let base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.role {
            _ if !base.is_empty() => base.clone(),
            Some(role) => format!("STS, for the role {role}"),
            None => "credentials".to_owned(),
        }
    }
}

impl Providers {
    pub(crate) fn new(providers: Vec<(String, SharedCredentialsProvider)>) -> Self {
        Self {
            providers,
            found: Arc::default(),
            asking: Arc::default(),
        }
    }

    /// Holds the name of the provider whose credentials were used last.
    pub(crate) fn found(&self) -> Arc<Mutex<String>> {
        self.found.clone()
    }

    /// Holds the name of the provider that is being asked.
    pub(crate) fn asking(&self) -> Arc<Mutex<String>> {
        self.asking.clone()
    }

    async fn find(&self) -> provider::Result {
        let mut tried = Vec::new();
        for (name, provider) in &self.providers {
            note(&self.asking, name);
            let answer = provider.provide_credentials().await;
            note(&self.asking, "");
            match answer {
                Ok(credentials) => {
                    note(&self.found, name);
                    return Ok(credentials);
                }
                Err(error @ CredentialsError::CredentialsNotLoaded(_)) => {
                    tried.push(format!("{name} ({})", why(&error)));
                }
                Err(error) => return Err(failed(name, &why(&error))),
            }
        }
        let tried = tried.join(", ");
        Err(failed(
            "none found",
            &format!("looked in {tried}; {HOP_LIMIT}"),
        ))
    }
}

impl ProvideCredentials for Providers {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.find())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.providers
            .iter()
            .find_map(|(_, provider)| provider.fallback_on_interrupt())
    }
}

fn note(place: &Mutex<String>, name: &str) {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    name.clone_into(&mut place);
}

fn failed(name: &str, why: &str) -> CredentialsError {
    CredentialsError::provider_error(format!("{name}: {why}"))
}

/// The causes alone, as the error itself only says its class.
pub(crate) fn why(error: &CredentialsError) -> String {
    let text = match error.source() {
        Some(source) => Chain(source).to_string(),
        None => error.to_string(),
    };
    let text = without_values(text);
    match text.split_once("cargo feature(s) enabled: ") {
        Some((_, kind)) => {
            let kind = kind.split(['.', ' ']).next().unwrap_or_default();
            format!(
                "a profile of the kind `{kind}` is not supported: use one with keys, a role, a web identity or a credential_process"
            )
        }
        None => text,
    }
}

/// The text without values of the environment that are secret, which the SDK quotes when it cannot
/// use them. A line of the log shows no more of a URL than its host and port, so those may stay.
fn without_values(text: String) -> String {
    let known = SECRETS
        .iter()
        .filter_map(|name| Some((name, environment(name)?)));
    let hidden = known.filter(|(_, value)| !value.contains("://"));
    hidden.fold(text, |text, (name, value)| {
        text.replace(&value, &format!("(the value of {name})"))
    })
}

/// Variables of the environment that are a secret, or whose path is one.
const SECRETS: [&str; 5] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/// The usual reason why a container on EC2 gets no answer.
const HOP_LIMIT: &str =
    "a container reaches EC2 instance metadata only with a hop limit of 2 or more";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(Answer);

    impl ProvideCredentials for Fixed {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready((self.0)())
        }
    }

    type Answer = fn() -> provider::Result;

    fn find(providers: &[(&str, Answer)]) -> (Result<String, String>, String) {
        let providers = providers
            .iter()
            .map(|(name, answer)| {
                (
                    (*name).to_owned(),
                    SharedCredentialsProvider::new(Fixed(*answer)),
                )
            })
            .collect();
        let providers = Providers::new(providers);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = runtime.block_on(providers.find());
        let found = found.map(|credentials| credentials.access_key_id().to_owned());
        let name = providers.found.lock().unwrap().clone();
        (found.map_err(|error| why(&error)), name)
    }

    fn known() -> provider::Result {
        Ok(Credentials::new("AK", "SK", None, None, "test"))
    }

    fn absent() -> provider::Result {
        Err(CredentialsError::not_loaded("not set"))
    }

    fn broken() -> provider::Result {
        Err(CredentialsError::provider_error("HTTP 500"))
    }

    #[test]
    fn the_first_that_knows_credentials_is_remembered() {
        assert_eq!(
            find(&[("a", absent), ("b", known), ("c", broken)]),
            (Ok("AK".into()), "b".into())
        );
    }

    #[test]
    fn one_that_fails_is_not_passed_over() {
        assert_eq!(
            find(&[("a", broken), ("b", known)]).0,
            Err("a: HTTP 500".into())
        );
    }

    #[test]
    fn when_none_is_found_each_place_is_named() {
        let why = find(&[("a", absent), ("b", absent)]).0.unwrap_err();
        assert!(
            why.starts_with("none found: looked in a (not set), b (not set)"),
            "{why}"
        );
        assert!(why.contains("hop limit"));
    }

    #[test]
    fn a_kind_of_profile_that_is_not_built_in_is_told() {
        let sso = || {
            Err(CredentialsError::invalid_configuration(
                "This behavior requires following cargo feature(s) enabled: sso. In order to",
            ))
        };
        let why = find(&[("profile `x`", sso)]).0.unwrap_err();
        assert!(
            why.starts_with("profile `x`: a profile of the kind `sso` is not supported"),
            "{why}"
        );
    }
}
