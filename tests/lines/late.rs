//! A line that comes late says nothing that is no longer so.

use std::time::Duration;

use support::aws::{Account, Action, ErrorAnswer, Rule, StandIn};
use support::host::{Verdict, warnings};
use support::output::{GROUP, Output, STREAM, logs, ready};

type Open = fn(&StandIn) -> Output;

const OUTPUTS: [Open; 3] = [Output::cloudwatch, Output::firehose, Output::kinesis];
const LATE: &str = "are not delivered yet";

fn denied(aws: &StandIn) {
    let error = ErrorAnswer::new(400, "AccessDeniedException", "no");
    aws.script(Rule::any(Action::Error(error)).forever());
}

#[test]
fn a_chunk_that_is_delivered_since_is_not_said_to_wait() {
    for output in OUTPUTS {
        let aws = ready();
        denied(&aws);
        let instance = output(&aws).open();
        let chunks: Vec<_> = ["a", "b", "c"].map(|text| logs([text])).into();
        for chunk in &chunks {
            assert_eq!(instance.flush("app", chunk), Verdict::Retry);
        }
        aws.clear();
        for chunk in &chunks {
            assert_eq!(instance.flush("app", chunk), Verdict::Ok);
        }
        let lines = instance.exit();
        let late: Vec<_> = lines
            .iter()
            .filter(|line| line.text.contains(LATE))
            .collect();
        assert_eq!(late.len(), 1, "only the first one, at once: {late:#?}");
    }
}

#[test]
fn the_others_are_still_reported_and_counted_once() {
    for output in OUTPUTS {
        let aws = ready();
        denied(&aws);
        let instance = output(&aws).open();
        let chunks: Vec<_> = ["a", "b", "c", "d"].map(|text| logs([text])).into();
        for _ in 0..3 {
            for chunk in &chunks {
                assert_eq!(instance.flush("app", chunk), Verdict::Retry);
            }
        }
        aws.clear();
        assert_eq!(instance.flush("app", &chunks[3]), Verdict::Ok);
        let lines = instance.exit();
        let warned = warnings(&lines);
        assert_eq!(warned.len(), 2, "{warned:#?}");
        // Of the four chunks three wait, and the line is of one of them.
        let more = "(and 2 chunks more since the last such line)";
        assert!(warned[1].text.ends_with(more), "{warned:#?}");
    }
}

/// Credentials of 8 s, whose renewal is due after 4 s and fails twice, a second apart.
#[test]
fn credentials_that_are_renewed_since_are_not_said_to_end() {
    let aws = StandIn::builder()
        .verify("nobody", "nothing")
        .credentials_lifetime(Duration::from_secs(8))
        .start()
        .expect("starts");
    aws.create_stream(GROUP, STREAM);
    let error = ErrorAnswer::new(500, "InternalError", "no");
    let rule = Rule::on("EcsCredentials", Action::Error(error));
    aws.script(rule.nth(2).times(2));
    let instance = Output::cloudwatch(&aws)
        .with("credentials_endpoint", &aws.credentials_uri())
        .open();
    let flush = || assert_eq!(instance.flush("app", logs(["one"])), Verdict::Ok);
    flush();
    for asked in 2..=4 {
        let is_asked = |account: &Account| {
            account.count("EcsCredentials") >= asked && account.in_flight("EcsCredentials") == 0
        };
        assert!(aws.wait_for(is_asked, Duration::from_secs(20)));
        // The answer may be on its way during the first of them.
        (0..20).for_each(|_| flush());
    }
    let lines = instance.exit();
    let late = lines
        .iter()
        .filter(|line| line.text.contains("could not be renewed"));
    assert_eq!(late.count(), 1, "only the first one, at once: {lines:#?}");
}
