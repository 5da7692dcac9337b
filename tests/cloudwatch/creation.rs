//! Log groups and log streams are created after a write found them missing, if the options allow it.

use std::thread;
use std::time::Duration;

use cbindings::Level;
use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Time, map};
use support::host::{LogLine, Verdict, telling, warnings};
use support::output::{GROUP, Output, STREAM, logs, messages, now_ms, ready};

use super::assert_ok;

fn operations(aws: &StandIn) -> Vec<String> {
    aws.calls().into_iter().map(|call| call.operation).collect()
}

fn error(operation: &str, code: &str) -> Rule {
    Rule::on(
        operation,
        Action::Error(ErrorAnswer::new(400, code, "so it is scripted")),
    )
}

#[test]
fn an_existing_stream_gets_writes_only() {
    let aws = ready();
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let instance = output.open();
    for _ in 0..3 {
        assert_ok(instance.flush("a.tag", logs(["one"])));
    }
    assert_eq!(operations(&aws), ["PutLogEvents"; 3]);
}

#[test]
fn two_hundred_existing_streams_take_two_hundred_writes() {
    let aws = StandIn::start();
    let names: Vec<String> = (0..200).map(|n| format!("stream-{n}")).collect();
    names.iter().for_each(|name| aws.create_stream(GROUP, name));
    let output = Output::cloudwatch(&aws).with("log_stream_name", "$(log)");
    assert_ok(output.open().flush("a.tag", logs(&names)));
    assert_eq!(operations(&aws), ["PutLogEvents"; 200]);
    for name in &names {
        assert_eq!(
            messages(&aws, GROUP, name),
            [format!(r#"{{"log":"{name}"}}"#)]
        );
    }
}

#[test]
fn a_missing_stream_is_created_and_the_batch_is_stored_once() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws)
        .with("log_stream_name", "new")
        .open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    assert_eq!(messages(&aws, GROUP, "new"), [r#"{"log":"one"}"#]);
    assert_eq!(
        operations(&aws),
        ["PutLogEvents", "CreateLogStream", "PutLogEvents"]
    );
    assert_eq!(
        telling(&instance.lines(), "created log stream `new`").len(),
        1
    );
}

#[test]
fn a_group_is_created_with_the_configured_settings() {
    let aws = StandIn::start();
    let instance = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .with("new_log_group_tags", "team=shop, stage=test")
        .with("log_retention_days", "30")
        .with("log_group_class", "INFREQUENT_ACCESS")
        .with("kms_key_id", "arn:aws:kms:us-east-1:123456789012:key/k")
        .open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    assert_eq!(messages(&aws, GROUP, STREAM), [r#"{"log":"one"}"#]);
    let group = &aws.groups()[GROUP];
    let tags: Vec<_> = group
        .tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(tags, ["stage=test", "team=shop"]);
    assert_eq!(
        (group.retention_days, group.class.as_str()),
        (Some(30), "INFREQUENT_ACCESS")
    );
    assert_eq!(
        group.kms_key_id.as_deref(),
        Some("arn:aws:kms:us-east-1:123456789012:key/k")
    );
}

#[test]
fn eight_flushes_create_a_missing_group_once() {
    let aws = StandIn::start();
    aws.set_latency(Duration::from_millis(100));
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let instance = output.with("log_retention_days", "1").open();
    thread::scope(|scope| {
        for n in 0..8 {
            let instance = &instance;
            scope.spawn(move || assert_ok(instance.flush("a.tag", logs([n.to_string()]))));
        }
    });
    let mut stored = messages(&aws, GROUP, STREAM);
    stored.sort_unstable();
    let expected: Vec<_> = (0..8).map(|n| format!(r#"{{"log":"{n}"}}"#)).collect();
    assert_eq!(stored, expected);
    assert!(
        aws.max_in_flight("PutLogEvents") > 1,
        "the flushes do not meet"
    );
    assert_eq!(aws.count("CreateLogGroup"), 1);
    assert_eq!(aws.count("PutRetentionPolicy"), 1);
    // The response to the writes says that the group is missing.
    assert_eq!(aws.count("CreateLogStream"), 1);
}

#[test]
fn a_group_and_stream_created_by_another_program_are_used() {
    let aws = ready();
    aws.script(error("PutLogEvents", "ResourceNotFoundException"));
    aws.script(error("CreateLogStream", "ResourceNotFoundException"));
    let instance = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    assert_eq!(messages(&aws, GROUP, STREAM), [r#"{"log":"one"}"#]);
    let existed = |operation: &str| {
        let calls = aws
            .calls()
            .into_iter()
            .filter(|call| call.operation == operation);
        let codes = calls.filter_map(|call| call.code);
        codes
            .filter(|code| code == "ResourceAlreadyExistsException")
            .count()
    };
    assert_eq!(
        (existed("CreateLogGroup"), existed("CreateLogStream")),
        (1, 1)
    );
    assert!(warnings(&instance.exit()).is_empty());
}

#[test]
fn a_missing_group_without_auto_create_group_is_reported_in_one_line() {
    let aws = StandIn::start();
    let instance = Output::cloudwatch(&aws).open();
    assert_eq!(instance.flush("a.tag", logs(["one"])), Verdict::Retry);
    assert_reported(&instance.lines(), "`auto_create_group true`");
    aws.create_stream(GROUP, STREAM);
    assert_ok(instance.flush("a.tag", logs(["one"])));
}

#[test]
fn a_missing_stream_without_auto_create_stream_is_reported_in_one_line() {
    let aws = StandIn::start();
    aws.create_group(GROUP);
    for group in ["true", "false"] {
        let output = Output::cloudwatch(&aws).with("auto_create_stream", "false");
        let instance = output.with("auto_create_group", group).open();
        assert_eq!(instance.flush("a.tag", logs(["one"])), Verdict::Retry);
        assert_reported(&instance.lines(), "`auto_create_stream true`");
    }
    assert!(aws.streams().is_empty());
}

/// Asserts one warning, which names the group, the stream and the option.
fn assert_reported(lines: &[LogLine], option: &str) {
    let warned = warnings(lines);
    assert_eq!(warned.len(), 1, "{lines:#?}");
    assert_eq!(warned[0].level, Some(Level::Warn));
    for part in [&format!("`{GROUP}`"), &format!("`{STREAM}`"), option] {
        assert!(
            warned[0].text.contains(part),
            "no {part} in {}",
            warned[0].text
        );
    }
}

#[test]
fn a_retention_that_cannot_be_set_does_not_delay_delivery() {
    let aws = StandIn::start();
    aws.script(error("PutRetentionPolicy", "AccessDeniedException").forever());
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let instance = output.with("log_retention_days", "7").open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    assert_eq!(messages(&aws, GROUP, STREAM), [r#"{"log":"one"}"#]);
    let lines = instance.exit();
    let warned = warnings(&lines);
    assert_eq!(warned.len(), 1, "{lines:#?}");
    assert_eq!(warned[0].level, Some(Level::Warn));
    let action = "(the IAM action logs:PutRetentionPolicy must be allowed)";
    assert!(warned[0].text.contains(action), "{warned:#?}");
}

#[test]
fn deleted_streams_and_groups_are_created_again_within_the_flush() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .open();
    assert_ok(instance.flush("a.tag", logs(["before"])));
    aws.delete_stream(GROUP, STREAM);
    assert_ok(instance.flush("a.tag", logs(["stream"])));
    assert_eq!(messages(&aws, GROUP, STREAM), [r#"{"log":"stream"}"#]);
    aws.delete_group(GROUP);
    assert_ok(instance.flush("a.tag", logs(["group"])));
    assert_eq!(messages(&aws, GROUP, STREAM), [r#"{"log":"group"}"#]);
}

#[test]
fn a_target_that_cannot_be_written_does_not_delay_others() {
    let aws = StandIn::start();
    aws.create_stream("there", "a");
    let output = Output::cloudwatch(&aws).with("log_group_name", "$(group)");
    let instance = output.with("log_stream_name", "a").open();
    let now = Time::millis(now_ms());
    let record = |group: &str| map([("group", group)]);
    let chunk = Chunk::new()
        .v2(now, record("missing"))
        .v2(now, record("there"));
    assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
    assert_eq!(messages(&aws, "there", "a"), [r#"{"group":"there"}"#]);
    aws.create_stream("missing", "a");
    assert_ok(instance.flush("a.tag", &chunk));
    assert_eq!(messages(&aws, "missing", "a"), [r#"{"group":"missing"}"#]);
    assert_eq!(
        messages(&aws, "there", "a").len(),
        1,
        "what was delivered is not sent again"
    );
}
