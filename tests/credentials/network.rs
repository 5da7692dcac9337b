//! Proxies and CA bundles.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use support::aws::StandIn;

use crate::KEYS;
use crate::child::Case;
use crate::providers::File;

/// A proxy that sends every request to one server and stores the request heads.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(server: &StandIn) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (kept, server) = (heads.clone(), server.port());
        thread::spawn(move || {
            for client in listener.incoming() {
                let kept = kept.clone();
                // A client that disconnects ends only its own connection.
                thread::spawn(move || client.and_then(|client| serve(client, server, &kept)));
            }
        });
        Self { port, heads }
    }

    fn url(&self) -> String {
        format!("http://user:p%40ss@127.0.0.1:{}", self.port)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(client: TcpStream, server: u16, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    heads.lock().unwrap().push(head.clone());
    let mut upstream = TcpStream::connect(("127.0.0.1", server))?;
    let mut answers = upstream.try_clone()?;
    let mut back = client;
    if head.starts_with("CONNECT ") {
        back.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    } else {
        let (method, rest) = head.split_once(" http://").unwrap_or(("", ""));
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        upstream.write_all(format!("{method} {path}").as_bytes())?;
    }
    let forth = thread::spawn(move || {
        // Either end may close first.
        let _ = io::copy(&mut reader, &mut upstream);
        let _ = upstream.shutdown(Shutdown::Write);
    });
    io::copy(&mut answers, &mut back)?;
    back.shutdown(Shutdown::Both)?;
    forth
        .join()
        .map_err(|_| io::Error::other("the copying thread failed"))
}

fn tls() -> (StandIn, File) {
    let aws = StandIn::builder().tls().start().unwrap();
    aws.create_stream("g", "s");
    let name = format!("ca-{}.pem", aws.port());
    let file = File::new(&name, aws.certificate_pem().unwrap());
    (aws, file)
}

/// `user:p@ss` as the value of the header.
const LOGIN: &str = "Basic dXNlcjpwQHNz";

#[test]
fn tls_uses_the_https_proxy_with_a_login() {
    let (aws, ca) = tls();
    let proxy = Proxy::to(&aws);
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        let outcome = Case::new("https://logs.stand-in.test")
            .set_all(&KEYS)
            .set("AWS_CA_BUNDLE", ca.path())
            .set(variable, &proxy.url())
            .run();
        outcome.delivered();
        let heads = proxy.heads();
        let head = heads.last().unwrap();
        assert!(
            head.starts_with("CONNECT logs.stand-in.test:443 "),
            "{head}"
        );
        assert!(head.contains(LOGIN), "{head}");
    }
    assert_eq!(proxy.heads().len(), 2);
}

#[test]
fn plain_http_uses_the_http_proxy() {
    let aws = StandIn::start();
    aws.create_stream("g", "s");
    let proxy = Proxy::to(&aws);
    let outcome = Case::new("http://logs.stand-in.test")
        .set_all(&KEYS)
        .set("HTTP_PROXY", &proxy.url())
        .set("HTTPS_PROXY", "http://127.0.0.1:1")
        .run();
    outcome.delivered();
    let head = &proxy.heads()[0];
    assert!(
        head.starts_with("POST http://logs.stand-in.test/"),
        "{head}"
    );
    assert!(head.contains(LOGIN), "{head}");
}

#[test]
fn loopback_and_metadata_endpoints_use_no_proxy() {
    let aws = StandIn::start();
    aws.create_stream("g", "s");
    let proxy = Proxy::to(&aws);
    let outcome = Case::without_region(&aws.url())
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &aws.credentials_uri())
        .set("ECS_CONTAINER_METADATA_URI_V4", &aws.task_metadata_uri())
        .set("HTTP_PROXY", &proxy.url())
        .set("HTTPS_PROXY", &proxy.url())
        .run();
    outcome.delivered();
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

/// The first host that a section requests from the proxy, which does not answer.
fn host(region: &str, set: &[(&str, &str)], options: &[(&str, &str)]) -> String {
    let aws = StandIn::start();
    let proxy = Proxy::to(&aws);
    let case = Case::without_endpoint().set_all(&KEYS).set_all(set);
    let case = case
        .option("region", region)
        .set("HTTPS_PROXY", &proxy.url());
    let with = |case: Case, (key, value): &(&str, &str)| case.option(key, value);
    let outcome = options
        .iter()
        .fold(case, with)
        .option("flush_timeout", "1s")
        .run();
    assert_eq!(outcome.verdicts, ["Retry"]);
    let head = proxy
        .heads()
        .into_iter()
        .next()
        .expect("the proxy is asked");
    let host = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split_once(":443 "));
    host.expect("a tunnel is asked for").0.to_owned()
}

