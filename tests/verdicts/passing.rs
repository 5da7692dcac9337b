//! Faults that pass within the flush.

use std::time::Duration;

use support::aws::{Action, CodeShape, ErrorAnswer};
use support::host::Verdict;
use support::output::ready;

use super::{PLUGINS, chunk, error};

/// Delivers while the first calls fail; how often each record is stored then.
fn assert_delivered_despite(action: &Action, times: u64) {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(action.clone()).times(times));
        let instance = (plugin.output)(&aws).open();
        assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok, "{action:?}");
        plugin.assert_delivered_once(&aws);
        assert_eq!(aws.count(plugin.operation), times + 1, "{action:?}");
    }
}

#[test]
fn throttling_is_waited_out() {
    assert_delivered_despite(&error(400, "ThrottlingException"), 1);
    assert_delivered_despite(&error(429, "TooManyRequestsException"), 1);
    assert_delivered_despite(&error(503, "ServiceUnavailableException"), 2);
}

#[test]
fn a_code_is_read_wherever_it_is_written() {
    for shape in [CodeShape::Plain, CodeShape::Namespaced, CodeShape::Header] {
        let error = ErrorAnswer::new(400, "ThrottlingException", "slow down");
        assert_delivered_despite(&Action::Error(error.shape(shape)), 1);
    }
}

#[test]
fn errors_of_the_server_are_waited_out() {
    assert_delivered_despite(&error(500, "InternalFailure"), 3);
    assert_delivered_despite(&error(502, ""), 1);
    assert_delivered_despite(&error(400, "NeverHeardOf"), 1);
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    assert_delivered_despite(&Action::Reset, 3);
    assert_delivered_despite(&Action::Close, 3);
}

#[test]
fn an_answer_that_says_nothing_is_no_success() {
    assert_delivered_despite(&Action::Garbage, 2);
    assert_delivered_despite(&Action::Empty, 2);
}

/// The service has taken the records, and the client cannot know: twice is right, never is not.
#[test]
fn what_may_have_been_taken_is_sent_again() {
    for action in [Action::Truncate, Action::AcceptThenReset] {
        for plugin in PLUGINS {
            let aws = ready();
            aws.script(plugin.rule(action.clone()));
            let instance = (plugin.output)(&aws).open();
            assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok, "{action:?}");
            assert_eq!((plugin.delivered)(&aws).len(), 6, "{action:?}");
        }
    }
}

#[test]
fn an_answer_that_takes_its_time_is_waited_for() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.set_latency(Duration::from_millis(300));
        let instance = (plugin.output)(&aws).open();
        assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok);
        plugin.assert_delivered_once(&aws);
        assert_eq!(aws.count(plugin.operation), 1);
    }
}

/// Longer than the SDK's protection against stalled streams waits, which does not count here.
#[test]
fn an_answer_after_half_a_minute_is_waited_for_by_a_flush_that_may_take_so_long() {
    std::thread::scope(|scope| {
        for plugin in PLUGINS {
            scope.spawn(move || {
                let aws = ready();
                aws.set_latency(Duration::from_secs(30));
                let output = (plugin.output)(&aws).with("flush_timeout", "55s");
                let instance = output.open();
                assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok);
                plugin.assert_delivered_once(&aws);
                assert_eq!(aws.count(plugin.operation), 1);
            });
        }
    });
}
