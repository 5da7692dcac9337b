//! The HTTP client: TLS roots, connection pool, proxies.
//!
//! `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` count for the services, but never for the addresses
//! that hand out metadata and credentials: those exist on this host or task only, and a proxy that
//! answered for them would hand out its own.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// One client: its pool is shared by every request of an instance.
pub(super) fn client() -> SharedHttpClient {
    let direct = pooled(&ProxyConfig::disabled());
    if !PROXY_VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        return direct;
    }
    let proxied = pooled(&ProxyConfig::from_env());
    http_client_fn(move |settings, components| {
        SharedHttpConnector::new(ByHost {
            direct: direct.http_connector(settings, components),
            proxied: proxied.http_connector(settings, components),
        })
    })
}

fn pooled(proxy: &ProxyConfig) -> SharedHttpClient {
    let proxy = proxy.clone();
    let tls = tls_context();
    Builder::new()
        .pool_idle_timeout(POOL_IDLE)
        .build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder()
                .proxy_config(proxy.clone())
                .enable_tcp_nodelay(true);
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            connector
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(tls.clone())
                .build()
        })
}

/// The system's roots, and those of `AWS_CA_BUNDLE`.
fn tls_context() -> TlsContext {
    let bundle = std::env::var_os("AWS_CA_BUNDLE").and_then(|path| std::fs::read(path).ok());
    let mut trust = TrustStore::default();
    if let Some(bundle) = bundle {
        trust = trust.with_pem_certificate(bundle);
    }
    TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .unwrap_or_else(|_| unreachable!("only a server name makes a context fail"))
}

/// Sends a request through the proxy or past it.
#[derive(Debug)]
struct ByHost {
    direct: SharedHttpConnector,
    proxied: SharedHttpConnector,
}

impl HttpConnector for ByHost {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = if is_metadata(request.uri()) {
            &self.direct
        } else {
            &self.proxied
        };
        connector.call(request)
    }
}

/// Link-local addresses and this host: where ECS, EKS and EC2 answer.
fn is_metadata(uri: &str) -> bool {
    let authority = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let host = authority.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let host = host.trim_matches(['[', ']']);
    host.starts_with("169.254.") || host.starts_with("127.") || METADATA_HOSTS.contains(&host)
}

const METADATA_HOSTS: [&str; 4] = ["localhost", "::1", "fd00:ec2::254", "fd00:ec2::23"];

const PROXY_VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Shorter than any peer or NAT on the way keeps a silent connection open.
const POOL_IDLE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses_are_told_from_services() {
        for uri in [
            "http://169.254.170.2/creds",
            "http://169.254.169.254:80/latest",
            "http://[fd00:ec2::254]/x",
            "http://[fd00:ec2::23]:80/v1",
            "http://127.0.0.1:51679/creds",
            "http://localhost/creds",
        ] {
            assert!(is_metadata(uri), "{uri}");
        }
        for uri in [
            "https://logs.eu-west-1.amazonaws.com/",
            "https://sts.amazonaws.com",
            "https://169.example.com/",
        ] {
            assert!(!is_metadata(uri), "{uri}");
        }
    }
}
