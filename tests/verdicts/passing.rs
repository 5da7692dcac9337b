//! Temporary errors that end within the flush.

use std::time::Duration;

use support::aws::{Action, CodeShape, ErrorAnswer};
use support::host::Verdict;
use support::output::ready;

use super::{PLUGINS, chunk, error};

/// Asserts that a chunk is delivered although the first calls fail, and that each record is stored `times` times.
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
fn throttled_requests_are_retried_within_the_flush() {
    assert_delivered_despite(&error(400, "ThrottlingException"), 1);
    assert_delivered_despite(&error(429, "TooManyRequestsException"), 1);
    assert_delivered_despite(&error(503, "ServiceUnavailableException"), 2);
}

#[test]
fn an_error_code_is_read_from_header_and_body() {
    for shape in [CodeShape::Plain, CodeShape::Namespaced, CodeShape::Header] {
        let error = ErrorAnswer::new(400, "ThrottlingException", "slow down");
        assert_delivered_despite(&Action::Error(error.shape(shape)), 1);
    }
}

#[test]
fn server_errors_are_retried_within_the_flush() {
    assert_delivered_despite(&error(500, "InternalFailure"), 3);
    assert_delivered_despite(&error(502, ""), 1);
    assert_delivered_despite(&error(400, "NeverHeardOf"), 1);
}

#[test]
fn a_broken_connection_is_replaced() {
    assert_delivered_despite(&Action::Reset, 3);
    assert_delivered_despite(&Action::Close, 3);
}

#[test]
fn an_empty_response_is_not_a_success() {
    assert_delivered_despite(&Action::Garbage, 2);
    assert_delivered_despite(&Action::Empty, 2);
}

/// The service has stored the records, but the client does not know. Storing them twice is right.
#[test]
fn unanswered_requests_are_sent_again() {
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
fn a_slow_response_is_awaited() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.set_latency(Duration::from_millis(300));
        let instance = (plugin.output)(&aws).open();
        assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok);
        plugin.assert_delivered_once(&aws);
        assert_eq!(aws.count(plugin.operation), 1);
    }
}

/// Longer than the SDK's stalled-stream protection, which must not apply here.
#[test]
fn a_response_after_30_seconds_is_awaited_with_a_long_flush_timeout() {
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
