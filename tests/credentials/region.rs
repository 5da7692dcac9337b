//! The region if it is not configured.

use support::aws::{StandIn, Task};

use crate::KEYS;
use crate::child::Case;
use crate::providers::File;

fn aws() -> StandIn {
    let task = Task {
        task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/demo/0f9d".to_owned(),
        ..Task::default()
    };
    let aws = StandIn::builder()
        .task(task)
        .region("ap-south-1")
        .start()
        .unwrap();
    aws.create_stream("g", "s");
    aws
}

#[test]
fn a_profile_has_the_region() {
    let aws = aws();
    let file = File::new("region", "[default]\nregion = eu-north-1\n");
    let outcome = Case::without_region(&aws.url())
        .set_all(&KEYS)
        .set("AWS_CONFIG_FILE", file.path())
        .run();
    assert!(outcome.delivered().contains("region eu-north-1"));
}

#[test]
fn the_task_arn_has_the_region() {
    let aws = aws();
    let outcome = Case::without_region(&aws.url())
        .set_all(&KEYS)
        .set("ECS_CONTAINER_METADATA_URI_V4", &aws.task_metadata_uri())
        .run();
    assert!(outcome.delivered().contains("region eu-west-1"));
    let call = aws
        .calls()
        .into_iter()
        .find(|call| call.operation == "PutLogEvents");
    let call = call.unwrap();
    let signed = call.header("authorization").unwrap();
    assert!(signed.contains("/eu-west-1/logs/"), "{signed}");
}

#[test]
fn task_metadata_version_3_has_the_region() {
    let aws = aws();
    let outcome = Case::without_region(&aws.url())
        .set_all(&KEYS)
        .set(
            "ECS_CONTAINER_METADATA_URI_V4",
            &format!("{}/gone", aws.url()),
        )
        .set("ECS_CONTAINER_METADATA_URI", &format!("{}/v3/x", aws.url()))
        .run();
    assert!(outcome.delivered().contains("region eu-west-1"));
}

#[test]
fn instance_metadata_has_the_region() {
    let aws = aws();
    let outcome = Case::without_region(&aws.url())
        .set_all(&KEYS)
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url())
        .run();
    assert!(outcome.delivered().contains("region ap-south-1"));
}

#[test]
fn a_missing_region_is_a_retry_that_names_the_settings() {
    let aws = aws();
    let outcome = Case::without_region(&aws.url()).set_all(&KEYS).run();
    let line = outcome.retried("no region");
    assert!(
        line.contains("AWS_REGION") && line.contains("not on ECS"),
        "{line}"
    );
    assert_eq!(aws.calls().len(), 0);
}
