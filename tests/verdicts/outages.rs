//! Faults that outlast the flush.

use std::thread;
use std::time::Duration;

use cbindings::Level;
use support::aws::Action;
use support::host::{LogLine, Verdict, warnings};
use support::output::ready;

use super::{PLUGINS, chunk, error, flush_on_time};

/// One warning says that the chunk will come again.
fn assert_told_once(lines: &[LogLine]) {
    let warned = warnings(lines);
    assert_eq!(warned.len(), 1, "{lines:#?}");
    assert_eq!(warned[0].level, Some(Level::Warn));
    assert!(
        warned[0].text.contains("3 events are not delivered yet"),
        "{}",
        warned[0].text
    );
}

#[test]
fn a_fault_that_does_not_pass_is_a_retry_on_time_and_the_next_attempt_delivers() {
    let actions = [
        error(400, "ThrottlingException"),
        error(503, "ServiceUnavailableException"),
        error(500, "InternalFailure"),
        Action::Reset,
        Action::Garbage,
        Action::Empty,
    ];
    thread::scope(|scope| {
        for action in &actions {
            scope.spawn(move || assert_retried(action));
        }
    });
}

fn assert_retried(action: &Action) {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(action.clone()).forever());
        let instance = plugin.hasty(&aws);
        let chunk = chunk();
        assert_eq!(
            flush_on_time(&instance, &chunk).0,
            Verdict::Retry,
            "{action:?}"
        );
        assert_told_once(&instance.lines());
        aws.clear();
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok, "{action:?}");
        plugin.assert_delivered_once(&aws);
    }
}

#[test]
fn a_service_that_never_answers_is_a_retry_when_the_time_is_up() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(Action::Hang).forever());
        let instance = plugin.hasty(&aws);
        let chunk = chunk();
        let (verdict, took) = flush_on_time(&instance, &chunk);
        assert_eq!(verdict, Verdict::Retry);
        assert!(took > Duration::from_millis(500), "given up after {took:?}");
        let lines = instance.lines();
        assert!(
            lines
                .iter()
                .any(|line| line.text.contains("`flush_timeout`")),
            "{lines:#?}"
        );
        aws.clear();
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
        plugin.assert_delivered_once(&aws);
    }
}

#[test]
fn a_service_that_is_down_is_a_retry_and_one_that_comes_back_is_delivered_to() {
    for plugin in PLUGINS {
        let aws = ready();
        let instance = plugin.hasty(&aws);
        aws.down().expect("goes down");
        let chunk = chunk();
        assert_eq!(flush_on_time(&instance, &chunk).0, Verdict::Retry);
        assert_told_once(&instance.lines());
        aws.up().expect("comes up");
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
        plugin.assert_delivered_once(&aws);
    }
}

#[test]
fn a_service_that_comes_back_within_the_flush_is_delivered_to() {
    for plugin in PLUGINS {
        let aws = ready();
        let instance = (plugin.output)(&aws).open();
        aws.down().expect("goes down");
        thread::scope(|scope| {
            let flush = scope.spawn(|| instance.flush("a.tag", chunk()));
            let refused = instance.wait_for_line("refused", Duration::from_secs(5));
            assert!(refused.is_some(), "{:#?}", instance.lines());
            aws.up().expect("comes up");
            assert_eq!(flush.join().expect("answers"), Verdict::Ok);
        });
        plugin.assert_delivered_once(&aws);
    }
}

#[test]
fn the_instances_other_chunks_are_delivered_while_one_waits() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(Action::Hang).contains("two").forever());
        let instance = plugin.hasty(&aws);
        instance.start_workers();
        thread::scope(|scope| {
            let stuck = scope.spawn(|| instance.flush("a.tag", chunk()));
            let seen = |account: &support::aws::Account| account.in_flight(plugin.operation) == 1;
            assert!(aws.wait_for(seen, Duration::from_secs(5)));
            let other = support::output::logs(["another"]);
            assert_eq!(instance.flush("a.tag", other), Verdict::Ok);
            assert_eq!(stuck.join().expect("answers"), Verdict::Retry);
        });
        assert_eq!((plugin.delivered)(&aws), [r#"{"log":"another"}"#]);
    }
}
