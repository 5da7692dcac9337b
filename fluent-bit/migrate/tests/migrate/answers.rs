//! Configurations in the forms that the peers document, and what each needs here.

use migrate::report::Remark;

use crate::{report, run};

/// A section, and each remark on it, as it is printed.
const OUTPUTS: &[(&str, &[&str])] = &[
    // The Go plugin `cloudwatch`, with the template of its documentation's kind.
    (
        "Name cloudwatch\nMatch *\nregion us-east-1\nlog_group_name app-$(kubernetes['namespace_name'])\nlog_stream_name $(tag[1])\nauto_create_group true",
        &[
            "keep    region, log_group_name, log_stream_name, auto_create_group",
            "change  an event's time is its record's own, where the Go plugin took the time of delivery with Fluent Bit 2.1 and later",
            "change  a record's keys stay in their order, and `<`, `>` and `&` as they are",
        ],
    ),
    (
        "Name cloudwatch\nMatch **\nlog_key log\nregion us-east-1\nlog_group_name g\nlog_stream_prefix from-\nauto_create_group On\nretry_limit 2\nworkers 1",
        &[
            "keep    log_key, region, log_group_name, log_stream_prefix, retry_limit",
            "change  `auto_create_group On` counts, where the Go plugin took its default for it",
            "edit    leave out `workers`: a flush that waits holds no thread, and `concurrency` says how many chunks are delivered at once",
            "change  an event's time is its record's own, where the Go plugin took the time of delivery with Fluent Bit 2.1 and later",
            "change  `log_key`: white space around a line stays",
            "change  `retry_limit 2`: Fluent Bit gives a chunk up after 2 retries, and its events are lost; `no_limits` keeps them as long as there is room",
        ],
    ),
    (
        "Name cloudwatch\nMatch *\nregion us-east-1\nlog_group_name $(missing\nlog_stream_name s\nendpoint https://logs.example.com\nrole_arn arn:aws:iam::123456789012:role/x\nlog_key k",
        &[
            "keep    region, log_group_name, log_stream_name, endpoint, role_arn, log_key",
            "change  an event's time is its record's own, where the Go plugin took the time of delivery with Fluent Bit 2.1 and later",
            "change  `log_key`: white space around a line stays",
            "change  `endpoint` counts together with `role_arn`, where the Go plugin left it out",
            "problem `log_group_name` is `$(missing`: column 1: a `$(` has no closing `)`",
        ],
    ),
    // The Go plugin `firehose`.
    (
        "Name firehose\nMatch *\nregion us-west-2\ndelivery_stream my-stream\nreplace_dots _\ndata_keys log,time\ntime_key time\ntime_key_format %Y-%m-%dT%H:%M:%S.%L",
        &[
            "keep    region, delivery_stream, replace_dots, data_keys, time_key, time_key_format",
            "change  an event's time is its record's own, where the Go plugin took the time of delivery with Fluent Bit 2.1 and later",
        ],
    ),
    (
        "Name firehose\nMatch *\nregion us-west-2\ndelivery_stream d\ncompression gzip\npartition_key x",
        &[
            "keep    region, delivery_stream",
            "change  `compression` counts, where the Go plugin has no such option",
            "edit    `partition_key` has no effect here: it belongs to the `kinesis` output.",
        ],
    ),
    (
        "Name kinesis\nMatch *\nregion us-west-2\nstream my-stream\npartition_key container_id\nappend_newline true\naggregation true\ncompression zlib\nreplace_dots _\nexperimental_concurrency 2\nexperimental_concurrency_retries 4\nhttp_request_timeout 5",
        &[
            "keep    region, stream, partition_key, append_newline, aggregation, compression, replace_dots, experimental_concurrency, http_request_timeout",
            "edit    `experimental_concurrency_retries` has no effect here: requests are retried until `flush_timeout`, then Fluent Bit retries the chunk as its `Retry_Limit` says; nothing is dropped before.",
            "change  `aggregation`: an aggregate has records of one partition key, where the Go plugin sent records of several keys under one of them",
            "change  `experimental_concurrency`: a chunk is acknowledged when it is delivered, where the Go plugin acknowledged it before",
        ],
    ),
    // Fluent Bit's own, in C.
    (
        "Name cloudwatch_logs\nMatch *\nregion us-east-1\nlog_group_name fluent-bit-cloudwatch\nlog_group_template application-logs-$kubernetes['host'].$kubernetes['namespace_name']\nlog_stream_prefix from-fluent-bit-\nlog_stream_template $kubernetes['pod_name'].$kubernetes['container_name']\nauto_create_group On\nmetric_namespace n",
        &[
            "edit    write `Name cloudwatch` for `Name cloudwatch_logs`",
            "keep    region, log_group_name, log_group_template, log_stream_prefix, log_stream_template, auto_create_group, metric_namespace",
            "change  Fluent Bit's own metrics are not taken: keep the C plugin for the inputs that make them",
        ],
    ),
    (
        "name cloudwatch_logs\nmatch *\nregion us-east-1\nlog_group_name g$1\nlog_stream_name s\nlog_key log\nport 8443\ntls.ca_file /ca.pem\nnet.keepalive off\ntls on",
        &[
            "edit    write `Name cloudwatch` for `Name cloudwatch_logs`",
            "keep    region, log_group_name, log_stream_name, log_key",
            "edit    leave out `port`, and write it into `endpoint`: `endpoint https://HOST:8443`",
            "edit    leave out `tls.ca_file`, and set AWS_CA_BUNDLE in the router's environment",
            "edit    leave out `net.keepalive`: it does not reach the plugin",
            "problem `tls on` stops the start: leave it out, TLS is the plugin's own",
            "change  `log_group_name`: `$` begins a variable here, where the C plugin took it as it is",
            "change  `log_key`: the key is matched whole, where the C plugin took each one that it begins with",
            "change  records of the inputs cpu and mem stay as they are; `metric_namespace` makes metrics of them",
            "change  Fluent Bit's own metrics are not taken: keep the C plugin for the inputs that make them",
        ],
    ),
    (
        "Name kinesis_firehose\nMatch *\nregion us-east-1\ndelivery_stream d\ntime_key t\ntime_key_format %H:%M:%S.%L\ncompression snappy",
        &[
            "edit    write `Name firehose` for `Name kinesis_firehose`",
            "keep    region, delivery_stream, time_key, time_key_format, compression",
            "edit    add `time_key_zone utc`: the C plugin writes UTC, the plugin here local time unless told",
            "edit    `time_key_format`: write `%9N` for `%L`, which is milliseconds here and nanoseconds in the C plugin",
        ],
    ),
    (
        "Name kinesis_streams\nMatch *\nregion us-east-1\nstream s\ncompression gzip\nlog_key log",
        &[
            "edit    write `Name kinesis` for `Name kinesis_streams`",
            "keep    region, stream, compression, log_key",
            "change  `log_key`: the key is matched whole, where the C plugin took each one that it begins with",
            "edit    add `append_newline true`: the C plugin ends each record in a newline",
        ],
    ),
    // Others, and what cannot be judged.
    (
        "Name es\nMatch *",
        &["keep    it is none of the plugins here"],
    ),
    ("Match *", &["problem it has no `Name`"]),
    (
        "Name firehose\nregion ${REGION}\ndelivery_stream d\nregoin x\nconcurrency ${N}",
        &[
            "keep    region, delivery_stream",
            "edit    `regoin` is no option and has no effect: is `region` meant?",
            "change  `concurrency` counts, where the Go plugin has no such option",
            "change  `region` is `${REGION}`: its value is not known here",
            "change  `concurrency` is `${N}`: its value is not known here",
        ],
    ),
];

