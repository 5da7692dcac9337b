//! Identities in use, one for all instances that have the same settings.
//!
//! Twenty outputs of one identity make one request for credentials each time these are renewed. An
//! identity lives as long as an instance that uses it, so nothing here outlives the threads that its
//! connections belong to.

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
use crate::aws::credentials::cache::{CredentialsCache, InUse};
use crate::aws::credentials::chain::Asked;
use crate::aws::session::Settings;

/// An identity and all it needs; the parts that are an instance's own are left out.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    made: OnceCell<Made>,
}

#[derive(Debug)]
struct Made {
    config: SdkConfig,
    found: Arc<Mutex<String>>,
    kept: Arc<CredentialsCache>,
    role: Option<String>,
}

impl Shared {
    /// The identity of these settings.
    pub(crate) fn of(identity: &Identity) -> Arc<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, shared| shared.strong_count() > 0);
        if let Some(shared) = known.get(identity).and_then(Weak::upgrade) {
            return shared;
        }
        let shared = Arc::new(Self::default());
        known.insert(identity.clone(), Arc::downgrade(&shared));
        shared
    }

    /// The SDK's configuration. The first instance's region is the one whose STS is asked.
    pub(crate) async fn config(&self, settings: &Settings, region: &str) -> &SdkConfig {
        let made = self.made.get_or_init(|| Made::new(settings, region));
        &made.await.config
    }

    /// Who the requests are made as: the provider, the role or the key.
    pub(crate) fn who(&self) -> String {
        let Some(made) = self.made.get() else {
            return String::new();
        };
        let found = made
            .found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let key = made.kept.key();
        match &made.role {
            Some(role) => format!(
                "{role} (access key ending in {key}), taken on with credentials from {found}"
            ),
            None => format!("the access key ending in {key}, from {found}"),
        }
    }

    /// When the credentials in use end.
    pub(crate) fn expiry(&self) -> Option<SystemTime> {
        self.made.get()?.kept.expiry()
    }

    /// How often there were new credentials.
    pub(crate) fn renewed(&self) -> usize {
        self.made.get().map_or(0, |made| made.kept.renewed())
    }

    /// Why credentials could not be renewed, told once for each time.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.made.get()?.kept.trouble()
    }
}

impl Made {
    async fn new(settings: &Settings, region: &str) -> Self {
        let identity = &settings.identity;
        let config = plain(settings, region).await;
        let base = identity.base(&config, &settings.network);
        let found = base.found();
        let role = identity.roles.last().map(|(role, _)| role.clone());
        let asked = Asked {
            base: base.asking(),
            role: role.clone(),
        };
        let base = SharedCredentialsProvider::new(base);
        let top = identity.with_roles(base, &config).await;
        let kept = Arc::new(CredentialsCache::new(top, asked));
        let config = config.to_builder();
        let config =
            config.credentials_provider(SharedCredentialsProvider::new(InUse(kept.clone())));
        Self {
            config: config.build(),
            found,
            kept,
            role,
        }
    }
}

/// Everything but credentials.
async fn plain(settings: &Settings, region: &str) -> SdkConfig {
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

static KNOWN: Lazy<Mutex<HashMap<Identity, Weak<Shared>>>> = Lazy::new(Mutex::default);

/// A look-up of credentials ends earlier by itself, and says whose answer was missing.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(8);
/// Name look-up, connection and TLS: what takes longer is tried again by the road.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
