//! Creates that are throttled, fail or are refused: the calls, the stored events and the log lines.

use std::time::Duration;

use cbindings::Level;
use support::aws::{Action, Call, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Time, map};
use support::host::{Instance, LogLine, Verdict, telling, warnings};
use support::output::{GROUP, Output, STREAM, logs, messages, now_ms, ready};

use super::assert_ok;

fn error(code: &str) -> ErrorAnswer {
    ErrorAnswer::new(400, code, "so it is scripted")
}

fn failing(operation: &str, code: &str) -> Rule {
    Rule::on(operation, Action::Error(error(code)))
}

fn calls(aws: &StandIn, operation: &str) -> Vec<Call> {
    let calls = aws.calls().into_iter();
    calls.filter(|call| call.operation == operation).collect()
}

/// The number of calls of an operation that were answered with this code.
fn answered(aws: &StandIn, operation: &str, code: &str) -> usize {
    let calls = calls(aws, operation).into_iter();
    calls
        .filter(|call| call.code.as_deref() == Some(code))
        .count()
}

/// A chunk with one event for each of `count` streams, named by `log`.
fn streams(count: usize) -> (Vec<String>, Chunk) {
    let names: Vec<String> = (0..count).map(|n| format!("stream-{n}")).collect();
    let chunk = logs(&names);
    (names, chunk)
}

