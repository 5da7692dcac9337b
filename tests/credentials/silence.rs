//! Black holes, one at a time: whoever never answers is named, the chunk is kept in time, and it is
//! delivered as soon as the hole closes.

use std::time::Duration;

use support::aws::{Action, Rule, StandIn};
use support::gate::Gate;

use crate::child::{Case, Outcome};
use crate::providers::File;
use crate::{KEYS, aws};

/// The first verdict is a retry in time, and the chunk arrives once the hole is closed.
#[track_caller]
pub(crate) fn assert_kept_and_delivered(outcome: &Outcome, whom: &str) {
    assert_eq!(outcome.verdicts[0], "Retry", "{outcome:#?}");
    assert!(outcome.took[0] < FLUSH_TIMEOUT + SLACK, "{outcome:#?}");
    outcome.line(whom);
    assert_eq!(outcome.verdicts.last().unwrap(), "Ok", "{outcome:#?}");
    let after: Duration = outcome.took[1..].iter().sum();
    assert!(after < Duration::from_secs(15), "{outcome:#?}");
}

/// A flush that has little time, tried again at once, also where it fails at once.
pub(crate) fn hasty(case: Case) -> Case {
    case.option("flush_timeout", "2s").attempts(100_000)
}

/// Nobody answers calls of this operation until the first verdict has come.
#[track_caller]
fn assert_silence_is_survived(aws: &StandIn, operation: &str, case: Case, whom: &str) {
    aws.script(Rule::on(operation, Action::Hang).forever());
    let outcome = hasty(case).run_and(|| aws.clear());
    assert_kept_and_delivered(&outcome, whom);
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
    let whom = "container credentials endpoint: no answer in";
    assert_silence_is_survived(&aws, "EcsCredentials", case, whom);
}

#[test]
fn a_credentials_endpoint_of_ones_own() {
    let aws = aws();
    let case = Case::new(&aws.url()).option("credentials_endpoint", &aws.credentials_uri());
    let whom = "`credentials_endpoint`: no answer in";
    assert_silence_is_survived(&aws, "EcsCredentials", case, whom);
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
fn the_instance_metadata_that_knows_the_region() {
    let aws = aws();
    let case = Case::without_region(&aws.url())
        .set_all(&KEYS)
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url());
    assert_silence_is_survived(&aws, "ImdsToken", case, "no region: set `region`");
}

/// Names are no reason to keep a chunk: without the metadata they fall back, and a line says so.
#[test]
fn the_ecs_metadata() {
    let aws = aws();
    aws.create_stream("fluentbit-default", "s");
    aws.script(Rule::on("EcsTask", Action::Hang).forever());
    let case = Case::new(&aws.url())
        .set_all(&KEYS)
        .set("ECS_CONTAINER_METADATA_URI_V4", &aws.task_metadata_uri())
        .option("log_group_name", "/$(ecs_cluster)");
    let outcome = hasty(case).run();
    outcome.delivered();
    assert!(outcome.took[0] < Duration::from_secs(2), "{outcome:#?}");
    outcome.line("$(ecs_cluster)");
}

/// Whoever does not connect is named, and the chunk is delivered once the gate is open.
fn assert_told_and_mended(case: Case, gate: &Gate) {
    let outcome = hasty(case)
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
    assert_told_and_mended(case, &gate);
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
    assert_told_and_mended(case, &gate);
}

/// `flush_timeout`, and what a busy machine may add.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_millis(1500);
