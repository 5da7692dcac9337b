//! A service that stays dead does not fill the log.

use cbindings::Level;
use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::host::{Instance, Verdict, telling, warnings};
use support::output::{Output, logs, ready};

type Open = fn(&StandIn) -> Output;

const OUTPUTS: [Open; 3] = [Output::cloudwatch, Output::firehose, Output::kinesis];

fn denied(aws: &StandIn) {
    let error = ErrorAnswer::new(400, "AccessDeniedException", "no");
    aws.script(Rule::any(Action::Error(error)).forever());
}

fn flush(instance: &Instance, tag: usize) {
    let verdict = instance.flush(format!("app.{tag}"), logs([tag.to_string()]));
    assert_eq!(verdict, Verdict::Retry);
}

#[test]
fn a_hundred_chunks_of_a_hundred_tags_are_a_line_at_once_and_one_at_the_end() {
    for output in OUTPUTS {
        let aws = ready();
        denied(&aws);
        let instance = output(&aws).open();
        (0..100).for_each(|tag| flush(&instance, tag));
        let lines = instance.lines();
        assert_eq!(warnings(&lines).len(), 1, "{lines:#?}");
        let lines = instance.exit();
        let warned = warnings(&lines);
        assert_eq!(warned.len(), 2, "{warned:#?}");
        let more = "(and 98 chunks more since the last such line)";
        assert!(warned[1].text.ends_with(more), "{warned:#?}");
    }
}

#[test]
fn every_lost_event_is_in_some_line() {
    let aws = ready();
    aws.script(Rule::poison("poison", "InvalidParameterException"));
    let instance = Output::cloudwatch(&aws).open();
    for n in 0..30 {
        let chunk = logs(["fine", &format!("poison {n}")]);
        assert_eq!(instance.flush("app", chunk), Verdict::Ok);
    }
    let lines = instance.exit();
    let lost = telling(&lines, "dropped");
    let errors: Vec<_> = lost
        .iter()
        .filter(|line| line.level == Some(Level::Error))
        .collect();
    assert_eq!(errors.len(), 2, "{lines:#?}");
    assert!(
        errors
            .iter()
            .all(|line| line.text.contains("dropped 1 event"))
    );
    assert!(
        errors[1]
            .text
            .ends_with("(and 28 events more since the last such line)")
    );
}
