//! The log lines of init about a section's options.

use cbindings::Level;
use support::host::{LogLine, telling, warnings};
use support::output::{Output, logs, ready};

use super::assert_ok;

/// Asserts one error line per bad option, with its key, its value and the allowed values.
fn assert_reported(lines: &[LogLine], bad: &[(&str, &str, &str)]) {
    for (key, value, allowed) in bad {
        let reported = format!("`{key}` is `{value}`: ");
        let line = lines.iter().find(|line| line.text.contains(&reported));
        let line = line.unwrap_or_else(|| panic!("nothing of `{key}` in {lines:#?}"));
        assert_eq!(line.level, Some(Level::Error));
        assert!(line.text.contains(allowed), "{}", line.text);
    }
}

fn with(output: Output, options: &[(&str, &str, &str)]) -> Output {
    let set = |output: Output, (key, value, _): &(&str, &str, &str)| output.with(key, value);
    options.iter().fold(output, set)
}

#[test]
fn every_bad_option_of_cloudwatch_is_reported_at_start() {
    let bad = [
        ("log_group_template", "$(pam['item'", "column"),
        ("log_stream_name", "$(tag[x])", "column"),
        ("auto_create_group", "maybe", "true, on, yes, 1, false"),
        ("auto_create_stream", "perhaps", "true, on, yes, 1, false"),
        ("log_retention_days", "8", "one of 1, 3, 5, 7"),
        ("log_group_class", "COLD", "STANDARD, INFREQUENT_ACCESS"),
        ("max_event_bytes", "1023", "from 1024 to 1048576"),
        ("oversize", "drop", "split, truncate"),
        ("compression", "zip", "none, gzip"),
        ("endpoint", "ftp://host", "a URL of http or https"),
        ("sts_endpoint", "a b", "a URL of http or https"),
        ("flush_timeout", "1h", "from 1s to 600s"),
        ("concurrency", "-1", "from 1 to 64"),
    ];
    let aws = ready();
    let output = with(Output::cloudwatch(&aws).without("log_group_name"), &bad);
    let lines = output.with("log_stream_prefix", "p").refused();
    assert_reported(&lines, &bad);
    let reported = |text| telling(&lines, text).len();
    assert_eq!(reported("`log_group_name` is required"), 1);
    assert_eq!(
        reported("exactly one of `log_stream_name`, `log_stream_prefix`"),
        1
    );
    assert_eq!(lines.len(), bad.len() + 2, "{lines:#?}");
    assert!(aws.calls().is_empty());
}

#[test]
fn every_bad_option_of_firehose_is_reported_at_start() {
    let bad = [
        ("delivery_stream", "a b", "1 to 64 letters"),
        ("time_key_format", "%Q", "column"),
        ("time_key_zone", "mars", "local, utc"),
        ("endpoint", "https://", "a URL of http or https"),
        ("flush_timeout", "0", "from 1s to 600s"),
        ("concurrency", "65", "from 1 to 64"),
    ];
    let aws = ready();
    let output = Output::firehose(&aws).with("time_key", "time");
    let lines = with(output, &bad).refused();
    assert_reported(&lines, &bad);
    assert_eq!(lines.len(), bad.len(), "{lines:#?}");
    assert!(aws.calls().is_empty());
}

/// Fluent Bit ends after a refusal. This process continues, and the plugin must work.
#[test]
fn a_section_opens_after_another_was_refused() {
    let aws = ready();
    let refused = Output::cloudwatch(&aws).with("oversize", "drop");
    let lines = refused.refused();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let instance = Output::cloudwatch(&aws).open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
}

#[test]
fn a_key_without_effect_is_warned_about_once() {
    let aws = ready();
    let odd = [
        ("auto_craete_group", "`auto_create_group` meant?"),
        ("log-group-name", "`log_group_name` meant?"),
        ("endpoints", "`endpoint` meant?"),
        ("awslogs_group", "`awslogs-group` meant?"),
        ("awslogs-max-buffered-events", "`log-driver-buffer-limit`"),
        ("delivery_stream", "`firehose` output"),
    ];
    let set = |output: Output, (key, _): &(&str, &str)| output.with(key, "true");
    let instance = odd.iter().fold(Output::cloudwatch(&aws), set).open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    let lines = instance.exit();
    for (key, reported) in odd {
        let of_key = telling(&lines, &format!("`{key}`"));
        assert_eq!(of_key.len(), 1, "`{key}` in {lines:#?}");
        assert_eq!(of_key[0].level, Some(Level::Warn));
        assert!(of_key[0].text.contains(reported), "{}", of_key[0].text);
    }
}

#[test]
fn a_valid_section_logs_no_warnings() {
    let aws = ready();
    for output in [
        Output::cloudwatch(&aws),
        Output::firehose(&aws),
        Output::kinesis(&aws),
    ] {
        let lines = output.open().exit();
        assert!(warnings(&lines).is_empty(), "{lines:#?}");
    }
}
