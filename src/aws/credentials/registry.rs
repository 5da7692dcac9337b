//! The registry of identities: instances with the same identity settings share one identity.
//!
//! Twenty outputs with one identity fetch its credentials once per renewal. An identity is dropped
//! with the last instance that uses it, so its connections do not outlive the Tokio runtime that they
//! were opened on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use once_cell::sync::Lazy;
use tokio::sync::OnceCell;

use super::identity::Identity;
use crate::aws::credentials::cache::{CachedProvider, CredentialsCache};
use crate::aws::credentials::chain::CurrentProvider;
use crate::aws::session::Settings;

/// An identity with its SDK configuration, without the parts that differ between instances.
#[derive(Debug, Default)]
pub(crate) struct SharedIdentity {
    resolved: OnceCell<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    config: SdkConfig,
    found: Arc<Mutex<String>>,
    cache: Arc<CredentialsCache>,
    role: Option<String>,
}

impl SharedIdentity {
    /// The identity with these settings, from the registry or new.
    pub(crate) fn of(identity: &Identity) -> Arc<Self> {
        let mut identities = IDENTITIES.lock().unwrap_or_else(PoisonError::into_inner);
        identities.retain(|_, shared| shared.strong_count() > 0);
        if let Some(shared) = identities.get(identity).and_then(Weak::upgrade) {
            return shared;
        }
        let shared = Arc::new(Self::default());
        identities.insert(identity.clone(), Arc::downgrade(&shared));
        shared
    }

    /// The SDK configuration. STS is called in the region of the first instance.
    pub(crate) async fn config(&self, settings: &Settings, region: &str) -> &SdkConfig {
        let resolved = self
            .resolved
            .get_or_init(|| Resolved::new(settings, region));
        &resolved.await.config
    }

    /// The identity that makes the requests, for a log line: role, access key suffix and provider.
    pub(crate) fn description(&self) -> String {
        let Some(resolved) = self.resolved.get() else {
            return String::new();
        };
        let found = resolved
            .found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let key = resolved.cache.key_suffix();
        match &resolved.role {
            Some(role) => format!(
                "{role} (access key ending in {key}), taken on with credentials from {found}"
            ),
            None => format!("the access key ending in {key}, from {found}"),
        }
    }

    /// When the credentials in use expire.
    pub(crate) fn expiry(&self) -> Option<SystemTime> {
        self.resolved.get()?.cache.expiry()
    }

    /// How often new credentials were stored.
    pub(crate) fn renewals(&self) -> usize {
        self.resolved
            .get()
            .map_or(0, |resolved| resolved.cache.renewals())
    }

    /// Takes the reason why the last renewal failed; each failure is returned once.
    pub(crate) fn take_renewal_error(&self) -> Option<String> {
        self.resolved.get()?.cache.take_renewal_error()
    }
}

impl Resolved {
    async fn new(settings: &Settings, region: &str) -> Self {
        let identity = &settings.identity;
        let config = without_credentials(settings, region).await;
        let base = identity.base(&config, &settings.network);
        let found = base.found();
        let role = identity.roles.last().map(|(role, _)| role.clone());
        let current = CurrentProvider {
            base: base.querying(),
            role: role.clone(),
        };
        let base = SharedCredentialsProvider::new(base);
        let top = identity.with_roles(base, &config).await;
        let cache = Arc::new(CredentialsCache::new(top, current));
        let config = config.to_builder();
        let config = config.credentials_provider(SharedCredentialsProvider::new(CachedProvider(
            cache.clone(),
        )));
        Self {
            config: config.build(),
            found,
            cache,
            role,
        }
    }
}

/// The SDK configuration without credentials.
async fn without_credentials(settings: &Settings, region: &str) -> SdkConfig {
    let identity = &settings.identity;
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
    let cache = IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT);
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .http_client(settings.network.client())
        .no_credentials()
        .identity_cache(cache.build())
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts.build());
    if let Some(profile) = &identity.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(fips) = identity.use_fips {
        loader = loader.use_fips(fips);
    }
    if let Some(dualstack) = identity.use_dualstack {
        loader = loader.use_dual_stack(dualstack);
    }
    loader.load().await
}

static IDENTITIES: Lazy<Mutex<HashMap<Identity, Weak<SharedIdentity>>>> = Lazy::new(Mutex::default);

/// Timeout of the SDK. The credentials cache has a shorter timeout and names the missing provider.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(8);
/// Timeout of DNS, TCP connect and TLS handshake; the retry loop retries after it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