#[test]
fn each_output_is_told_what_it_needs() {
    for (section, expected) in OUTPUTS {
        let report = report(&format!("[OUTPUT]\n{section}\n"));
        let told = report.parts[0].remarks.iter().map(ToString::to_string);
        assert_eq!(told.collect::<Vec<_>>(), *expected, "{section}");
    }
}

/// Options of a container with the awslogs driver, those it has afterwards, and what is said.
const DRIVERS: &[(&str, &str, &[&str])] = &[
    (
        r#"{"awslogs-group": "/ecs/app", "awslogs-region": "us-west-2", "awslogs-stream-prefix": "ecs", "awslogs-create-group": "true"}"#,
        r#"{"Name":"cloudwatch","awslogs-create-group":"true","awslogs-group":"/ecs/app","awslogs-region":"us-west-2","awslogs-stream-prefix":"ecs"}"#,
        &[],
    ),
    (
        r#"{"awslogs-group": "g", "awslogs-region": "us-west-2", "mode": "non-blocking", "max-buffer-size": "25m", "awslogs-datetime-format": "\\[%b %d, %Y %H:%M:%S\\]"}"#,
        r#"{"Name":"cloudwatch","awslogs-datetime-format":"\\[%b %d, %Y %H:%M:%S\\]","awslogs-group":"g","awslogs-region":"us-west-2"}"#,
        &[
            "`max-buffer-size` has no effect here: it belongs to a Docker log driver; use `log-driver-buffer-limit`",
            "`mode` has no effect here",
            "`awslogs-datetime-format` joins the lines of a chunk",
        ],
    ),
    (
        r#"{"awslogs-group": "g", "awslogs-region": "us-west-2", "awslogs-multiline-pattern": "\\p{Lu}", "tag": "{{.ImageName}}"}"#,
        r#"{"Name":"cloudwatch","awslogs-group":"g","awslogs-multiline-pattern":"\\p{Lu}","awslogs-region":"us-west-2","tag":"{{.ImageName}}"}"#,
        &[
            "`\\p` is not supported here",
            "`tag` is `{{.ImageName}}`: the router does not know",
            "`awslogs-multiline-pattern` joins the lines of a chunk",
        ],
    ),
];

