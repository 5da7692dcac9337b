//! One of the SDK's own providers, made anew for each question.
//!
//! They read a profile or resolve a name once and then repeat what came of it, an error too; a file
//! that is replaced and a name server that was away would count for the life of the process.

use std::fmt;

use aws_config::SdkConfig;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

/// Makes a provider and asks it.
pub(crate) struct Fresh<M> {
    config: SdkConfig,
    make: M,
}

impl<M> Fresh<M>
where
    M: Fn(&ProviderConfig) -> SharedCredentialsProvider + Send + Sync + 'static,
{
    pub(crate) fn provider(config: &SdkConfig, make: M) -> SharedCredentialsProvider {
        let config = config.clone();
        SharedCredentialsProvider::new(Self { config, make })
    }

    async fn ask(&self) -> provider::Result {
        let config = ProviderConfig::without_region().with_region(self.config.region().cloned());
        let config = match self.config.http_client() {
            Some(client) => config.with_http_client(client),
            None => config,
        };
        (self.make)(&config).provide_credentials().await
    }
}

impl<M> ProvideCredentials for Fresh<M>
where
    M: Fn(&ProviderConfig) -> SharedCredentialsProvider + Send + Sync + 'static,
{
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}

impl<M> fmt::Debug for Fresh<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").finish_non_exhaustive()
    }
}
