//! Encodings, TLS, counting mode, and the control endpoints.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::{Client, authorization};
use super::{batch, deliver, now_ms, put, put_one, ready};
use crate::aws::{Action, Rule, StandIn, digest};

#[test]
fn a_gzip_body_is_unpacked_and_a_broken_one_refused() {
    let aws = ready();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed
        .write_all(batch(&[(now_ms(), "packed")]).to_string().as_bytes())
        .unwrap();
    let packed = packed.finish().unwrap();
    let send = |body: &[u8]| {
        let signed = authorization("logs");
        let encoding = "Content-Encoding: gzip\r\n";
        Client::of(&aws)
            .json_with("Logs_20140328.PutLogEvents", &signed, encoding, body)
            .unwrap()
    };
    assert!(send(&packed).is_ok());
    assert_eq!(
        send(&packed[..packed.len() - 9]).outcome(),
        (400, "SerializationException".to_owned())
    );
    assert_eq!(aws.events("/ecs/web", "web")[0].message, "packed");
    assert_eq!(aws.calls()[0].body_length, packed.len());
}

/// What a TLS client reads after asking for credentials.
fn credentials_over_tls(aws: &StandIn) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(aws.certificate_pem().unwrap().as_bytes());
    roots.add(authority.unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", aws.port()))?);
    stream.write_all(b"GET /creds HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn tls_is_trusted_by_the_certificate_that_was_made() {
    let aws = StandIn::builder().tls().start().unwrap();
    let answer = credentials_over_tls(&aws).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("SecretAccessKey"),
        "{answer}"
    );
    assert!(aws.url().starts_with("https://127.0.0.1:"));
}

#[test]
fn a_reset_and_a_close_under_tls_are_the_same_as_without() {
    let aws = StandIn::builder().tls().start().unwrap();
    aws.script(Rule::on("EcsCredentials", Action::Reset));
    aws.script(Rule::on("EcsCredentials", Action::Close));
    assert_eq!(
        credentials_over_tls(&aws).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let closed = credentials_over_tls(&aws);
    assert!(
        closed.as_deref().is_ok_and(str::is_empty)
            || closed.is_err_and(|e| e.kind() == ErrorKind::UnexpectedEof)
    );
    assert!(credentials_over_tls(&aws).is_ok());
}

#[test]
fn counting_keeps_no_text_but_knows_what_there_was() {
    let aws = StandIn::builder().counting().auto_create().start().unwrap();
    let now = now_ms();
    assert!(put(&aws, &[(now, "one"), (now, "three")]).is_ok());
    assert!(deliver(&aws, &[b"two"]).is_ok());
    assert!(aws.events("/ecs/web", "web").is_empty() && aws.records("orders").is_empty());
    let tally = aws.look(|account| account.events_tally());
    assert_eq!((tally.count, tally.bytes), (2, 8));
    assert_eq!(tally.digest, digest(b"one").wrapping_add(digest(b"three")));
    assert_eq!(
        aws.look(|account| account.records_tally().digest),
        digest(b"two")
    );
}

#[test]
fn counting_keeps_the_latest_thousand_calls_and_all_counts() {
    let aws = StandIn::builder().counting().start().unwrap();
    let mut client = Client::of(&aws);
    (0..1100).for_each(|_| assert_eq!(client.get("/creds", "").status, 200));
    assert_eq!(
        (aws.calls().len(), aws.count("EcsCredentials")),
        (1000, 1100)
    );
    assert!(aws.calls().iter().all(|call| call.succeeded()));
}

#[test]
fn a_script_can_be_set_and_the_account_be_read_over_http() {
    let aws = ready();
    let mut client = Client::of(&aws);
    let script = json!({"rules": [{"operation": "PutLogEvents", "times": 1,
        "action": {"error": {"code": "ThrottlingException"}}}]});
    let set = client
        .request(
            "POST",
            "/_stand-in/script",
            "",
            script.to_string().as_bytes(),
        )
        .unwrap();
    assert!(set.is_ok());
    assert_eq!(
        client
            .request("POST", "/_stand-in/script", "", b"{\"rule\": []}")
            .unwrap()
            .status,
        400
    );
    assert_eq!(put_one(&aws).status, 400);
    assert!(put_one(&aws).is_ok());
    deliver(&aws, b"r".chunks(1).collect::<Vec<_>>().as_slice());
    let summary = client.get("/_stand-in/summary", "").json();
    assert_eq!(
        summary["calls"],
        json!({"PutLogEvents": 2, "PutRecordBatch": 1})
    );
    assert_eq!(summary["errors"], json!({"ThrottlingException": 1}));
    assert_eq!(summary["events"]["/ecs/web"]["web"]["count"], 1);
    assert_eq!(summary["records_total"]["bytes"], 1);
    let events = client
        .get("/_stand-in/events?group=%2Fecs%2Fweb&stream=web", "")
        .json();
    assert_eq!(events[0]["message"], "one");
    assert_eq!(
        client.get("/_stand-in/records?stream=orders", "").json(),
        json!(["cg=="])
    );
    assert_eq!(
        client.get("/_stand-in/calls", "").json()[0]["code"],
        "ThrottlingException"
    );
}

#[test]
fn forgetting_keeps_what_exists_and_drops_what_was_accepted() {
    let aws = ready();
    put_one(&aws);
    deliver(&aws, &[b"x"]);
    aws.forget();
    assert!(aws.calls().is_empty() && aws.count("PutLogEvents") == 0);
    assert_eq!(
        aws.look(|account| account.events_tally().count + account.records_tally().count),
        0
    );
    assert!(put_one(&aws).is_ok() && deliver(&aws, &[b"x"]).is_ok());
}

#[test]
fn calls_tell_which_shared_a_connection() {
    let aws = ready();
    let mut client = Client::of(&aws);
    client.get("/creds", "");
    client.get("/creds", "");
    Client::of(&aws).get("/creds", "");
    let connections: Vec<_> = aws.calls().iter().map(|call| call.connection).collect();
    assert_eq!(connections[0], connections[1]);
    assert_ne!(connections[0], connections[2]);
}

#[test]
fn an_operation_or_content_type_that_nobody_knows_is_refused() {
    let aws = ready();
    let unknown = Client::of(&aws).logs("PutEverything", &json!({}));
    assert_eq!(
        unknown.outcome(),
        (400, "UnknownOperationException".to_owned())
    );
    assert!(unknown.head.contains("x-amzn-requestid: "));
    let headers = format!(
        "X-Amz-Target: Logs_20140328.PutLogEvents\r\n{}",
        authorization("logs")
    );
    assert_eq!(
        Client::of(&aws)
            .request("POST", "/", &headers, b"{}")
            .unwrap()
            .status,
        404
    );
}
