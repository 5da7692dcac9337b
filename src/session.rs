//! Options and environment -> the SDK's configuration: region, endpoint, identity, network.
//!
//! Nothing is asked of the network when an instance opens; a region that is not configured and
//! credentials are looked for when the first request needs them. Instances with the same identity
//! share its credentials. Retries and stalled-stream protection are off: the road retries by itself,
//! and the latter takes a service's waiting answer for a stalled upload.

mod agent;
mod bounded;
pub mod deadline;
mod document;
mod fresh;
mod greeting;
mod http;
mod identity;
mod kept;
mod process;
mod providers;
mod proxy;
mod region;
mod roots;
mod shared;
mod web_identity;

use std::sync::Arc;

use aws_config::{AppName, Region, SdkConfig};
use aws_types::sdk_config::Builder;
use std::time::SystemTime;

use self::agent::Agent;
use self::greeting::Greeting;
use self::http::Network;
use self::identity::Identity;
use self::shared::Shared;
use crate::options::Reader;
use crate::watch::Watch;

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
    identity: Identity,
    network: Network,
}

impl Settings {
    /// Reads the options that both plugins share.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: impl Fn(&str) -> Option<String>) -> Self {
        let region = reader
            .text("region")
            .or_else(|| environment("AWS_REGION"))
            .or_else(|| environment("AWS_DEFAULT_REGION"));
        let endpoint = url(reader, "endpoint");
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
        let region = region::find(settings).await?;
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
    pub fn greeting(&self, watch: &Watch) -> Greeting {
        Greeting::new(self.shared.clone(), self.region.clone(), watch.clone())
    }

    /// When the credentials in use end; `None` for those that do not, and before there are any.
    #[must_use]
    pub fn expiry(&self) -> Option<SystemTime> {
        self.shared.expiry()
    }
}

/// An endpoint of one's own: it is what it is, FIPS or dual-stack or not, and the SDK refuses both.
fn at(config: Builder, endpoint: &str) -> Builder {
    config
        .endpoint_url(endpoint)
        .use_fips(false)
        .use_dual_stack(false)
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
        let region = |set, environment| read(set, environment).0.region;
        assert_eq!(region(&[("region", "a")], &environment).unwrap(), "a");
        assert_eq!(region(&[], &environment).unwrap(), "b");
        assert_eq!(region(&[], &environment[1..]).unwrap(), "c");
        assert_eq!(region(&[], &[]), None);
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
    fn a_ca_bundle_that_cannot_be_used_is_a_problem_that_names_it() {
        for (path, why) in [
            ("/nowhere/ca.pem", "cannot be read"),
            (
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
                "no certificate",
            ),
        ] {
            let problems = read(&[("region", "a")], &[("AWS_CA_BUNDLE", path)]).1;
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(
                problems[0].contains(path) && problems[0].contains(why),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_a_problem_that_names_its_variable() {
        let problems = read(
            &[("region", "a")],
            &[("https_proxy", "socks5://proxy:1080")],
        )
        .1;
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("https_proxy"), "{problems:?}");
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
