//! Lookups that fail run one at a time for all sections, with pauses. Chunks are delivered afterwards.

use support::aws::{Action, ErrorAnswer, Rule};

use crate::child::Case;
use crate::{KEYS, aws};

fn fails() -> Action {
    Action::Error(ErrorAnswer::new(500, "InternalError", "no"))
}

#[test]
fn twenty_outputs_request_a_failing_endpoint_one_at_a_time_with_pauses() {
    let aws = aws();
    aws.script(Rule::on("EcsCredentials", fails()).forever());
    let case = Case::new(&aws.url()).option("credentials_endpoint", &aws.credentials_uri());
    let case = case.option("flush_timeout", "3s").instances(20).attempts(2);
    let outcome = case.run();
    assert!(outcome.verdicts.iter().all(|verdict| verdict == "Retry"));
    assert!(outcome.lines.iter().any(|line| line.contains("HTTP 500")));
    // Six seconds, with pauses of at least half a second.
    let asked = aws.count("EcsCredentials");
    assert!((2..=12).contains(&asked), "asked {asked} times");
}

#[test]
fn twenty_outputs_request_a_refusing_sts_one_at_a_time_with_pauses() {
    let aws = aws();
    let refused = ErrorAnswer::new(403, "AccessDenied", "not authorized to assume the role");
    aws.script(Rule::on("AssumeRole", Action::Error(refused)).forever());
    let case = Case::new(&aws.url())
        .set_all(&KEYS)
        .option("sts_endpoint", &aws.url())
        .option("role_arn", "arn:aws:iam::123456789012:role/r");
    let case = case.option("flush_timeout", "3s").instances(20).attempts(2);
    let outcome = case.run();
    assert!(outcome.verdicts.iter().all(|verdict| verdict == "Retry"));
    outcome.line("not authorized to assume the role");
    let asked = aws.count("AssumeRole");
    assert!((2..=12).contains(&asked), "asked {asked} times");
}

#[test]
fn twenty_outputs_look_up_a_region_one_at_a_time() {
    let aws = aws();
    aws.script(Rule::on("ImdsToken", Action::Hang).forever());
    let case = Case::without_region(&aws.url())
        .set_all(&KEYS)
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url());
    let case = case.option("flush_timeout", "2s").instances(20).attempts(3);
    let outcome = case.run();
    assert!(outcome.verdicts.iter().all(|verdict| verdict == "Retry"));
    outcome.line("no region: set `region`");
    let asked = aws.count("ImdsToken");
    // One lookup sends the same request up to four times.
    assert!((1..=12).contains(&asked), "asked {asked} times");
}

#[test]
fn chunks_are_delivered_after_failed_credentials_with_a_line_for_each_state() {
    let aws = aws();
    aws.script(Rule::on("EcsCredentials", fails()).forever());
    let outcome = Case::new(&aws.url())
        .option("credentials_endpoint", &aws.credentials_uri())
        .option("flush_timeout", "1s")
        .attempts(20)
        .run_and(|| aws.clear());
    assert_eq!(outcome.verdicts[0], "Retry", "{outcome:#?}");
    assert_eq!(outcome.verdicts.last().unwrap(), "Ok", "{outcome:#?}");
    assert_eq!(
        outcome.count("asked to bring the chunk again"),
        1,
        "{outcome:#?}"
    );
    assert_eq!(outcome.count("requests are accepted"), 1, "{outcome:#?}");
    assert_eq!(aws.events("g", "s").len(), 1);
}
