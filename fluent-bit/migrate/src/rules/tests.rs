use super::*;
use crate::classic;

const TASK: &str = r#"{
  "family": "shop", "networkMode": "bridge",
  "taskRoleArn": "arn:aws:iam::123456789012:role/shop",
  "executionRoleArn": "arn:aws:iam::123456789012:role/shop",
  "containerDefinitions": [
    {"name": "router", "essential": true, "stopTimeout": 60, "healthCheck": {"command": ["CMD", "x"]},
     "firelensConfiguration": {"type": "fluentbit", "options": {
       "enable-ecs-log-metadata": "true", "config-file-type": "file", "config-file-value": "/a.conf"}},
     "logConfiguration": {"logDriver": "awslogs"}},
    {"name": "web", "dependsOn": [{"containerName": "router", "condition": "HEALTHY"}],
     "logConfiguration": {"logDriver": "awsfirelens", "options": {
       "Name": "cloudwatch", "region": "us-east-1", "log_group_name": "g", "log_stream_name": "s",
       "retry_limit": "4", "log-driver-buffer-limit": "1000", "exclude-pattern": "x"},
       "secretOptions": [{"name": "role_arn", "valueFrom": "x"}]}}]}"#;

fn broken_in(text: &str) -> Vec<String> {
    broken(&TaskDefinition::parse(text).unwrap(), GRACE_SECONDS)
}

#[test]
fn a_task_that_keeps_the_rules_breaks_none() {
    assert_eq!(broken_in(TASK), [""; 0]);
}

/// Each line is one edit, and what is told of it.
#[test]
fn each_broken_rule_is_told() {
    for (from, to, told) in [
        (
            "\"fluentbit\"",
            "\"fluentd\"",
            "router `router`: its type is `fluentd`",
        ),
        (
            "config-file-value\"",
            "config-file-path\"",
            "`config-file-path` is no option of firelensConfiguration",
        ),
        (
            "\"file\"",
            "\"ssm\"",
            "`config-file-type` is `ssm`, neither",
        ),
        (
            "/a.conf",
            "/fluent-bit/etc/fluent-bit.conf",
            "ECS writes /fluent-bit/etc/fluent-bit.conf itself",
        ),
        (
            ": \"true\",",
            ": \"on\",",
            "`enable-ecs-log-metadata` is `on`, no boolean",
        ),
        (
            "\"logDriver\": \"awslogs\"",
            "\"logDriver\": \"awsfirelens\"",
            "cannot go through itself",
        ),
        (
            "\"essential\": true",
            "\"essential\": false",
            "not essential",
        ),
        (
            "\"stopTimeout\": 60",
            "\"stopTimeout\": 30",
            "no longer than Grace, 30 s",
        ),
        (
            "\"healthCheck\": {\"command\": [\"CMD\", \"x\"]},",
            "",
            "HEALTHY router, which has no healthCheck",
        ),
        ("HEALTHY", "COMPLETE", "condition COMPLETE"),
        (
            "\"dependsOn\": [{\"containerName\": \"router\", \"condition\": \"HEALTHY\"}],",
            "",
            "in bridge mode it must wait",
        ),
        (
            "\"firelensConfiguration\"",
            "\"x\"",
            "1 container logs by awsfirelens, and no",
        ),
        ("\"Name\": \"cloudwatch\",", "", "no `Name`"),
        (
            "\"region\": \"us-east-1\",",
            "\"mode\": \"non-blocking\",",
            "`mode` has no effect",
        ),
        (
            "\"region\": \"us-east-1\",",
            "\"regoin\": \"x\",",
            "`regoin` is no option and has no effect: is `region` meant?",
        ),
        (
            "\"region\": \"us-east-1\",",
            "\"oversize\": \"drop\",",
            "`oversize` is `drop`: it must be",
        ),
        (
            "\"region\": \"us-east-1\",",
            "\"tls\": \"on\",",
            "`tls on` stops the start",
        ),
        (
            "\"region\": \"us-east-1\",",
            "\"flush_timeout\": \"30s\",",
            "`flush_timeout` is 30s, no shorter than the router's Grace",
        ),
        ("\"1000\"", "\"1m\"", "`log-driver-buffer-limit` is `1m`"),
        ("\"1000\"", "\"536870912\"", "below 536870912"),
        ("\"awslogs\"", "\"awslog\"", "`awslog` is no log driver"),
        ("\"taskRoleArn\"", "\"x\"", "no taskRoleArn"),
        ("\"executionRoleArn\"", "\"x\"", "no executionRoleArn"),
        (
            "{\"name\": \"web\",",
            "{\"name\": \"b\", \"firelensConfiguration\": {\"type\": \"fluentbit\"}}, {\"name\": \"web\",",
            "has several: router, b",
        ),
        (
            "\"essential\": true,",
            "\"dependsOn\": [{\"containerName\": \"web\", \"condition\": \"START\"}],",
            "it waits for `web`, which logs through it",
        ),
    ] {
        let task = TASK.replace(from, to);
        assert_ne!(task, TASK, "{from}");
        let broken = broken_in(&task);
        assert!(
            broken.iter().any(|why| why.contains(told)),
            "{told}: {broken:?}"
        );
    }
}

#[test]
fn fargate_has_rules_of_its_own() {
    let fargate = TASK.replace(
        "\"networkMode\": \"bridge\"",
        "\"networkMode\": \"awsvpc\", \"requiresCompatibilities\": [\"FARGATE\"]",
    );
    assert_eq!(broken_in(&fargate), [""; 0]);
    for (from, to, told) in [
        (
            "\"file\"",
            "\"s3\"",
            "on Fargate a configuration cannot come from S3",
        ),
        ("60", "121", "Fargate's longest 120 s"),
    ] {
        let broken = broken_in(&fargate.replace(from, to));
        assert!(
            broken.iter().any(|why| why.contains(told)),
            "{told}: {broken:?}"
        );
    }
}

#[test]
fn a_name_that_begins_another_tag_is_told() {
    let second = r#"{"name": "web-firelens-b", "dependsOn": [{"containerName": "router", "condition": "START"}],
        "logConfiguration": {"logDriver": "awsfirelens"}}, {"name": "web","#;
    let broken = broken_in(&TASK.replace("{\"name\": \"web\",", second));
    let told = "the output of `web` gets the lines of `web-firelens-b` too";
    assert!(broken[0].contains(told), "{broken:?}");
    assert_eq!(broken.len(), 1);
}

#[test]
fn a_policy_lacks_what_the_outputs_need() {
    let task = TaskDefinition::parse(TASK).unwrap();
    let policy = r#"{"Statement": {"Effect": "Allow", "Action": ["logs:*"]}}"#;
    let policy: Policy = serde_json::from_str(policy).unwrap();
    let lacking = lacking(&task, &policy);
    assert_eq!(lacking, ["the policy does not allow sts:AssumeRole"]);
}

#[test]
fn the_grace_is_that_of_the_image() {
    let text = include_str!("../../../etc/with-defaults.conf");
    let sections = classic::sections(text).unwrap();
    let service = sections.iter().find(|section| section.kind == "SERVICE");
    let grace = service.unwrap().options.get("Grace").unwrap();
    assert_eq!(grace, GRACE_SECONDS.to_string());
}
