//! `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, with the rules of Go.
//!
//! Users have environments that were written for the Go plugins, so Go's rules apply: upper-case names
//! before lower-case names; domain suffixes, CIDR blocks and ports in `NO_PROXY`; no proxy for
//! localhost. One rule is added: requests to the link-local addresses of metadata and credentials
//! endpoints never use a proxy, as a proxy would return the metadata and credentials of its own host.

use std::net::IpAddr;

/// The proxies and their exceptions.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Proxies {
    http: Option<String>,
    https: Option<String>,
    except: Vec<Exception>,
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Exception {
    All,
    Cidr(IpAddr, u8),
    Address(IpAddr, Option<String>),
    Domain {
        suffix: String,
        includes_apex: bool,
        port: Option<String>,
    },
}

/// The destination of a request.
#[derive(Debug, Eq, PartialEq)]
struct Target<'u> {
    tls: bool,
    host: &'u str,
    port: &'u str,
}

impl Proxies {
    /// Reads the environment. The second value is a text for each variable that does not name a
    /// supported proxy.
    pub(crate) fn read(environment: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut proxy = |names: [&'static str; 2]| {
            let (name, value) = first(&environment, names)?;
            match url(&value) {
                Some(url) => Some(url),
                None => {
                    problems.push(format!(
                        "{name} is no proxy that can be used: it must be http://host:3128 or https://host:3128"
                    ));
                    None
                }
            }
        };
        let http = proxy(["HTTP_PROXY", "http_proxy"]);
        let https = proxy(["HTTPS_PROXY", "https_proxy"]);
        let except = first(&environment, ["NO_PROXY", "no_proxy"]);
        let except = except.map(|(_, list)| exceptions(&list));
        let proxies = Self {
            http,
            https,
            except: except.unwrap_or_default(),
        };
        (proxies, problems)
    }

    /// The URL of the proxy for a request; `None` for a direct connection.
    pub(crate) fn of(&self, uri: &str) -> Option<&str> {
        let target = Target::of(uri)?;
        let proxy = if target.tls { &self.https } else { &self.http };
        let proxy = proxy.as_deref()?;
        self.applies_to(&target).then_some(proxy)
    }

    /// The URLs of the configured proxies.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        [&self.http, &self.https]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    fn applies_to(&self, target: &Target<'_>) -> bool {
        let host = target.host.to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let local = host == "localhost" || address.is_some_and(is_local);
        !local
            && !self
                .except
                .iter()
                .any(|exception| exception.matches(&host, address, target.port))
    }
}

impl Exception {
    fn read(part: &str) -> Option<Self> {
        if part == "*" {
            return Some(Self::All);
        }
        if let Some(cidr) = cidr(part) {
            return Some(cidr);
        }
        let (host, port) = with_port(part);
        if host.is_empty() {
            return None;
        }
        let port = port.map(str::to_owned);
        if let Ok(address) = host.parse() {
            return Some(Self::Address(address, port));
        }
        let name = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        let includes_apex = !name.starts_with('.');
        let suffix = if includes_apex {
            format!(".{name}")
        } else {
            name.to_owned()
        };
        Some(Self::Domain {
            suffix,
            includes_apex,
            port,
        })
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: &str) -> bool {
        let on_port =
            |expected: &Option<String>| expected.as_deref().is_none_or(|expected| expected == port);
        match self {
            Self::All => true,
            Self::Cidr(network, bits) => {
                address.is_some_and(|address| is_within(address, *network, *bits))
            }
            Self::Address(expected_address, expected) => {
                address == Some(*expected_address) && on_port(expected)
            }
            Self::Domain {
                suffix,
                includes_apex,
                port: expected,
            } => {
                (host.ends_with(suffix) || (*includes_apex && host == &suffix[1..]))
                    && on_port(expected)
            }
        }
    }
}

impl<'u> Target<'u> {
    fn of(uri: &'u str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let tls = scheme.eq_ignore_ascii_case("https");
        let (host, port) = with_port(authority);
        Some(Self {
            tls,
            host,
            port: port.unwrap_or(if tls { "443" } else { "80" }),
        })
    }
}

