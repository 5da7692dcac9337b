//! `--check` against a service: what it may do, and what it leaves behind, nothing.

use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::output::ready;

use crate::run;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];

#[test]
fn permissions_are_tried_and_nothing_is_written() {
    let aws = ready();
    let (status, text) = check(&aws, &KEYS);
    assert_eq!(status, 0, "{text}");
    for told in [
        "check of line 1: output `cloudwatch`",
        "allowed credentials: the access key ending in MPLE, region us-east-1",
        "allowed logs:PutLogEvents on `/ecs/web`",
        "untried logs:CreateLogStream",
        "allowed firehose:PutRecordBatch on `orders`",
        "allowed kinesis:PutRecords on `clicks`",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert_eq!(aws.events("/ecs/web", "web").len(), 0);
    assert_eq!(aws.records("orders").len(), 0);
    assert_eq!(aws.kinesis_records("clicks").len(), 0);
    assert_eq!(aws.count("PutRecords"), 1);
    assert_eq!(
        (aws.count("PutLogEvents"), aws.count("PutRecordBatch")),
        (1, 1)
    );
}

#[test]
fn a_denial_is_told_and_fails() {
    let aws = ready();
    for operation in ["PutLogEvents", "PutRecordBatch", "PutRecords"] {
        let message = "User is not authorized to perform it";
        let denied = ErrorAnswer::new(400, "AccessDeniedException", message);
        aws.script(Rule::on(operation, Action::Error(denied)).forever());
    }
    let (status, text) = check(&aws, &KEYS);
    assert_eq!(status, 1, "{text}");
    for told in [
        "failed  logs:PutLogEvents on `/ecs/web`: ",
        "failed  firehose:PutRecordBatch on `orders`: ",
        "failed  kinesis:PutRecords on `clicks`: ",
        "AccessDeniedException",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_stream_that_is_not_there_is_told() {
    let aws = ready();
    let missing = ErrorAnswer::new(400, "ResourceNotFoundException", "no such stream");
    for operation in ["PutRecordBatch", "PutRecords"] {
        aws.script(Rule::on(operation, Action::Error(missing.clone())).forever());
    }
    let (status, text) = check(&aws, &KEYS);
    assert_eq!(status, 1, "{text}");
    for reported in ["no delivery stream `orders`", "no stream `clicks`"] {
        assert!(text.contains(&format!("there is {reported}")), "{text}");
    }
}

#[test]
fn without_credentials_no_call_is_made() {
    let aws = ready();
    let (status, text) = check(&aws, &[]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("failed  credentials: "), "{text}");
    assert_eq!(aws.count("PutLogEvents"), 0);
}

#[test]
fn names_with_variables_are_not_tried() {
    let aws = ready();
    let config = format!(
        "[OUTPUT]\nName cloudwatch\nregion r\nlog_group_name $(x)\nlog_stream_name s\nendpoint {}\n[OUTPUT]\nName firehose\ndelivery_stream ${{D}}\n",
        aws.url()
    );
    let (status, text) = run(&["--check", "-"], &config, &KEYS);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("untried `$(x)` has variables"), "{text}");
    assert!(
        text.contains("untried `D` is not in the environment"),
        "{text}"
    );
    assert_eq!(aws.count("PutLogEvents"), 0);
}

fn check(aws: &StandIn, keys: &[(&str, &str)]) -> (i32, String) {
    let config = "[OUTPUT]\nName cloudwatch\nregion us-east-1\nlog_group_name /ecs/web\nlog_stream_name x\nendpoint ${AWS}\n[OUTPUT]\nName firehose\nMatch *\nregion us-east-1\ndelivery_stream orders\nendpoint ${AWS}\n[OUTPUT]\nName kinesis\nMatch *\nregion us-east-1\nstream clicks\nendpoint ${AWS}\n";
    let url = aws.url();
    let environment = [&[("AWS", url.as_str())], keys].concat();
    run(&["--check", "-"], config, &environment)
}
