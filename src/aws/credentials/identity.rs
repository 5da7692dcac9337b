//! The AWS identity of requests: its settings, and the credentials providers built from them.
//!
//! Base credentials come from `credentials_endpoint` or from the provider chain. With them the role of
//! `EKS_POD_EXECUTION_ROLE` (EKS on Fargate) is assumed, then `role_arn`. The region is not part of the
//! identity: its credentials are valid in every region of the partition.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use super::process::Process;
use super::web_identity::WebIdentity;
use crate::aws::credentials::chain::ProviderChain;
use crate::aws::credentials::http_endpoint::HttpEndpoint;
use crate::aws::credentials::uncached::Uncached;
use crate::aws::http::Network;
use crate::aws::session::{at, endpoint, url};
use crate::options::Reader;

/// The settings of an identity.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Identity {
    /// The endpoint of STS; `None` for the default endpoint of the region.
    pub(crate) sts_endpoint: Option<String>,
    /// A URL that returns credentials; replaces the provider chain.
    pub(crate) credentials_endpoint: Option<String>,
    /// The profile of the shared configuration files.
    pub(crate) profile: Option<String>,
    /// Whether to use FIPS endpoints; `None` leaves it to the environment.
    pub(crate) use_fips: Option<bool>,
    /// Whether to use dual-stack endpoints; `None` leaves it to the environment.
    pub(crate) use_dualstack: Option<bool>,
    /// Roles to assume one after another, each with its external id.
    pub(crate) roles: Vec<(String, Option<String>)>,
}

impl Identity {
    pub(crate) fn read(reader: &Reader<'_>, environment: impl Fn(&str) -> Option<String>) -> Self {
        let switch = |key| reader.text(key).map(|_| reader.switch(key));
        let pod_role = environment("EKS_POD_EXECUTION_ROLE").map(|role| (role, None));
        let external_id = reader.text("external_id");
        let role = reader.text("role_arn").map(|role| (role, external_id));
        Self {
            sts_endpoint: endpoint(reader, "sts_endpoint"),
            credentials_endpoint: url(reader, "credentials_endpoint"),
            profile: reader.text("profile"),
            use_fips: switch("use_fips"),
            use_dualstack: switch("use_dualstack"),
            roles: pod_role.into_iter().chain(role).collect(),
        }
    }

    /// The chain of providers of base credentials. `config` has no credentials provider yet.
    pub(crate) fn base(&self, config: &SdkConfig, network: &Network) -> ProviderChain {
        if let Some(url) = &self.credentials_endpoint {
            let endpoint = HttpEndpoint::new(url.clone(), network.clone());
            return ProviderChain::new(vec![("`credentials_endpoint`".into(), provider(endpoint))]);
        }
        let name = match &self.profile {
            Some(name) => format!("profile `{name}`"),
            None => "profile".to_owned(),
        };
        ProviderChain::new(vec![
            (
                "environment".into(),
                provider(EnvironmentVariableCredentialsProvider::new()),
            ),
            (
                format!("{name}'s credential_process"),
                provider(Process::new(self.profile.clone())),
            ),
            (name, profile(config, self.profile.clone())),
            (
                "web identity".into(),
                provider(WebIdentity::new(&self.sts(config))),
            ),
            (container_name(), container(config)),
            ("EC2 instance metadata".into(), instance(config)),
        ])
    }

    /// A provider that assumes the roles one after another, starting with base credentials.
    pub(crate) async fn with_roles(
        &self,
        base: SharedCredentialsProvider,
        config: &SdkConfig,
    ) -> SharedCredentialsProvider {
        let sts = self.sts(config);
        let mut credentials = base;
        for (role, external_id) in &self.roles {
            let mut assume = AssumeRoleProvider::builder(role)
                .configure(&sts)
                .session_name(SESSION_NAME);
            if let Some(external_id) = external_id {
                assume = assume.external_id(external_id);
            }
            credentials = provider(assume.build_from_provider(credentials).await);
        }
        credentials
    }

    /// The configuration of STS clients. STS is called rarely and its failure fails a whole flush, so the
    /// SDK retries here.
    fn sts(&self, config: &SdkConfig) -> SdkConfig {
        let retry = RetryConfig::standard().with_initial_backoff(STS_BACKOFF);
        let sts = config.to_builder().retry_config(retry);
        match &self.sts_endpoint {
            Some(endpoint) => at(sts, endpoint).build(),
            None => sts.build(),
        }
    }
}

fn profile(config: &SdkConfig, name: Option<String>) -> SharedCredentialsProvider {
    Uncached::provider(config, move |config| {
        let profile = ProfileFileCredentialsProvider::builder().configure(config);
        let profile = match &name {
            Some(name) => profile.profile_name(name),
            None => profile,
        };
        provider(profile.build())
    })
}

fn container(config: &SdkConfig) -> SharedCredentialsProvider {
    Uncached::provider(config, |config| {
        provider(EcsCredentialsProvider::builder().configure(config).build())
    })
}

fn instance(config: &SdkConfig) -> SharedCredentialsProvider {
    Uncached::provider(config, |config| {
        provider(ImdsCredentialsProvider::builder().configure(config).build())
    })
}

/// The name of the container provider, which serves ECS, EKS Pod Identity and compatible endpoints.
fn container_name() -> String {
    let is_set = |name| std::env::var_os(name).is_some();
    let full = std::env::var("AWS_CONTAINER_CREDENTIALS_FULL_URI").unwrap_or_default();
    let name = if is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        "ECS task role"
    } else if EKS_HOSTS.iter().any(|host| full.contains(host)) {
        "EKS Pod Identity"
    } else {
        "container credentials endpoint"
    };
    name.to_owned()
}

pub(crate) fn provider(provider: impl ProvideCredentials + 'static) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(provider)
}

pub(crate) const SESSION_NAME: &str = "fluent-bit";
const STS_BACKOFF: Duration = Duration::from_millis(200);
const EKS_HOSTS: [&str; 2] = ["//169.254.170.23", "//[fd00:ec2::23]"];