fn first(
    environment: impl Fn(&str) -> Option<String>,
    names: [&'static str; 2],
) -> Option<(&'static str, String)> {
    names
        .into_iter()
        .find_map(|name| Some((name, environment(name)?)))
}

/// The URL of a proxy; without a scheme, `http` is assumed.
fn url(value: &str) -> Option<String> {
    let url = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let host = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let valid =
        !host.is_empty() && !host.starts_with([':', '/']) && !url.contains(char::is_whitespace);
    valid.then_some(url)
}

fn exceptions(list: &str) -> Vec<Exception> {
    let parts = list.split(',').map(|part| part.trim().to_ascii_lowercase());
    parts.filter_map(|part| Exception::read(&part)).collect()
}

fn cidr(part: &str) -> Option<Exception> {
    let (network, bits) = part.split_once('/')?;
    let network: IpAddr = network.parse().ok()?;
    let max = if network.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse().ok().filter(|bits| *bits <= max)?;
    Some(Exception::Cidr(network, bits))
}

/// Splits `host:port` and `[address]:port`; a bare IPv6 address has no port.
fn with_port(text: &str) -> (&str, Option<&str>) {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').unwrap_or((rest, ""));
        return (host, rest.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let shared = |a: u128, b: u128, width: u32| {
        let hidden = width - u32::from(bits);
        a.checked_shr(hidden).unwrap_or(0) == b.checked_shr(hidden).unwrap_or(0)
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => shared(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => shared(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

/// Whether the address is a loopback address or the metadata endpoint of ECS, EKS or EC2.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unicast_link_local()
                || METADATA_V6.contains(&address.segments())
        }
    }
}

/// `fd00:ec2::254` of EC2 and `fd00:ec2::23` of EKS Pod Identity.
const METADATA_V6: [[u16; 8]; 2] = [
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(set: &[(&str, &str)]) -> Proxies {
        let (proxies, problems) = Proxies::read(|name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        });
        assert!(problems.is_empty(), "{problems:?}");
        proxies
    }

    #[test]
    fn each_scheme_has_its_own_proxy_and_upper_case_takes_precedence() {
        let proxies = proxies(&[
            ("HTTP_PROXY", "plain:3128"),
            ("http_proxy", "http://other:1"),
            ("https_proxy", "http://user:pass@secure:3128"),
        ]);
        assert_eq!(proxies.of("http://a.example/"), Some("http://plain:3128"));
        assert_eq!(
            proxies.of("https://logs.eu-west-1.amazonaws.com/"),
            Some("http://user:pass@secure:3128")
        );
    }

    #[test]
    fn no_proxy_matches_as_in_go() {
        const LOGS: &str = "https://logs.eu-west-1.amazonaws.com/";
        for (list, uri, proxied) in [
            ("", LOGS, true),
            ("*", LOGS, false),
            ("amazonaws.com", LOGS, false),
            (".amazonaws.com", LOGS, false),
            ("*.amazonaws.com", LOGS, false),
            ("x, AmazonAWS.com ,y", LOGS, false),
            ("logs.eu-west-1.amazonaws.com", LOGS, false),
            ("aws.com", LOGS, true),
            ("amazonaws.com:443", LOGS, false),
            ("amazonaws.com:8443", LOGS, true),
            (
                "amazonaws.com:8443",
                "https://logs.amazonaws.com:8443/x",
                false,
            ),
            ("example.com", "https://example.com", false),
            (".example.com", "https://example.com", true),
            ("*.example.com", "https://example.com", true),
            ("*example.com", "https://example.com", true),
            ("10.0.0.0/8", "https://10.20.30.40/", false),
            ("10.0.0.0/8", "https://11.0.0.1/", true),
            ("0.0.0.0/0", "https://11.0.0.1/", false),
            ("10.1.2.3", "https://10.1.2.3:8443/", false),
            ("10.1.2.3:8443", "https://10.1.2.3:8443/", false),
            ("10.1.2.3:1", "https://10.1.2.3:8443/", true),
            ("fd12::/16", "https://[fd12::1]/", false),
            ("[fd12::1]:443", "https://[fd12::1]/", false),
            ("fd12::1", "https://[fd12::2]/", true),
            (",,:80,10.0.0.0/99", LOGS, true),
        ] {
            let proxies = proxies(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", list)]);
            assert_eq!(proxies.of(uri).is_some(), proxied, "`{list}` {uri}");
        }
    }

    #[test]
    fn localhost_and_metadata_addresses_are_never_proxied() {
        let proxies = proxies(&[("HTTP_PROXY", "proxy:3128"), ("HTTPS_PROXY", "proxy:3128")]);
        for uri in [
            "http://169.254.170.2/creds",
            "http://169.254.169.254:80/latest",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/x",
            "http://[fd00:ec2::23]:80/v1",
            "http://127.0.0.1:51679/creds",
            "http://127.9.9.9/",
            "http://[::1]:80/",
            "https://localhost:8443/creds",
            "https://LocalHost/",
        ] {
            assert_eq!(proxies.of(uri), None, "{uri}");
        }
        for uri in [
            "https://sts.amazonaws.com",
            "https://169.example.com/",
            "http://[fd00:ec2::1]/",
        ] {
            assert!(proxies.of(uri).is_some(), "{uri}");
        }
    }

    #[test]
    fn unsupported_proxy_urls_are_problems() {
        for value in [
            "socks5://proxy:1080",
            "http://",
            "a b",
            ":3128",
            "http://user:pass@",
        ] {
            let (proxies, problems) =
                Proxies::read(|name| (name == "HTTPS_PROXY").then(|| value.to_owned()));
            assert_eq!(
                (proxies, problems.len()),
                (Proxies::default(), 1),
                "{value}"
            );
        }
    }
}
