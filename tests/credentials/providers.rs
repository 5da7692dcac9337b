//! Base credentials from each source, and from none.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use support::aws::{Action, ErrorAnswer, Rule, StandIn};

use crate::child::Case;
use crate::{KEYS, aws};

/// A file of one test, removed when it is dropped.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let name = format!("router-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // The file may have been removed already.
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn the_environment_comes_first() {
    let aws = aws();
    let line = Case::new(&aws.url()).set_all(&KEYS).run();
    let line = line.delivered();
    assert!(
        line.contains("access key ending in AK, from environment"),
        "{line}"
    );
    assert!(
        line.contains("region us-east-1") && line.contains(&aws.url()),
        "{line}"
    );
    assert!(!line.contains("SK"), "{line}");
}

#[test]
fn a_profile_has_keys() {
    let aws = aws();
    let file = File::new(
        "keys",
        "[default]\naws_access_key_id=NO\naws_secret_access_key=NO\n[shop]\naws_access_key_id=AK\naws_secret_access_key=SK\n",
    );
    let outcome = Case::new(&aws.url())
        .set("AWS_SHARED_CREDENTIALS_FILE", file.path())
        .option("profile", "shop")
        .run();
    assert!(outcome.delivered().contains("from profile `shop`"));
}

#[test]
fn a_profile_assumes_a_role() {
    let aws = aws();
    let file = File::new(
        "role",
        "[profile shop]\nrole_arn=arn:aws:iam::123456789012:role/shop\nsource_profile=base\n\
         [profile base]\naws_access_key_id=AK\naws_secret_access_key=SK\n",
    );
    let outcome = Case::new(&aws.url())
        .set("AWS_CONFIG_FILE", file.path())
        .set("AWS_PROFILE", "shop")
        .set("AWS_ENDPOINT_URL_STS", &aws.url())
        .run();
    outcome.delivered();
    assert_eq!(
        aws.assumed_roles()[0].role_arn,
        "arn:aws:iam::123456789012:role/shop"
    );
}

#[test]
fn a_profile_runs_a_process() {
    let aws = aws();
    let answer = r#"{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK"}"#;
    let answer = File::new("answer", answer);
    let process = format!("[default]\ncredential_process = cat {}\n", answer.path());
    let file = File::new("process", &process);
    let outcome = Case::new(&aws.url())
        .set("AWS_CONFIG_FILE", file.path())
        .run();
    assert!(
        outcome
            .delivered()
            .contains("from profile's credential_process")
    );
}

#[test]
fn an_unsupported_kind_of_profile_is_reported() {
    let aws = aws();
    let file = File::new(
        "sso",
        "[default]\nsso_session=x\nsso_account_id=123456789012\nsso_role_name=r\n\
         [sso-session x]\nsso_region=us-east-1\nsso_start_url=https://x.stand-in.test/start\n",
    );
    let outcome = Case::new(&aws.url())
        .set("AWS_CONFIG_FILE", file.path())
        .run();
    let line = outcome.retried("`sso`");
    assert!(line.contains("is not supported"), "{line}");
}

#[test]
fn a_web_identity_is_exchanged_at_the_sts_endpoint() {
    let aws = aws();
    let token = File::new("token", "the-token\n");
    let outcome = Case::new(&aws.url())
        .option("sts_endpoint", &aws.url())
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", token.path())
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
        .set("AWS_ROLE_SESSION_NAME", "my-session")
        .run();
    assert!(outcome.delivered().contains("from web identity"));
    let role = &aws.assumed_roles()[0];
    assert_eq!(role.operation, "AssumeRoleWithWebIdentity");
    assert_eq!(role.session_name, "my-session");
    assert_eq!(role.web_identity_token.as_deref(), Some("the-token"));
}

#[test]
fn a_container_endpoint_uses_a_token_or_a_token_file() {
    let aws = StandIn::builder()
        .verify("AK", "SK")
        .credentials_token("let-me-in")
        .start()
        .unwrap();
    aws.create_stream("g", "s");
    let file = File::new("container-token", "let-me-in");
    let case =
        Case::new(&aws.url()).set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &aws.credentials_uri());
    let token = case
        .clone()
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me-in");
    assert!(
        token
            .run()
            .delivered()
            .contains("container credentials endpoint")
    );
    let token_file = case
        .clone()
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.path());
    token_file.run().delivered();
    assert_eq!(aws.count("EcsCredentials"), 2);
    case.run().retried("container credentials endpoint");
    assert_eq!(
        aws.count("ImdsToken"),
        0,
        "a task role that fails is not passed over"
    );
}

#[test]
fn instance_metadata_version_2_has_credentials() {
    let aws = aws();
    let outcome = Case::new(&aws.url())
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url())
        .run();
    assert!(outcome.delivered().contains("from EC2 instance metadata"));
    assert!(aws.count("ImdsToken") > 0);
}

#[test]
fn a_credentials_endpoint_replaces_all_other_sources() {
    let aws = aws();
    let outcome = Case::new(&aws.url())
        .set("AWS_ACCESS_KEY_ID", "WRONG")
        .set("AWS_SECRET_ACCESS_KEY", "WRONG")
        .option("credentials_endpoint", &aws.credentials_uri())
        .run();
    assert!(outcome.delivered().contains("from `credentials_endpoint`"));
    assert_eq!(aws.count("EcsCredentials"), 1);
}

#[test]
fn a_credentials_endpoint_that_fails_is_a_retry_with_its_reason() {
    let aws = aws();
    let error = ErrorAnswer::new(500, "InternalError", "no");
    aws.script(Rule::on("EcsCredentials", Action::Error(error)).forever());
    let outcome = Case::new(&aws.url())
        .option("credentials_endpoint", &aws.credentials_uri())
        .run();
    let line = outcome.retried("credentials_endpoint");
    assert!(line.contains("HTTP 500"), "{line}");
}

#[test]
fn missing_credentials_are_a_retry_that_names_each_source() {
    let aws = aws();
    let outcome = Case::new(&aws.url()).run();
    let line = outcome.retried("none found");
    for place in [
        "environment",
        "profile",
        "web identity",
        "container",
        "EC2 instance metadata",
        "hop limit",
    ] {
        assert!(line.contains(place), "{place}: {line}");
    }
}

#[test]
fn twenty_outputs_ask_once() {
    let aws = aws();
    aws.set_latency(Duration::from_millis(20));
    let outcome = Case::new(&aws.url())
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &aws.credentials_uri())
        .instances(20)
        .run();
    outcome.delivered();
    assert_eq!(
        (outcome.verdicts.len(), aws.count("EcsCredentials")),
        (20, 1)
    );
}