#[test]
fn endpoints_follow_the_partition_fips_and_dualstack() {
    let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
    let dual = ("AWS_USE_DUALSTACK_ENDPOINT", "true");
    for (region, set, expected) in [
        ("us-east-1", &[][..], "logs.us-east-1.amazonaws.com"),
        ("us-east-1", &[fips], "logs-fips.us-east-1.amazonaws.com"),
        ("us-east-1", &[dual], "logs.us-east-1.api.aws"),
        ("us-east-1", &[fips, dual], "logs-fips.us-east-1.api.aws"),
        ("us-gov-west-1", &[], "logs.us-gov-west-1.amazonaws.com"),
        ("us-gov-west-1", &[fips], "logs.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", &[], "logs.cn-north-1.amazonaws.com.cn"),
        (
            "cn-north-1",
            &[dual],
            "logs.cn-north-1.api.amazonwebservices.com.cn",
        ),
        ("eusc-de-east-1", &[], "logs.eusc-de-east-1.amazonaws.eu"),
    ] {
        assert_eq!(host(region, set, &[]), expected, "{region} {set:?}");
    }
}

#[test]
fn fips_and_dualstack_options_apply_to_sts() {
    let role = ("role_arn", "arn:aws:iam::123456789012:role/shop");
    for (region, options, expected) in [
        (
            "us-east-1",
            &[("use_fips", "on")][..],
            "logs-fips.us-east-1.amazonaws.com",
        ),
        (
            "us-east-1",
            &[("use_dualstack", "on")],
            "logs.us-east-1.api.aws",
        ),
        ("eu-west-1", &[role], "sts.eu-west-1.amazonaws.com"),
        ("us-east-1", &[role], "sts.us-east-1.amazonaws.com"),
        (
            "us-east-1",
            &[role, ("use_fips", "on")],
            "sts-fips.us-east-1.amazonaws.com",
        ),
        ("cn-north-1", &[role], "sts.cn-north-1.amazonaws.com.cn"),
    ] {
        assert_eq!(host(region, &[], options), expected, "{region} {options:?}");
    }
}

#[test]
fn no_proxy_is_read() {
    let aws = StandIn::start();
    let proxy = Proxy::to(&aws);
    let outcome = Case::new("http://logs.stand-in.test")
        .set_all(&KEYS)
        .set("HTTP_PROXY", &proxy.url())
        .set("no_proxy", "10.0.0.0/8, .stand-in.test")
        .option("flush_timeout", "1s")
        .run();
    assert_eq!(outcome.verdicts, ["Retry"]);
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

#[test]
fn an_unusable_proxy_is_an_error_at_start() {
    let outcome = Case::new("https://logs.stand-in.test")
        .set_all(&KEYS)
        .set("HTTPS_PROXY", "socks5://proxy:1080")
        .run();
    outcome.refused("HTTPS_PROXY is no proxy");
}

#[test]
fn a_ca_bundle_is_read_from_either_variable() {
    let (aws, ca) = tls();
    for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let case = Case::new(&aws.url())
            .set_all(&KEYS)
            .set(variable, ca.path());
        let outcome = case.run();
        assert!(
            outcome.delivered().contains("https://127.0.0.1"),
            "{variable}"
        );
    }
    let stranger = Case::new(&aws.url())
        .set_all(&KEYS)
        .option("flush_timeout", "1s");
    let outcome = stranger.run();
    outcome.retried("certificate");
}

#[test]
fn an_unusable_ca_bundle_is_an_error_at_start() {
    let empty = File::new("empty.pem", "no certificate here\n");
    for (path, why) in [
        ("/nowhere/ca.pem", "cannot be read"),
        (empty.path(), "no certificate"),
    ] {
        let outcome = Case::new("https://logs.stand-in.test")
            .set_all(&KEYS)
            .set("AWS_CA_BUNDLE", path)
            .run();
        let line = outcome.refused("AWS_CA_BUNDLE");
        assert!(line.contains(path) && line.contains(why), "{line}");
    }
}

#[test]
fn missing_system_certificates_are_an_error_at_start_if_tls_is_needed() {
    let empty = File::new("none.pem", "");
    let case = |endpoint: &str| {
        let case = Case::new(endpoint)
            .set_all(&KEYS)
            .set("SSL_CERT_FILE", empty.path());
        case.set("SSL_CERT_DIR", "/nowhere").run()
    };
    case("https://logs.stand-in.test").refused("no root certificates were found");
    let aws = StandIn::start();
    aws.create_stream("g", "s");
    case(&aws.url()).delivered();
}
