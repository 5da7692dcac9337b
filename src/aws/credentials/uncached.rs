//! A provider of the SDK that is built anew for each fetch.
//!
//! The SDK's providers read the profile or resolve the host name once and then cache the result,
//! including an error. Without this wrapper, a changed profile file would be ignored and a temporary
//! DNS failure would last until the process ends.

use std::fmt;

use aws_config::SdkConfig;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

/// Builds a provider for each fetch.
pub(crate) struct Uncached<M> {
    config: SdkConfig,
    build: M,
}

impl<M> Uncached<M>
where
    M: Fn(&ProviderConfig) -> SharedCredentialsProvider + Send + Sync + 'static,
{
    pub(crate) fn provider(config: &SdkConfig, build: M) -> SharedCredentialsProvider {
        let config = config.clone();
        SharedCredentialsProvider::new(Self { config, build })
    }

    async fn fetch(&self) -> provider::Result {
        let config = ProviderConfig::without_region().with_region(self.config.region().cloned());
        let config = match self.config.http_client() {
            Some(client) => config.with_http_client(client),
            None => config,
        };
        (self.build)(&config).provide_credentials().await
    }
}

impl<M> ProvideCredentials for Uncached<M>
where
    M: Fn(&ProviderConfig) -> SharedCredentialsProvider + Send + Sync + 'static,
{
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}

impl<M> fmt::Debug for Uncached<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uncached").finish_non_exhaustive()
    }
}
