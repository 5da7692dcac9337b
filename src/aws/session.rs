//! Options and environment -> the SDK's configuration: region, endpoint, identity, network.
//!
//! Nothing is asked of the network when an instance opens; a region that is not configured and
//! credentials are looked for when the first request needs them. Instances with the same identity
//! share its credentials. Retries and stalled-stream protection are off: the road retries by itself,
//! and the latter takes a service's waiting answer for a stalled upload.

use std::sync::Arc;

use aws_config::{AppName, Region, SdkConfig};
use aws_types::sdk_config::Builder;
use cbindings::line::without_secrets;
use std::time::SystemTime;

use crate::VERSION;
use crate::aws::credentials::identity::Identity;
use crate::aws::credentials::registry::Shared;
use crate::aws::http::Network;
use crate::aws::identity_log::Greeting;
use crate::aws::user_agent::Agent;
use crate::options::Reader;
use crate::telemetry::Telemetry;

/// How to reach AWS, and as whom.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Settings {
    /// The region, also the one that requests are signed for; looked for later when absent.
    pub region: Option<String>,
    /// Where the service is, when not where its region says.
    pub endpoint: Option<String>,
    /// Whether a request without an answer is sent again within the flush.
    pub auto_retry: bool,
    extra_user_agent: Option<String>,
    pub(crate) identity: Identity,
    pub(crate) network: Network,
}

impl Settings {
    /// Reads the options that all plugins share.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: impl Fn(&str) -> Option<String>) -> Self {
        let region = reader
            .text("region")
            .or_else(|| environment("AWS_REGION"))
            .or_else(|| environment("AWS_DEFAULT_REGION"));
        let endpoint = endpoint(reader, "endpoint");
        let plain = |url: &Option<String>| url.as_ref().is_some_and(|url| url.starts_with("http:"));
        Self {
            region,
            auto_retry: reader.switch("auto_retry_requests"),
            extra_user_agent: reader.text("extra_user_agent"),
            identity: Identity::read(reader, &environment),
            network: Network::read(reader, &environment, !plain(&endpoint)),
            endpoint,
        }
    }
}

/// An endpoint of a service: a URL without a login, as requests are signed.
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

/// A URL with or without its scheme; `https` is assumed.
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

/// What a line may show of an option that should be a URL or a host: nothing that may be secret.
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

/// A URL's login, host and port.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

/// What the clients of one instance are made from.
#[derive(Debug)]
pub struct Session {
    /// For the clients; made on the runtime that they use.
    pub config: SdkConfig,
    /// The region, configured or found.
    pub region: String,
    shared: Arc<Shared>,
}

impl Session {
    /// Finds the region, and the identity among those in use.
    ///
    /// # Errors
    ///
    /// Why there is no region; the next call looks again.
    pub async fn open(settings: &Settings) -> Result<Self, String> {
        let region = crate::aws::region::find(settings).await?;
        let shared = Shared::of(&settings.identity);
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

    /// An interceptor for a client: the user agent begins with the plugin's name.
    #[must_use]
    pub fn agent(&self) -> Agent {
        let name = self.config.app_name().map(ToString::to_string);
        Agent::new(name.unwrap_or_default())
    }

    /// An interceptor for a client: the first success writes who the requests are made as.
    #[must_use]
    pub fn greeting(&self, telemetry: &Telemetry) -> Greeting {
        Greeting::new(self.shared.clone(), self.region.clone(), telemetry.clone())
    }

    /// When the credentials in use end; `None` for those that do not, and before there are any.
    #[must_use]
    pub fn expiry(&self) -> Option<SystemTime> {
        self.shared.expiry()
    }
}

/// An endpoint of one's own: it is what it is, FIPS or dual-stack or not, and the SDK refuses both.
pub(crate) fn at(config: Builder, endpoint: &str) -> Builder {
    config
        .endpoint_url(endpoint)
        .use_fips(false)
        .use_dual_stack(false)
}

/// The name in the user agent, as the Go plugins build it; what is not allowed in one becomes `-`.
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
