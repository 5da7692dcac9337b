//! Options and environment -> the SDK configuration: region, endpoint, identity, network.
//!
//! Opening an instance uses no network. A region that is not configured and the credentials are
//! fetched when the first request needs them. Instances with the same identity share its credentials.
//! The SDK's retries are off, as the delivery retries by itself. Its stalled-stream protection is off,
//! as it mistakes a slow response for a stalled upload.

use std::sync::Arc;

use aws_config::{AppName, Region, SdkConfig};
use aws_types::sdk_config::Builder;
use cbindings::line::without_secrets;
use std::time::SystemTime;

use crate::VERSION;
use crate::aws::credentials::identity::Identity;
use crate::aws::credentials::registry::SharedIdentity;
use crate::aws::http::Network;
use crate::aws::identity_log::IdentityLog;
use crate::aws::user_agent::UserAgent;
use crate::options::Reader;
use crate::telemetry::Telemetry;

/// Region, endpoint, identity and network of an output instance.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Settings {
    /// The region that requests are sent to and signed for. `None`: the first request searches for it.
    pub region: Option<String>,
    /// The endpoint of the service; `None` for the default endpoint of the region.
    pub endpoint: Option<String>,
    /// Whether a request without a response is retried within the flush.
    pub auto_retry: bool,
    extra_user_agent: Option<String>,
    pub(crate) identity: Identity,
    pub(crate) network: Network,
}

impl Settings {
    /// Reads the AWS options that all plugins share.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: impl Fn(&str) -> Option<String>) -> Self {
        let region = reader
            .text("region")
            .or_else(|| environment("AWS_REGION"))
            .or_else(|| environment("AWS_DEFAULT_REGION"));
        let endpoint = endpoint(reader, "endpoint");
        let is_http =
            |url: &Option<String>| url.as_ref().is_some_and(|url| url.starts_with("http:"));
        Self {
            region,
            auto_retry: reader.switch("auto_retry_requests"),
            extra_user_agent: reader.text("extra_user_agent"),
            identity: Identity::read(reader, &environment),
            network: Network::read(reader, &environment, !is_http(&endpoint)),
            endpoint,
        }
    }
}

/// The endpoint of a service. A URL with a user name or password is a problem, as requests are signed.
pub(crate) fn endpoint(reader: &Reader<'_>, key: &'static str) -> Option<String> {
    let login = |url: &String| authority(url).is_some_and(|authority| authority.contains('@'));
    let url = url(reader, key);
    if url.as_ref().is_some_and(login) {
        let name = reader.name(key);
        reader.problem(format_args!(
            "`{name}` must have no user name and no password: requests are signed with AWS credentials"
        ));
    }
    url
}

/// A URL option. Without a scheme, `https` is assumed.
pub(crate) fn url(reader: &Reader<'_>, key: &'static str) -> Option<String> {
    let value = reader.text(key)?;
    let url = if value.contains("://") {
        value.clone()
    } else {
        format!("https://{value}")
    };
    let known = url.starts_with("https://") || url.starts_with("http://");
    let host = authority(&url).filter(|host| !host.is_empty() && !host.starts_with(':'));
    if known && host.is_some() && !url.contains(char::is_whitespace) {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let (name, shown) = (reader.name(key), shown(&value));
    reader.problem(format_args!(
        "`{name}` is `{shown}`: it must be a host name, or a URL of http or https with a host"
    ));
    None
}

/// The part of an invalid URL option that log lines may show: nothing that may be secret.
fn shown(value: &str) -> String {
    if value.contains("://") {
        return without_secrets(value);
    }
    match value.find(['/', '?', '#']) {
        _ if value.contains('@') => "…".to_owned(),
        Some(at) => format!("{}/…", &value[..at]),
        None => value.to_owned(),
    }
}

/// The authority of a URL: login, host and port.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

/// What the SDK clients of one instance are built from.
#[derive(Debug)]
pub struct Session {
    /// The SDK configuration; created on the Tokio runtime that the clients use.
    pub config: SdkConfig,
    /// The region, from the options or from the search.
    pub region: String,
    shared: Arc<SharedIdentity>,
}

impl Session {
    /// Determines the region, and takes the identity from the registry.
    ///
    /// # Errors
    ///
    /// When no region was found. The next call searches again.
    pub async fn open(settings: &Settings) -> Result<Self, String> {
        let region = crate::aws::region::find(settings).await?;
        let shared = SharedIdentity::of(&settings.identity);
        let config = shared.config(settings, &region).await.to_builder();
        let config = config
            .region(Region::new(region.clone()))
            .app_name(app_name(settings.extra_user_agent.as_deref()));
        let config = match &settings.endpoint {
            Some(endpoint) => at(config, endpoint),
            None => config,
        };
        Ok(Self {
            config: config.build(),
            region,
            shared,
        })
    }

    /// A client interceptor that puts the plugin's name at the start of the user agent.
    #[must_use]
    pub fn user_agent(&self) -> UserAgent {
        let name = self.config.app_name().map(ToString::to_string);
        UserAgent::new(name.unwrap_or_default())
    }

    /// A client interceptor that logs the identity after the first successful request.
    #[must_use]
    pub fn identity_log(&self, telemetry: &Telemetry) -> IdentityLog {
        IdentityLog::new(self.shared.clone(), self.region.clone(), telemetry.clone())
    }

    /// When the credentials in use expire; `None` if they do not expire or were not fetched yet.
    #[must_use]
    pub fn expiry(&self) -> Option<SystemTime> {
        self.shared.expiry()
    }
}

/// Sets a custom endpoint. FIPS and dual-stack are switched off, as the SDK rejects the combination.
pub(crate) fn at(config: Builder, endpoint: &str) -> Builder {
    config
        .endpoint_url(endpoint)
        .use_fips(false)
        .use_dual_stack(false)
}

/// The application name in the user agent, as the Go plugins build it. Characters that are not allowed
/// become `-`.
fn app_name(extra: Option<&str>) -> AppName {
    let name = match extra {
        Some(extra) => format!("{USER_AGENT}-{VERSION}-{extra}"),
        None => format!("{USER_AGENT}-{VERSION}"),
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

#[cfg(test)]
mod tests;
