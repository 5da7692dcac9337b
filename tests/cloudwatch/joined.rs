//! Multi-line events when the service accepts one log stream of a chunk and refuses another.

use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Time, Value, map};
use support::host::Verdict;
use support::output::{GROUP, Output, messages, now_ms};

#[test]
fn a_retried_chunk_sends_only_its_pending_joined_events() {
    let aws = StandIn::start();
    aws.create_group(GROUP);
    let denied = ErrorAnswer::new(400, "AccessDeniedException", "not this time");
    aws.script(Rule::on("PutLogEvents", Action::Error(denied)));
    let output = Output::cloudwatch(&aws).without("log_group_name");
    let output = output
        .without("log_stream_name")
        .with("awslogs-group", GROUP);
    let instance = output.with("awslogs-multiline-pattern", "^begin").open();
    let chunk = chunk();
    assert_eq!(instance.flush("tag", &chunk), Verdict::Retry);
    let accepted = |stream| messages(&aws, GROUP, stream).len();
    assert_eq!(accepted("a") + accepted("b"), 2);
    assert_eq!(instance.flush("tag", &chunk), Verdict::Ok);
    for stream in ["a", "b"] {
        let expected = [0, 1].map(|n| format!("begin {stream}{n}\nrest of {stream}{n}"));
        assert_eq!(messages(&aws, GROUP, stream), expected);
    }
}

/// Two events of two lines for each of two containers, in alternation.
fn chunk() -> Chunk {
    let now = now_ms();
    let lines = [0, 1].map(|n| ["begin ", "rest of "].map(|text| (text, n)));
    let lines = lines.concat().into_iter().zip(now..);
    lines.fold(Chunk::new(), |chunk, ((text, n), time)| {
        ["a", "b"].into_iter().fold(chunk, |chunk, container| {
            let log = format!("{text}{container}{n}");
            let members = [
                ("container_id", container.into()),
                ("log", Value::from(log)),
            ];
            chunk.v2(Time::millis(time), map(members))
        })
    })
}
