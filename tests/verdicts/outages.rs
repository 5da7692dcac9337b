//! Errors that last longer than the flush.

use std::thread;
use std::time::Duration;

use cbindings::Level;
use support::aws::Action;
use support::host::{LogLine, Verdict, warnings};
use support::output::ready;

use super::{PLUGINS, chunk, error, flush_on_time};

/// Asserts one warning, which says that the chunk will be retried.
fn assert_reported_once(lines: &[LogLine]) {
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
fn a_lasting_error_is_a_retry_in_time_and_the_next_attempt_delivers() {
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
        let instance = plugin.with_short_timeout(&aws);
        let chunk = chunk();
        assert_eq!(
            flush_on_time(&instance, &chunk).0,
            Verdict::Retry,
            "{action:?}"
        );
        assert_reported_once(&instance.lines());
        aws.clear();
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok, "{action:?}");
        plugin.assert_delivered_once(&aws);
    }
}

#[test]
fn a_service_that_never_responds_is_a_retry_at_the_deadline() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(Action::Hang).forever());
        let instance = plugin.with_short_timeout(&aws);
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
fn an_outage_is_a_retry_and_the_chunk_is_delivered_after_it() {
    for plugin in PLUGINS {
        let aws = ready();
        let instance = plugin.with_short_timeout(&aws);
        aws.down().expect("goes down");
        let chunk = chunk();
        assert_eq!(flush_on_time(&instance, &chunk).0, Verdict::Retry);
        assert_reported_once(&instance.lines());
        aws.up().expect("comes up");
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
        plugin.assert_delivered_once(&aws);
    }
}

#[test]
fn an_outage_shorter_than_the_flush_needs_no_retry() {
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
fn a_waiting_chunk_does_not_delay_other_chunks_of_its_instance() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(Action::Hang).contains("two").forever());
        let instance = plugin.with_short_timeout(&aws);
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