#[test]
fn a_container_with_awslogs_keeps_its_options() {
    for (options, expected, told) in DRIVERS {
        let task = format!(
            r#"{{"family": "shop", "networkMode": "host", "containerDefinitions": [{{"name": "web", "logConfiguration": {{"logDriver": "awslogs", "options": {options}}}}}]}}"#
        );
        let report = report(&task);
        let of_web = report
            .parts
            .iter()
            .find(|part| part.title.contains("`web`"));
        let remarks = &of_web.unwrap().remarks;
        let Remark::Text(text) = &remarks[1] else {
            panic!("{remarks:?}");
        };
        let shown: serde_json::Value = serde_json::from_str(&format!("{{{text}}}")).unwrap();
        assert_eq!(shown["logConfiguration"]["logDriver"], "awsfirelens");
        assert_eq!(shown["logConfiguration"]["options"].to_string(), *expected);
        for part in *told {
            let is_told = |remark: &Remark| remark.to_string().contains(part);
            assert!(remarks.iter().any(is_told), "{part}: {remarks:?}");
        }
        assert_eq!(remarks.len(), 3 + told.len(), "{remarks:?}");
    }
}

#[test]
fn a_task_without_a_router_is_given_one_that_keeps_the_rules() {
    let report = report(
        r#"{"family": "shop", "containerDefinitions": [{"name": "web", "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}}]}"#,
    );
    let Remark::Text(router) = &report.parts[0].remarks[1] else {
        panic!("{report}");
    };
    let router: serde_json::Value = serde_json::from_str(router).unwrap();
    let task = serde_json::json!({
        "family": "shop",
        "taskRoleArn": "arn:aws:iam::123456789012:role/shop",
        "containerDefinitions": [router, {
            "name": "web",
            "dependsOn": [{"containerName": router["name"], "condition": "START"}],
            "logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "cloudwatch", "awslogs-group": "g"}},
        }],
    });
    assert_eq!(
        run(&["rules", "-"], &task.to_string(), &[]),
        (0, "all 24 rules hold\n".to_owned())
    );
    let text = report.to_string();
    for told in [
        "condition\": \"START\"",
        "add a `taskRoleArn`",
        "logs:PutLogEvents",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_task_with_awss_image_needs_another_image() {
    let text = report(
        r#"{"taskDefinition": {"family": "shop", "networkMode": "awsvpc", "taskRoleArn": "r", "containerDefinitions": [
            {"name": "router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable", "stopTimeout": 60,
             "environment": [{"name": "FLB_LOG_LEVEL", "value": "debug"}],
             "firelensConfiguration": {"type": "fluentbit"}},
            {"name": "app", "logConfiguration": {"logDriver": "awsfirelens"}},
            {"name": "old", "logConfiguration": {"logDriver": "json-file"}},
            {"name": "web", "logConfiguration": {"logDriver": "awsfirelens",
             "options": {"Name": "cloudwatch", "log_group_name": "g", "log_stream_name": "s", "log-driver-buffer-limit": "9"},
             "secretOptions": [{"name": "role_arn", "valueFrom": "x"}]}}]}}"#,
    )
    .to_string();
    for told in [
        "write this router's image for `public.ecr.aws/aws-observability/aws-for-fluent-bit:stable`",
        "FLB_LOG_LEVEL sets the level",
        "container `app`: routed by the configuration file",
        "container `old`: log driver json-file",
        "keep    log_group_name, log_stream_name, role_arn\n",
        "`role_arn` is `${role_arn}`: its value is not known here",
        "it has secretOptions, and no executionRoleArn",
        "\"Action\": [\"sts:AssumeRole\"]",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_fluentd_router_is_told_and_no_more() {
    let text = report(
        r#"{"family": "shop", "containerDefinitions": [
            {"name": "router", "firelensConfiguration": {"type": "fluentd"}},
            {"name": "web", "logConfiguration": {"logDriver": "awsfirelens", "options": {"@type": "kinesis_firehose"}}}]}"#,
    )
    .to_string();
    assert!(text.contains("it is Fluentd"), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn the_status_tells_what_the_lines_do() {
    let firehose = "[OUTPUT]\nName firehose\nregion r\ndelivery_stream d\n";
    let policy = r#"{"Statement": [{"Effect": "Allow", "Action": "logs:*"}]}"#;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("policy.json");
    std::fs::write(&file, policy).unwrap();
    let task = include_str!("../../../../examples/ecs-task.json");
    let policy_file = file.to_str().unwrap();
    let config = folder.join("grace.yaml");
    std::fs::write(&config, "service:\n  grace: 60\n").unwrap();
    let config_file = config.to_str().unwrap();
    for (arguments, input, status, told) in [
        (&["-"][..], firehose, 0, "firehose:PutRecordBatch"),
        (
            &["-"],
            "[OUTPUT]\nName firehose\n",
            1,
            "`delivery_stream` is required",
        ),
        (&["-"], "{", 2, "migrate: -: no JSON: line 1, column 2"),
        (&["/none"], "", 2, "migrate: /none: "),
        (&["rules", "-"], firehose, 2, "those of a task definition"),
        (&["rules", "-"], task, 0, "rules hold\n"),
        (
            &["rules", "--config", config_file, "-"],
            task,
            1,
            "its stopTimeout is 60 s, no longer than Grace, 60 s",
        ),
        (
            &["rules", "--config", policy_file, "-"],
            task,
            2,
            "no task definition and no configuration",
        ),
        (&["rules", "--polcy", policy_file, "-"], task, 2, "usage"),
        (
            &["-"],
            "pipeline:\n  outputs:\n    - name: cloudwatch_logs\n      match: '*'\n",
            1,
            "line 3: output `cloudwatch_logs`\n  edit    write `Name cloudwatch`",
        ),
        (
            &["rules", "--policy", policy_file, "-"],
            task,
            1,
            "does not allow firehose:PutRecordBatch",
        ),
        (&["multiline", "^a"], "", 0, "[MULTILINE_PARSER]"),
        (&["multiline", "--datetime", "%e"], "", 2, "`%e` is none of"),
        (&[], "", 2, "usage"),
        (&["--help"], "", 0, "usage"),
    ] {
        let (found, text) = run(arguments, input, &[]);
        assert_eq!(found, status, "{arguments:?}: {text}");
        assert!(text.contains(told), "{arguments:?}: {text}");
    }
}
