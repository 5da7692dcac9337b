//! Lines that are joined to one event, when the service takes one place of a chunk and not another.

use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Time, Value, map};
use support::host::Verdict;
use support::output::{GROUP, Output, messages, now_ms};

#[test]
fn a_chunk_that_comes_again_sends_the_rest_of_its_joined_events_alone() {
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

/// Two events of two lines each, from each of two containers in turn.
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
