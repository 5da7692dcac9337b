//! The HTTP client: TLS roots, connection pool, proxies.

use std::time::Duration;

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use super::proxy::Proxies;
use crate::aws::bounded_body::{self, BoundedConnector};
use crate::aws::credentials::login;
use crate::aws::tls_roots::TlsRoots;
use crate::delivery::error::Chain;
use crate::options::Reader;

/// Network settings from the environment: proxies and TLS roots.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Network {
    proxies: Proxies,
    roots: TlsRoots,
}

impl Network {
    /// Reads the environment; `tls` says whether the service is reached over TLS.
    pub(crate) fn read(
        reader: &Reader<'_>,
        environment: impl Fn(&str) -> Option<String>,
        tls: bool,
    ) -> Self {
        let (proxies, problems) = Proxies::read(&environment);
        for problem in problems {
            reader.problem(problem);
        }
        Self {
            proxies,
            roots: TlsRoots::read(reader, environment, tls),
        }
    }

    /// A client with one connection pool for each proxy and one for direct connections. Reading a
    /// response body that is too large fails.
    pub(crate) fn client(&self) -> SharedHttpClient {
        let client = self.without_size_limit();
        http_client_fn(move |settings, components| {
            SharedHttpConnector::new(BoundedConnector(
                client.http_connector(settings, components),
            ))
        })
    }

    fn without_size_limit(&self) -> SharedHttpClient {
        let direct = self.with_pool(&ProxyConfig::disabled());
        let proxied: Vec<(String, SharedHttpClient)> = self
            .proxies
            .urls()
            .filter_map(|url| {
                let proxy = ProxyConfig::all(url).ok()?;
                Some((url.to_owned(), self.with_pool(&proxy)))
            })
            .collect();
        if proxied.is_empty() {
            return direct;
        }
        let proxies = self.proxies.clone();
        http_client_fn(move |settings, components| {
            let connect = |client: &SharedHttpClient| client.http_connector(settings, components);
            SharedHttpConnector::new(ByHost {
                proxies: proxies.clone(),
                direct: connect(&direct),
                proxied: proxied
                    .iter()
                    .map(|(url, client)| (url.clone(), connect(client)))
                    .collect(),
            })
        })
    }

    /// Fetches a document over a new connection.
    ///
    /// # Errors
    ///
    /// When there is no response, its status is not a success, or its body cannot be read.
    pub(crate) async fn fetch(&self, uri: &str) -> Result<Vec<u8>, String> {
        let text = |error: &(dyn std::error::Error + 'static)| Chain(error).to_string();
        let proxy = self
            .proxies
            .of(uri)
            .and_then(|url| ProxyConfig::all(url).ok());
        let proxy = proxy.unwrap_or_else(ProxyConfig::disabled);
        let connector = self.connector(&proxy, None, None);
        let mut request = HttpRequest::new(SdkBody::empty());
        let (uri, login) = login::split(uri);
        request.set_uri(uri).map_err(|error| text(&error))?;
        if let Some(login) = login {
            request.headers_mut().insert("authorization", login);
        }
        request.headers_mut().insert("accept", "application/json");
        let response = connector
            .call(request)
            .await
            .map_err(|error| text(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("HTTP {}", status.as_u16()));
        }
        bounded_body::body(response.into_body()).await
    }

    fn with_pool(&self, proxy: &ProxyConfig) -> SharedHttpClient {
        let (network, proxy) = (self.clone(), proxy.clone());
        Builder::new()
            .pool_idle_timeout(POOL_IDLE)
            .build_with_connector_fn(move |settings, components| {
                let sleep = components.and_then(|components| components.sleep_impl());
                network.connector(&proxy, settings.cloned(), sleep)
            })
    }

    fn connector(
        &self,
        proxy: &ProxyConfig,
        settings: Option<HttpConnectorSettings>,
        sleep: Option<SharedAsyncSleep>,
    ) -> Connector {
        let mut connector = Connector::builder()
            .proxy_config(proxy.clone())
            .enable_tcp_nodelay(true);
        connector.set_connector_settings(settings);
        connector.set_sleep_impl(sleep);
        connector
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(self.roots.context())
            .build()
    }
}

/// Sends each request through the proxy for its host, or directly.
#[derive(Debug)]
struct ByHost {
    proxies: Proxies,
    direct: SharedHttpConnector,
    proxied: Vec<(String, SharedHttpConnector)>,
}

impl HttpConnector for ByHost {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let proxy = self.proxies.of(request.uri());
        let connector = self
            .proxied
            .iter()
            .find(|(url, _)| proxy == Some(url.as_str()))
            .map_or(&self.direct, |(_, connector)| connector);
        connector.call(request)
    }
}

/// Shorter than the time after which servers and NAT gateways drop idle connections.
const POOL_IDLE: Duration = Duration::from_secs(20);
