use serde_json::json;

use super::*;

fn task(mode: &str) -> TaskDefinition {
    let task = json!({
        "family": "shop", "networkMode": mode,
        "containerDefinitions": [
            { "name": "router", "memoryReservation": 128,
              "firelensConfiguration": { "type": "fluentbit", "options": {
                  "config-file-type": "file", "config-file-value": "/extra.conf" } },
              "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "r" } } },
            { "name": "web", "logConfiguration": { "logDriver": "awsfirelens",
                "options": { "Name": "cloudwatch", "region": "eu-west-1", "Alias": "w",
                    "log_group_name": "/$(ecs_cluster)", "exclude-pattern": "GET /healthz",
                    "log-driver-buffer-limit": "200000" },
                "secretOptions": [{ "name": "role_arn", "valueFrom": "arn:aws:ssm:x" }] } },
            { "name": "worker", "logConfiguration": { "logDriver": "awsfirelens",
                "options": { "Name": "firehose", "include-pattern": "^(WARN|ERROR)" } } },
        ]
    });
    serde_json::from_value(task).unwrap()
}

fn on_ec2() -> Placement {
    Placement {
        cluster: "prod".to_owned(),
        task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9d".to_owned(),
        revision: 7,
        ec2_instance_id: Some("i-0abc".to_owned()),
        listen: Listen::default(),
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

#[test]
fn the_sections_stand_in_the_agents_order() {
    let text = configuration(&task("bridge"), &on_ec2()).unwrap();
    let expected = "
[INPUT]
    Name forward
    Mem_Buf_Limit 64MB
    unix_path /var/run/fluent.sock

[INPUT]
    Name forward
    Listen 0.0.0.0
    Port 24224

[INPUT]
    Name tcp
    Tag firelens-healthcheck
    Listen 127.0.0.1
    Port 8877

[FILTER]
    Name   grep
    Match worker-firelens*
    Regex  log ^(WARN|ERROR)

[FILTER]
    Name   grep
    Match web-firelens*
    Exclude log GET /healthz

[FILTER]
    Name record_modifier
    Match *
    Record ec2_instance_id i-0abc
    Record ecs_cluster prod
    Record ecs_task_arn arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9d
    Record ecs_task_definition shop:7

@INCLUDE /extra.conf

[OUTPUT]
    Name null
    Match firelens-healthcheck

[OUTPUT]
    Name cloudwatch
    Match web-firelens*
    Alias w
    log_group_name /$(ecs_cluster)
    region eu-west-1
    role_arn ${role_arn_1}

[OUTPUT]
    Name firehose
    Match worker-firelens*
";
    assert_eq!(text, expected);
}

#[test]
fn awsvpc_binds_to_the_task_alone_and_fargate_has_no_instance() {
    let fargate = Placement {
        ec2_instance_id: None,
        ..on_ec2()
    };
    let text = configuration(&task("awsvpc"), &fargate).unwrap();
    assert!(!text.contains("0.0.0.0") && !text.contains("ec2_instance_id"));
    let listens = lines(&text)
        .into_iter()
        .filter(|line| *line == "Listen 127.0.0.1");
    assert_eq!(listens.count(), 2);
}

#[test]
fn host_mode_has_the_socket_alone() {
    for mode in ["host", "none"] {
        let text = configuration(&task(mode), &on_ec2()).unwrap();
        assert_eq!(text.matches("[INPUT]").count(), 1, "{mode}");
        assert!(!text.contains("healthcheck"), "{mode}");
    }
}

#[test]
fn metadata_is_added_unless_the_switch_says_otherwise() {
    for (switch, added) in [("true", true), ("1", true), ("false", false), ("on", false)] {
        let mut task = task("host");
        let router = task.container_definitions[0]
            .firelens_configuration
            .as_mut();
        let options = &mut router.unwrap().options;
        options.insert("enable-ecs-log-metadata".to_owned(), switch.to_owned());
        let text = configuration(&task, &on_ec2()).unwrap();
        assert_eq!(text.contains("record_modifier"), added, "{switch}");
    }
}

#[test]
fn memory_bounds_the_buffer_of_the_socket() {
    let bounded = |reservation, limit| {
        let mut task = task("host");
        let router = &mut task.container_definitions[0];
        (router.memory_reservation, router.memory) = (reservation, limit);
        configuration(&task, &on_ec2()).unwrap()
    };
    assert!(bounded(None, Some(101)).contains("Mem_Buf_Limit 50MB\n"));
    assert!(bounded(Some(64), Some(101)).contains("Mem_Buf_Limit 32MB\n"));
    assert!(bounded(None, None).contains("Mem_Buf_Limit 25MB\n"));
}

#[test]
fn what_fails_a_task_is_refused() {
    let refusal = |change: fn(&mut TaskDefinition)| {
        let mut task = task("host");
        change(&mut task);
        configuration(&task, &on_ec2()).unwrap_err()
    };
    let no_router = refusal(|task| task.container_definitions[0].firelens_configuration = None);
    assert_eq!(no_router, Refusal::NoRouter);
    let no_name = refusal(|task| {
        let logs = task.container_definitions[1].log_configuration.as_mut();
        logs.unwrap().options.remove("Name");
    });
    assert_eq!(no_name, Refusal::NoOutputName("web".to_owned()));
    let file = |task: &mut TaskDefinition, key: &str, value: Option<&str>| {
        let router = task.container_definitions[0]
            .firelens_configuration
            .as_mut();
        let options = &mut router.unwrap().options;
        options.remove(key);
        options.extend(value.map(|value| (key.to_owned(), value.to_owned())));
    };
    let mut no_value = task("host");
    file(&mut no_value, "config-file-value", None);
    let mut unknown = task("host");
    file(&mut unknown, "config-file-type", Some("git"));
    assert_eq!(
        configuration(&no_value, &on_ec2()),
        Err(Refusal::NoFileValue)
    );
    let expected = Err(Refusal::UnknownFileType("git".to_owned()));
    assert_eq!(configuration(&unknown, &on_ec2()), expected);
}

#[test]
fn a_container_without_any_option_is_left_to_the_included_file() {
    let mut task = task("host");
    let logs = task.container_definitions[2].log_configuration.as_mut();
    logs.unwrap().options.clear();
    let text = configuration(&task, &on_ec2()).unwrap();
    assert!(!text.contains("firehose"));
}
