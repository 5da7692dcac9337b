//! Log lines show the scheme, host and port of URLs, and no secrets of URLs or of the environment.

use std::net::TcpListener;

use crate::aws;
use crate::child::{Case, Outcome};
use crate::providers::File;

const SECRETS: [&str; 5] = [
    "PASSword",
    "TOKENsecret",
    "PATHsecret",
    "USERname",
    "QUERYsecret",
];

fn assert_no_secret(outcome: &Outcome) {
    for secret in SECRETS {
        assert_eq!(outcome.count(secret), 0, "`{secret}` in {outcome:#?}");
    }
}

/// A local port without a listener.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_credentials_endpoint_is_named_by_scheme_host_and_port() {
    let aws = aws();
    let port = closed_port();
    let url = format!("http://USERname:PASSword@127.0.0.1:{port}/PATHsecret?token=QUERYsecret");
    let outcome = Case::new(&aws.url())
        .option("credentials_endpoint", &url)
        .option("flush_timeout", "1s")
        .run();
    outcome.retried(&format!("http://127.0.0.1:{port}"));
    assert_no_secret(&outcome);
}

#[test]
fn a_login_in_a_credentials_endpoint_is_sent_as_a_header() {
    let aws = aws();
    let url = aws
        .credentials_uri()
        .replace("http://", "http://USERname:PASS%40word@");
    let outcome = Case::new(&aws.url())
        .option("credentials_endpoint", &url)
        .run();
    outcome.delivered();
    let calls = aws.calls();
    let call = calls.iter().find(|call| call.operation == "EcsCredentials");
    let login = call.unwrap().header("authorization");
    // `USERname:PASS@word`
    assert_eq!(login, Some("Basic VVNFUm5hbWU6UEFTU0B3b3Jk"));
}

#[test]
fn a_login_in_an_endpoint_is_an_error_at_start() {
    let aws = aws();
    for key in ["endpoint", "sts_endpoint"] {
        for value in [
            "https://USERname:PASSword@127.0.0.1:1/PATHsecret?x=QUERYsecret",
            "USERname:PASSword@127.0.0.1:1",
        ] {
            let outcome = Case::new(&aws.url()).option(key, value).run();
            let line = outcome.refused(&format!("`{key}`"));
            assert!(line.contains("no user name and no password"), "{line}");
            assert_no_secret(&outcome);
        }
    }
}

#[test]
fn a_refused_endpoint_is_not_logged() {
    let aws = aws();
    for key in ["endpoint", "sts_endpoint", "credentials_endpoint"] {
        let value = "ftp://127.0.0.1/PATHsecret?token=QUERYsecret";
        let outcome = Case::new(&aws.url()).option(key, value).run();
        outcome.refused(&format!("`{key}`"));
        assert_no_secret(&outcome);
    }
}

#[test]
fn no_line_has_secrets_of_the_environment() {
    let aws = aws();
    let token = File::new("secret-token", "TOKENsecret\u{1}\n");
    let port = closed_port();
    let case = |name: &str, value: &str| {
        let case = Case::new(&aws.url()).option("flush_timeout", "1s");
        case.set(name, value)
    };
    let full = format!("http://USERname:PASSword@127.0.0.1:{port}/PATHsecret?token=QUERYsecret");
    for case in [
        case("AWS_CONTAINER_CREDENTIALS_FULL_URI", &full),
        case(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "USERname:PASSword@host/PATHsecret",
        ),
        case(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "/PATHsecret \u{7f}",
        ),
        case("AWS_CONTAINER_CREDENTIALS_FULL_URI", &aws.credentials_uri())
            .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "TOKENsecret\u{1}"),
        case("AWS_CONTAINER_CREDENTIALS_FULL_URI", &aws.credentials_uri())
            .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.path()),
        case("AWS_EC2_METADATA_SERVICE_ENDPOINT", &full).set("AWS_EC2_METADATA_DISABLED", "false"),
        case("AWS_WEB_IDENTITY_TOKEN_FILE", token.path())
            .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")
            .option(
                "sts_endpoint",
                &format!("http://127.0.0.1:{port}/PATHsecret"),
            ),
        case("HTTP_PROXY", "ftp://USERname:PASSword@127.0.0.1/PATHsecret"),
        case(
            "AWS_CA_BUNDLE",
            "http://USERname:PASSword@127.0.0.1/PATHsecret",
        ),
    ] {
        let outcome = case.run();
        assert_ne!(outcome.verdicts, ["Ok"], "{outcome:#?}");
        assert_no_secret(&outcome);
    }
}
