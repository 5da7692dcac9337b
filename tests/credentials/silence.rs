//! Endpoints that never respond, one at a time: a log line names the endpoint, the chunk is retried in time,
//! and it is delivered as soon as the endpoint responds.

use std::time::Duration;

use support::aws::{Action, Rule, StandIn};
use support::gate::Gate;

use crate::child::{Case, Outcome};
use crate::providers::File;
use crate::{KEYS, aws};

/// Asserts that the first result is a retry in time, and that the chunk is delivered once the endpoint responds.
#[track_caller]
pub(crate) fn assert_kept_and_delivered(outcome: &Outcome, endpoint_name: &str) {
    assert_eq!(outcome.verdicts[0], "Retry", "{outcome:#?}");
    assert!(outcome.took[0] < FLUSH_TIMEOUT + SLACK, "{outcome:#?}");
    outcome.line(endpoint_name);
    assert_eq!(outcome.verdicts.last().unwrap(), "Ok", "{outcome:#?}");
    let after: Duration = outcome.took[1..].iter().sum();
    assert!(after < Duration::from_secs(15), "{outcome:#?}");
}

/// A case with a short flush timeout, retried at once, also if the flush fails at once.
pub(crate) fn with_short_timeout(case: Case) -> Case {
    case.option("flush_timeout", "2s").attempts(100_000)
}

/// Does not answer calls of this operation until the first result is known.
#[track_caller]
fn assert_silence_is_survived(aws: &StandIn, operation: &str, case: Case, endpoint_name: &str) {
    aws.script(Rule::on(operation, Action::Hang).forever());
    let outcome = with_short_timeout(case).run_and(|| aws.clear());
    assert_kept_and_delivered(&outcome, endpoint_name);
}

#[test]
fn the_service() {
    let aws = aws();
    let case = Case::new(&aws.url()).set_all(&KEYS);
    assert_silence_is_survived(&aws, "PutLogEvents", case, "no answer before the flush's");
}

#[test]
fn sts() {
    let aws = aws();
    let case = Case::new(&aws.url())
        .set_all(&KEYS)
        .option("sts_endpoint", &aws.url())
        .option("role_arn", "arn:aws:iam::123456789012:role/r");
    assert_silence_is_survived(&aws, "AssumeRole", case, "STS, for the role arn:aws:iam");
}

#[test]
fn the_ecs_credentials_endpoint() {
    let aws = aws();
    let case =
        Case::new(&aws.url()).set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &aws.credentials_uri());
    let endpoint_name = "container credentials endpoint: no answer in";
    assert_silence_is_survived(&aws, "EcsCredentials", case, endpoint_name);
}

#[test]
fn a_custom_credentials_endpoint() {
    let aws = aws();
    let case = Case::new(&aws.url()).option("credentials_endpoint", &aws.credentials_uri());
    let endpoint_name = "`credentials_endpoint`: no answer in";
    assert_silence_is_survived(&aws, "EcsCredentials", case, endpoint_name);
}

#[test]
fn the_instance_metadata() {
    let aws = aws();
    let case = Case::new(&aws.url())
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url());
    assert_silence_is_survived(
        &aws,
        "ImdsToken",
        case,
        "EC2 instance metadata (could not communicate",
    );
}

#[test]
fn the_instance_metadata_with_the_region() {
    let aws = aws();
    let case = Case::without_region(&aws.url())
        .set_all(&KEYS)
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url());
    assert_silence_is_survived(&aws, "ImdsToken", case, "no region: set `region`");
}

/// A missing name does not delay a chunk. Without the metadata a fallback name is used and logged.
#[test]
fn the_ecs_metadata() {
    let aws = aws();
    aws.create_stream("fluentbit-default", "s");
    aws.script(Rule::on("EcsTask", Action::Hang).forever());
    let case = Case::new(&aws.url())
        .set_all(&KEYS)
        .set("ECS_CONTAINER_METADATA_URI_V4", &aws.task_metadata_uri())
        .option("log_group_name", "/$(ecs_cluster)");
    let outcome = with_short_timeout(case).run();
    outcome.delivered();
    assert!(outcome.took[0] < Duration::from_secs(2), "{outcome:#?}");
    outcome.line("$(ecs_cluster)");
}

/// Asserts that an endpoint that does not connect is named, and that the chunk is delivered once it connects.
fn assert_reported_and_delivered(case: Case, gate: &Gate) {
    let outcome = with_short_timeout(case)
        .option("flush_timeout", "6s")
        .run_and(|| gate.reopen());
    assert_eq!(outcome.verdicts[0], "Retry", "{outcome:#?}");
    outcome.line("connect");
    assert_eq!(outcome.verdicts.last().unwrap(), "Ok", "{outcome:#?}");
}

#[test]
fn the_connection() {
    let aws = aws();
    let gate = Gate::blocked(aws.port());
    let case = Case::new(&format!("http://127.0.0.1:{}", gate.port())).set_all(&KEYS);
    assert_reported_and_delivered(case, &gate);
}

#[test]
fn the_tls_handshake() {
    let aws = StandIn::builder().tls().start().unwrap();
    aws.create_stream("g", "s");
    let ca = File::new("silence-ca.pem", aws.certificate_pem().unwrap());
    let gate = Gate::silent(aws.port());
    let case = Case::new(&format!("https://127.0.0.1:{}", gate.port()))
        .set_all(&KEYS)
        .set("AWS_CA_BUNDLE", ca.path());
    assert_reported_and_delivered(case, &gate);
}

/// `flush_timeout`, and a margin for a busy machine.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_millis(1500);
