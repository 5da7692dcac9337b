//! The chain of providers of base credentials.
//!
//! Providers are tried in order. The first provider that returns credentials, or that is configured
//! and fails, ends the search: when the ECS task role is temporarily unavailable, requests must not
//! use the role of the EC2 instance. The name of the provider is kept for log lines, as the first
//! question about a rejected request is which identity made it.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

use crate::delivery::error::Chain;
use crate::options::env::environment;

/// Named providers, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct ProviderChain {
    providers: Vec<(String, SharedCredentialsProvider)>,
    found: Arc<Mutex<String>>,
    querying: Arc<Mutex<String>>,
}

/// The provider that is being queried for credentials.
#[derive(Debug, Default)]
pub(crate) struct CurrentProvider {
    /// The name of the base provider; empty while none is queried.
    pub(crate) base: Arc<Mutex<String>>,
    /// The role that is assumed with base credentials.
    pub(crate) role: Option<String>,
}

impl CurrentProvider {
    /// The name of the provider whose answer is awaited, for error messages.
    pub(crate) fn name(&self) -> String {
        let base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.role {
            _ if !base.is_empty() => base.clone(),
            Some(role) => format!("STS, for the role {role}"),
            None => "credentials".to_owned(),
        }
    }
}

impl ProviderChain {
    pub(crate) fn new(providers: Vec<(String, SharedCredentialsProvider)>) -> Self {
        Self {
            providers,
            found: Arc::default(),
            querying: Arc::default(),
        }
    }

    /// Holds the name of the provider whose credentials were used last.
    pub(crate) fn found(&self) -> Arc<Mutex<String>> {
        self.found.clone()
    }

    /// Holds the name of the provider that is being queried.
    pub(crate) fn querying(&self) -> Arc<Mutex<String>> {
        self.querying.clone()
    }

    async fn find(&self) -> provider::Result {
        let mut tried = Vec::new();
        for (name, provider) in &self.providers {
            set(&self.querying, name);
            let answer = provider.provide_credentials().await;
            set(&self.querying, "");
            match answer {
                Ok(credentials) => {
                    set(&self.found, name);
                    return Ok(credentials);
                }
                Err(error @ CredentialsError::CredentialsNotLoaded(_)) => {
                    tried.push(format!("{name} ({})", causes(&error)));
                }
                Err(error) => return Err(failed(name, &causes(&error))),
            }
        }
        let tried = tried.join(", ");
        Err(failed(
            "none found",
            &format!("looked in {tried}; {HOP_LIMIT}"),
        ))
    }
}

impl ProvideCredentials for ProviderChain {
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

fn set(current: &Mutex<String>, name: &str) {
    let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
    name.clone_into(&mut current);
}

fn failed(name: &str, why: &str) -> CredentialsError {
    CredentialsError::provider_error(format!("{name}: {why}"))
}

/// The causes of the error as text. The error's own text is left out, as it only names its class.
pub(crate) fn causes(error: &CredentialsError) -> String {
    let text = match error.source() {
        Some(source) => Chain(source).to_string(),
        None => error.to_string(),
    };
    let text = without_secrets(text);
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

/// Replaces the values of secret environment variables, which the SDK quotes in error messages.
/// Values that are URLs stay: log lines show only the scheme, host and port of a URL.
fn without_secrets(text: String) -> String {
    let values = SECRETS
        .iter()
        .filter_map(|name| Some((name, environment(name)?)));
    let secrets = values.filter(|(_, value)| !value.contains("://"));
    secrets.fold(text, |text, (name, value)| {
        text.replace(&value, &format!("(the value of {name})"))
    })
}

/// Environment variables whose value is a secret, or a URL with a secret path.
const SECRETS: [&str; 5] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/// The usual reason why EC2 instance metadata does not answer a container.
const HOP_LIMIT: &str =
    "a container reaches EC2 instance metadata only with a hop limit of 2 or more";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct FixedAnswer(Answer);

    impl ProvideCredentials for FixedAnswer {
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
                    SharedCredentialsProvider::new(FixedAnswer(*answer)),
                )
            })
            .collect();
        let providers = ProviderChain::new(providers);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = runtime.block_on(providers.find());
        let found = found.map(|credentials| credentials.access_key_id().to_owned());
        let name = providers.found.lock().unwrap().clone();
        (found.map_err(|error| causes(&error)), name)
    }

    fn has_credentials() -> provider::Result {
        Ok(Credentials::new("AK", "SK", None, None, "test"))
    }

    fn not_configured() -> provider::Result {
        Err(CredentialsError::not_loaded("not set"))
    }

    fn failing() -> provider::Result {
        Err(CredentialsError::provider_error("HTTP 500"))
    }

    #[test]
    fn the_first_provider_with_credentials_is_used_and_named() {
        assert_eq!(
            find(&[
                ("a", not_configured),
                ("b", has_credentials),
                ("c", failing)
            ]),
            (Ok("AK".into()), "b".into())
        );
    }

    #[test]
    fn a_provider_that_fails_ends_the_search() {
        assert_eq!(
            find(&[("a", failing), ("b", has_credentials)]).0,
            Err("a: HTTP 500".into())
        );
    }

    #[test]
    fn the_error_names_each_provider_when_none_has_credentials() {
        let error = find(&[("a", not_configured), ("b", not_configured)])
            .0
            .unwrap_err();
        assert!(
            error.starts_with("none found: looked in a (not set), b (not set)"),
            "{error}"
        );
        assert!(error.contains("hop limit"));
    }

    #[test]
    fn an_unsupported_profile_type_is_named_in_the_error() {
        let sso = || {
            Err(CredentialsError::invalid_configuration(
                "This behavior requires following cargo feature(s) enabled: sso. In order to",
            ))
        };
        let error = find(&[("profile `x`", sso)]).0.unwrap_err();
        assert!(
            error.starts_with("profile `x`: a profile of the kind `sso` is not supported"),
            "{error}"
        );
    }
}