fn assert_each_once(aws: &StandIn, group: &str, names: &[String]) {
    for name in names {
        let expected = [format!(r#"{{"log":"{name}"}}"#)];
        assert_eq!(messages(aws, group, name), expected, "{name}");
    }
}

/// Flushes up to twice, as Fluent Bit does with its default `Retry_Limit` of 1.
fn flush_with_one_retry(instance: &Instance, chunk: &Chunk) -> Verdict {
    match instance.flush("a.tag", chunk) {
        Verdict::Retry => instance.flush("a.tag", chunk),
        verdict => verdict,
    }
}

#[test]
fn sixty_new_streams_at_five_creates_a_second_need_few_throttled_calls() {
    let aws = ready();
    aws.limit_operation("CreateLogStream", 5.0);
    let (names, chunk) = streams(60);
    let output = Output::cloudwatch(&aws).with("log_stream_name", "$(log)");
    let instance = output.open();
    assert_ok(flush_with_one_retry(&instance, &chunk));
    assert_each_once(&aws, GROUP, &names);
    let throttled = answered(&aws, "CreateLogStream", "ThrottlingException");
    let (creates, writes) = (aws.count("CreateLogStream"), aws.count("PutLogEvents"));
    println!("creates {creates}, of which throttled {throttled}; writes {writes}");
    assert!(throttled <= 20, "{throttled} throttled creates");
    // Each stream has two writes; three if its create did not fit into the first flush.
    assert!(writes <= 60 * 3, "{writes} writes");
}

#[test]
fn a_create_with_a_temporary_error_is_retried_without_another_write() {
    for code in [
        "ThrottlingException",
        "OperationAbortedException",
        "LimitExceededException",
        "ServiceUnavailableException",
    ] {
        let aws = StandIn::start();
        aws.script(failing("CreateLogGroup", code).times(3));
        aws.script(failing("CreateLogStream", code).times(3));
        let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
        assert_ok(output.open().flush("a.tag", logs(["one"])));
        assert_eq!(messages(&aws, GROUP, STREAM), [r#"{"log":"one"}"#]);
        let operations: Vec<_> = aws.calls().into_iter().map(|call| call.operation).collect();
        let creates = [["CreateLogGroup"; 4], ["CreateLogStream"; 4]].concat();
        let expected = [&["PutLogEvents"][..], &creates, &["PutLogEvents"]].concat();
        assert_eq!(operations, expected, "{code}");
    }
}

#[test]
fn a_throttled_create_does_not_slow_writes() {
    let aws = ready();
    let throttled = error("ThrottlingException").header("x-amz-retry-after", "60000");
    aws.script(Rule::on("CreateLogStream", Action::Error(throttled)).forever());
    let output = Output::cloudwatch(&aws).with("flush_timeout", "1s");
    let missing = output.clone().with("log_stream_name", "new").open();
    assert_eq!(missing.flush("a.tag", logs(["one"])), Verdict::Retry);
    assert_ok(output.open().flush("a.tag", logs(["two"])));
    assert_eq!(aws.count("PutLogEvents"), 2);
    assert_eq!(aws.count("CreateLogStream"), 1);
}

#[test]
fn a_throttled_write_does_not_slow_creates() {
    let aws = ready();
    // Both writes are in flight before the first response.
    aws.set_latency(Duration::from_millis(200));
    let throttled = error("ThrottlingException").header("x-amz-retry-after", "60000");
    aws.script(Rule::on("PutLogEvents", Action::Error(throttled)).stream(STREAM));
    let output = Output::cloudwatch(&aws).with("log_stream_name", "$(log)");
    let instance = output.with("flush_timeout", "3s").open();
    let chunk = logs([STREAM, "new"]);
    assert_eq!(instance.flush("a.tag", chunk), Verdict::Retry);
    assert_eq!(aws.count("PutLogEvents"), 2);
    assert_eq!(aws.count("CreateLogStream"), 1);
}

#[test]
fn retry_after_of_a_create_is_respected() {
    let aws = ready();
    let throttled = error("ThrottlingException").header("x-amz-retry-after", "1500");
    aws.script(Rule::on("CreateLogStream", Action::Error(throttled)));
    let output = Output::cloudwatch(&aws).with("log_stream_name", "new");
    assert_ok(output.open().flush("a.tag", logs(["one"])));
    let creates = calls(&aws, "CreateLogStream");
    assert_eq!(creates.len(), 2);
    let waited = creates[1].started - creates[0].started;
    assert!(waited >= Duration::from_millis(1500), "{waited:?}");
}

#[test]
fn a_very_long_retry_after_of_a_create_ends_in_a_retry_at_the_deadline() {
    for operation in ["CreateLogStream", "CreateLogGroup"] {
        for (header, value) in [
            ("retry-after", "18446744073709551615"),
            ("x-amz-retry-after", "18446744073709551615"),
        ] {
            let aws = StandIn::start();
            let throttled = error("ThrottlingException").header(header, value);
            aws.script(Rule::on(operation, Action::Error(throttled)));
            let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
            let instance = output.with("flush_timeout", "1s").open();
            assert_eq!(instance.flush("a.tag", logs(["one"])), Verdict::Retry);
            let lines = instance.exit();
            assert!(telling(&lines, "panic").is_empty(), "{lines:#?}");
            let reported = telling(&lines, "events are not delivered yet");
            assert_eq!(reported.len(), 1, "{lines:#?}");
            assert!(
                reported[0]
                    .text
                    .contains(&format!("{operation}: ThrottlingException"))
            );
        }
    }
}

#[test]
fn a_denied_group_is_requested_once_per_flush() {
    let aws = StandIn::start();
    aws.script(failing("CreateLogGroup", "AccessDeniedException").forever());
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let instance = output.with("log_stream_name", "$(log)").open();
    let (names, chunk) = streams(60);
    for flushes in 1..=3 {
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
        assert_eq!(aws.count("CreateLogGroup"), flushes);
    }
    aws.clear();
    assert_ok(instance.flush("a.tag", &chunk));
    assert_each_once(&aws, GROUP, &names);
}

#[test]
fn a_denied_stream_is_requested_once_per_flush_and_does_not_delay_others() {
    let aws = ready();
    aws.script(
        failing("CreateLogStream", "AccessDeniedException")
            .stream("a")
            .forever(),
    );
    let instance = Output::cloudwatch(&aws)
        .with("log_stream_name", "$(to)")
        .open();
    let chunk = ["a", "b", "a"].iter().fold(Chunk::new(), |chunk, to| {
        chunk.v2(Time::millis(now_ms()), map([("to", *to)]))
    });
    assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
    assert_eq!(calls(&aws, "CreateLogStream").len(), 2);
    assert_eq!(messages(&aws, GROUP, "b"), [r#"{"to":"b"}"#]);
}

/// The warnings and the debug lines about failed attempts of one operation.
fn failures<'l>(lines: &'l [LogLine], operation: &str, code: &str) -> [Vec<&'l LogLine>; 2] {
    let reported = telling(lines, operation).into_iter();
    let reported: Vec<_> = reported
        .filter(|line| {
            [code, "so it is scripted", GROUP, STREAM]
                .iter()
                .all(|part| line.text.contains(part))
        })
        .collect();
    [Level::Warn, Level::Debug].map(|level| {
        let of_level = reported.iter().filter(|line| line.level == Some(level));
        of_level.copied().collect()
    })
}

#[test]
fn every_failed_create_is_reported_once_at_warn_and_each_attempt_at_debug() {
    for operation in ["CreateLogStream", "CreateLogGroup"] {
        for code in [
            "ThrottlingException",
            "OperationAbortedException",
            "LimitExceededException",
            "ServiceUnavailableException",
            "InternalFailure",
        ] {
            let aws = StandIn::start();
            aws.script(failing(operation, code).times(2));
            let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
            let instance = output.open();
            assert_ok(instance.flush("a.tag", logs(["one"])));
            let lines = instance.lines();
            let [warned, debugged] = failures(&lines, operation, code);
            assert_eq!(warned.len(), 1, "{lines:#?}");
            assert_eq!(debugged.len(), 2, "{lines:#?}");
            for (number, line) in (1..).zip(debugged) {
                assert!(
                    line.text.ends_with(&format!("(attempt {number})")),
                    "{line:?}"
                );
            }
        }
    }
}

#[test]
fn a_refused_create_is_reported_with_operation_code_and_message() {
    for operation in ["CreateLogStream", "CreateLogGroup"] {
        for code in ["InvalidParameterException", "AccessDeniedException"] {
            let aws = StandIn::start();
            aws.script(failing(operation, code).forever());
            let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
            let instance = output.open();
            assert_eq!(instance.flush("a.tag", logs(["one"])), Verdict::Retry);
            let lines = instance.lines();
            let [warned, debugged] = failures(&lines, operation, code);
            assert_eq!((warned.len(), debugged.len()), (1, 1), "{lines:#?}");
            let summary = telling(&lines, "events are not delivered yet");
            assert!(summary[0].text.contains(operation) && summary[0].text.contains(code));
        }
    }
}

#[test]
fn a_create_without_a_response_is_reported_and_retried() {
    let aws = ready();
    aws.script(Rule::on("CreateLogStream", Action::AcceptThenHang));
    let output = Output::cloudwatch(&aws).with("log_stream_name", "new");
    let instance = output.open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    assert_eq!(messages(&aws, GROUP, "new"), [r#"{"log":"one"}"#]);
    assert_eq!(aws.count("CreateLogStream"), 2);
    let lines = instance.lines();
    let warned = warnings(&lines);
    assert_eq!(warned.len(), 1, "{lines:#?}");
    let text = "CreateLogStream failed: no answer in time";
    assert!(warned[0].text.contains(text), "{warned:#?}");
}

#[test]
fn a_created_group_that_becomes_visible_late_is_retried() {
    let aws = StandIn::start();
    let missing = ErrorAnswer::new(
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    );
    aws.script(Rule::on("CreateLogStream", Action::Error(missing)).times(3));
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    assert_ok(output.open().flush("a.tag", logs(["one"])));
    assert_eq!(messages(&aws, GROUP, STREAM), [r#"{"log":"one"}"#]);
    assert_eq!(
        (aws.count("CreateLogGroup"), aws.count("PutLogEvents")),
        (1, 2)
    );
}

#[test]
fn a_throttled_retention_does_not_delay_other_groups() {
    let aws = StandIn::start();
    for group in ["a", "b"] {
        aws.script(
            failing("PutRetentionPolicy", "ThrottlingException")
                .group(group)
                .forever(),
        );
    }
    let output = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .with("log_retention_days", "7")
        .with("log_group_name", "$(log)");
    let instance = output.open();
    assert_ok(instance.flush("a.tag", logs(["a", "b"])));
    assert!(aws.wait_for(|account| account.count("PutRetentionPolicy") >= 2, WAIT));
    assert_ok(instance.flush("a.tag", logs(["c"])));
    assert!(aws.wait_for(
        |account| account.groups()["c"].retention_days == Some(7),
        WAIT
    ));
    let attempts = aws.count("PutRetentionPolicy");
    // The two other groups are still retried, 8 times each.
    assert!(
        attempts < 8,
        "{attempts} calls until the third group was set"
    );
    assert!(warnings(&instance.lines()).is_empty());
}

#[test]
fn a_retention_that_failed_is_set_after_a_later_write() {
    let aws = StandIn::start();
    aws.script(failing("PutRetentionPolicy", "OperationAbortedException").times(8));
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let instance = output.with("log_retention_days", "7").open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    let line =
        "the retention of 7 days was not set; it is tried again when the group is next written to";
    let reported = || !telling(&instance.lines(), line).is_empty();
    assert!(aws.wait_for(|account| account.count("PutRetentionPolicy") == 8, WAIT));
    // The line is written after the last response, in the background of a flush.
    while !reported() {
        assert_ok(instance.flush("a.tag", logs(["two"])));
    }
    assert_ok(instance.flush("a.tag", logs(["three"])));
    assert!(aws.wait_for(
        |account| account.groups()[GROUP].retention_days == Some(7),
        WAIT
    ));
    assert_eq!(aws.count("PutRetentionPolicy"), 9);
}

const WAIT: Duration = Duration::from_secs(30);
