//! Signatures, STS and the metadata endpoints.

use std::time::Duration;

use super::client::{Client, Reply, authorization};
use super::{batch, now_ms, put_one, ready};
use crate::aws::StandIn;

fn put_with(aws: &StandIn, authorization: &str) -> Reply {
    let body = batch(&[(now_ms(), "one")]).to_string();
    Client::of(aws)
        .json_with(
            "Logs_20140328.PutLogEvents",
            authorization,
            "",
            body.as_bytes(),
        )
        .unwrap()
}

fn sts(aws: &StandIn, authorization: &str, form: &str) -> Reply {
    let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{authorization}");
    Client::of(aws)
        .request("POST", "/", &headers, form.as_bytes())
        .unwrap()
}

#[test]
fn a_request_must_be_signed_for_its_service() {
    let aws = ready();
    let code = |reply: Reply| reply.outcome();
    assert_eq!(
        code(put_with(&aws, "")),
        (403, "MissingAuthenticationTokenException".to_owned())
    );
    let foreign = authorization("firehose");
    assert_eq!(
        code(put_with(&aws, &foreign)),
        (403, "IncompleteSignatureException".to_owned())
    );
    assert!(aws.events("/ecs/web", "web").is_empty());
}

#[test]
fn an_invented_signature_and_an_unknown_key_are_refused_when_signatures_are_checked() {
    let knows = |id: &str| StandIn::builder().verify(id, "secret").start().unwrap();
    let reply = put_one(&knows("AKIDOTHER"));
    assert_eq!(
        reply.outcome(),
        (403, "UnrecognizedClientException".to_owned())
    );
    let reply = put_one(&knows("AKIDEXAMPLE"));
    assert_eq!(
        reply.outcome(),
        (403, "InvalidSignatureException".to_owned())
    );
}

#[test]
fn a_role_is_assumed_and_recorded() {
    let aws = StandIn::start();
    let form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Flogs\
                &RoleSessionName=router&ExternalId=42&DurationSeconds=900";
    let unsigned = sts(&aws, "", form);
    assert_eq!(unsigned.status, 403);
    assert!(
        unsigned
            .text()
            .contains("<Code>MissingAuthenticationToken</Code>")
    );
    let reply = sts(&aws, &authorization("sts"), form);
    assert!(
        reply.is_ok() && reply.text().contains("<AccessKeyId>ASIA"),
        "{}",
        reply.text()
    );
    let role = &aws.assumed_roles()[0];
    assert_eq!(role.role_arn, "arn:aws:iam::123456789012:role/logs");
    assert_eq!(
        (role.external_id.as_deref(), role.duration_seconds),
        (Some("42"), Some(900))
    );
    assert_eq!(
        sts(&aws, &authorization("sts"), &form.replace("=900", "=899")).status,
        400
    );
    assert_eq!(aws.assumed_roles().len(), 1);
}

#[test]
fn a_web_identity_needs_a_token_and_no_signature() {
    let aws = StandIn::start();
    let form = "Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::123456789012:role/logs&RoleSessionName=router";
    assert_eq!(sts(&aws, "", form).status, 400);
    assert!(sts(&aws, "", &format!("{form}&WebIdentityToken=token")).is_ok());
    assert_eq!(
        aws.assumed_roles()[0].web_identity_token.as_deref(),
        Some("token")
    );
}

#[test]
fn container_credentials_need_their_token_live_as_long_as_told_and_rotate() {
    let lifetime = Duration::from_secs(90);
    let aws = StandIn::builder()
        .credentials_token("let me")
        .credentials_lifetime(lifetime)
        .start()
        .unwrap();
    let mut client = Client::of(&aws);
    assert_eq!(client.get("/creds", "").status, 401);
    let first = client.get("/creds", "Authorization: let me\r\n").json();
    let second = client.get("/creds", "Authorization: let me\r\n").json();
    assert_ne!(first["AccessKeyId"], second["AccessKeyId"]);
    let expiry = |ms: i64| crate::aws::clock::iso8601(now_ms() + ms);
    let said = second["Expiration"].as_str().unwrap();
    assert!(
        said > expiry(80_000).as_str() && said <= expiry(90_000).as_str(),
        "{said}"
    );
    assert_eq!(aws.count("EcsCredentials"), 3);
}

#[test]
fn task_metadata_speaks_of_the_task_and_of_the_container() {
    let aws = StandIn::start();
    let mut client = Client::of(&aws);
    for version in ["v3", "v4"] {
        let task = client
            .get(&format!("/{version}/log-router/task"), "")
            .json();
        assert_eq!(
            (&task["Family"], &task["Revision"]),
            (&"shop".into(), &"7".into())
        );
        assert_eq!(task["Containers"][1]["Name"], "web");
        let container = client.get(&format!("/{version}/log-router"), "").json();
        assert_eq!(container["Name"], "log_router");
    }
    assert_eq!((aws.count("EcsTask"), aws.count("EcsContainer")), (2, 2));
}

#[test]
fn instance_metadata_needs_a_session_token() {
    let aws = StandIn::builder().region("eu-west-1").start().unwrap();
    let mut client = Client::of(&aws);
    let role = "/latest/meta-data/iam/security-credentials/";
    assert_eq!(client.get(role, "").status, 401);
    assert_eq!(
        client
            .request("PUT", "/latest/api/token", "", b"")
            .unwrap()
            .status,
        400
    );
    let ttl = "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n";
    let token = client
        .request("PUT", "/latest/api/token", ttl, b"")
        .unwrap();
    let header = format!("X-aws-ec2-metadata-token: {}\r\n", token.text());
    assert_eq!(client.get(role, &header).text(), "instance-role");
    assert_eq!(
        client.get(&format!("{role}instance-role"), &header).json()["Code"],
        "Success"
    );
    assert_eq!(client.get(&format!("{role}other"), &header).status, 404);
    assert_eq!(
        client
            .get("/latest/meta-data/placement/region", &header)
            .text(),
        "eu-west-1"
    );
    aws.set_clock_offset(61);
    assert_eq!(client.get(role, &header).status, 401);
}
