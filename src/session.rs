//! Options and environment -> the SDK's configuration: region, endpoint, identity, network.
//!
//! Nothing is asked of the network here; the SDK resolves credentials when the first request needs
//! them. Retries and stalled-stream protection are off: the road retries by itself, and the latter
//! takes a service's waiting answer for a stalled upload.

mod http;

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;

use crate::options::Reader;

/// How to reach AWS, and as whom.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Settings {
    /// The region; also the one that requests are signed for.
    pub region: String,
    /// Where the service is, when not where its region says.
    pub endpoint: Option<String>,
    /// Where STS is, when not where its region says.
    pub sts_endpoint: Option<String>,
    /// A role to take on.
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The profile of the shared configuration files.
    pub profile: Option<String>,
    /// Added to the user agent.
    pub extra_user_agent: Option<String>,
}

impl Settings {
    /// Reads the options that both plugins share.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: impl Fn(&str) -> Option<String>) -> Self {
        let region = reader
            .text("region")
            .or_else(|| environment("AWS_REGION"))
            .or_else(|| environment("AWS_DEFAULT_REGION"));
        if region.is_none() {
            reader.problem("`region` is required: set it, or AWS_REGION in the environment");
        }
        Self {
            region: region.unwrap_or_default(),
            endpoint: url(reader, "endpoint"),
            sts_endpoint: url(reader, "sts_endpoint"),
            role_arn: reader.text("role_arn"),
            external_id: reader.text("external_id"),
            profile: reader.text("profile"),
            extra_user_agent: reader.text("extra_user_agent"),
        }
    }
}

/// An endpoint with or without its scheme; `https` is assumed.
fn url(reader: &Reader<'_>, key: &'static str) -> Option<String> {
    let allowed = "a host name or a URL such as https://host:port/path";
    reader.parsed(key, allowed, |value| {
        let url = if value.contains("://") {
            value.to_owned()
        } else {
            format!("https://{value}")
        };
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"))?;
        let valid = !host.is_empty()
            && !host.starts_with(['/', ':'])
            && !host.contains(char::is_whitespace);
        valid.then(|| url.trim_end_matches('/').to_owned())
    })
}

/// Builds the SDK's configuration; on the runtime that the clients will use.
pub async fn open(settings: &Settings) -> SdkConfig {
    let config = base(settings).await;
    let config = match base_role() {
        Some(role) => assume(&role, None, settings, config).await,
        None => config,
    };
    let config = match &settings.role_arn {
        Some(role) => assume(role, settings.external_id.as_deref(), settings, config).await,
        None => config,
    };
    match &settings.endpoint {
        Some(endpoint) => config.into_builder().endpoint_url(endpoint).build(),
        None => config,
    }
}

async fn base(settings: &Settings) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .http_client(http::client())
        .identity_cache(
            IdentityCache::lazy()
                .load_timeout(CREDENTIALS_TIMEOUT)
                .build(),
        )
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .build(),
        )
        .app_name(app_name(settings.extra_user_agent.as_deref()));
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    loader.load().await
}

/// Puts a role on top of the configuration's own credentials.
async fn assume(
    role: &str,
    external_id: Option<&str>,
    settings: &Settings,
    config: SdkConfig,
) -> SdkConfig {
    let mut sts = config.to_builder();
    sts.set_endpoint_url(settings.sts_endpoint.clone());
    let mut provider = AssumeRoleProvider::builder(role)
        .configure(&sts.build())
        .region(Region::new(settings.region.clone()))
        .session_name(SESSION_NAME);
    if let Some(external_id) = external_id {
        provider = provider.external_id(external_id);
    }
    let provider = match config.credentials_provider() {
        Some(own) => provider.build_from_provider(own).await,
        None => provider.build().await,
    };
    config
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider))
        .build()
}

/// The role that EKS on Fargate wants taken on before any other.
fn base_role() -> Option<String> {
    std::env::var("EKS_POD_EXECUTION_ROLE")
        .ok()
        .filter(|role| !role.is_empty())
}

/// The name in the user agent, as the Go plugins build it; what is not allowed in one becomes `-`.
fn app_name(extra: Option<&str>) -> AppName {
    let name = match extra {
        Some(extra) => format!("{USER_AGENT}-{extra}"),
        None => USER_AGENT.to_owned(),
    };
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(allowed).collect();
    AppName::new(name).unwrap_or_else(|_| unreachable!("every character is allowed"))
}

const USER_AGENT: &str = "aws-fluent-bit-plugin";
const SESSION_NAME: &str = "fluent-bit";
/// One whole look-up of credentials, a role's included.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(6);
/// Name look-up, connection and TLS: what takes longer is tried again by the road.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudwatch::options::OPTIONS;

    fn read(set: &[(&str, &str)], environment: &[(&str, &str)]) -> (Settings, Vec<String>) {
        let find = |set: &[(&str, &str)], key: &str| {
            set.iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        };
        let reader = Reader::new(OPTIONS, |key| find(set, key));
        let settings = Settings::read(&reader, |key| find(environment, key));
        (settings, reader.problems())
    }

    #[test]
    fn the_region_comes_from_the_option_then_the_environment() {
        let environment = [("AWS_REGION", "b"), ("AWS_DEFAULT_REGION", "c")];
        assert_eq!(read(&[("region", "a")], &environment).0.region, "a");
        assert_eq!(read(&[], &environment).0.region, "b");
        assert_eq!(read(&[], &environment[1..]).0.region, "c");
        assert_eq!(read(&[], &[]).1.len(), 1);
    }

    #[test]
    fn an_endpoint_may_leave_its_scheme_out() {
        for (written, expected) in [
            ("logs.example.com", "https://logs.example.com"),
            ("https://logs.example.com/", "https://logs.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("host:8443/path", "https://host:8443/path"),
        ] {
            let (settings, problems) = read(&[("region", "a"), ("endpoint", written)], &[]);
            assert_eq!(settings.endpoint.as_deref(), Some(expected));
            assert!(problems.is_empty());
        }
        for written in ["https://", "ftp://host", "http://a b", "/path"] {
            assert_eq!(
                read(&[("region", "a"), ("endpoint", written)], &[]).1.len(),
                1,
                "{written}"
            );
        }
    }

    #[test]
    fn an_extra_user_agent_is_made_fit_for_a_header() {
        assert_eq!(app_name(None).as_ref(), "aws-fluent-bit-plugin");
        assert_eq!(
            app_name(Some("my app/1")).as_ref(),
            "aws-fluent-bit-plugin-my-app-1"
        );
    }
}
