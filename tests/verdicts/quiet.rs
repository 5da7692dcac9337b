//! `Retry-After`: the service asks to be left alone for a time.

use std::time::{Duration, Instant};

use support::aws::{Action, ErrorAnswer};
use support::host::Verdict;
use support::output::{logs, ready};

use super::{PLUGINS, chunk, flush_on_time};

fn throttled(name: &str, value: &str) -> Action {
    let error = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded");
    Action::Error(error.header(name, value))
}

/// The flushes of the quiet time are answered on time and send nothing.
#[test]
fn the_time_that_a_service_asks_for_is_kept_over_flushes() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(throttled("Retry-After", "15")));
        let instance = plugin.hasty(&aws);
        let began = Instant::now();
        while flush_on_time(&instance, &chunk()).0 != Verdict::Ok {
            assert!(began.elapsed() < Duration::from_secs(40));
        }
        let calls = aws.calls();
        let quiet = calls[1].started - calls[0].started;
        assert!(quiet >= Duration::from_secs(15), "{quiet:?}");
        assert_eq!(calls.len(), 2);
        plugin.assert_delivered_once(&aws);
    }
}

/// Also a service that is throttled by nobody: it says when it will be back.
#[test]
fn a_server_that_says_when_it_is_back_is_left_alone_by_all() {
    for plugin in PLUGINS {
        let aws = ready();
        let error = ErrorAnswer::new(503, "ServiceUnavailable", "maintenance");
        let action = Action::Error(error.header("Retry-After", "2"));
        aws.script(plugin.rule(action));
        let instance = plugin.hasty(&aws);
        assert_eq!(flush_on_time(&instance, &chunk()).0, Verdict::Retry);
        while flush_on_time(&instance, &logs(["another"])).0 != Verdict::Ok {}
        let calls = aws.calls();
        let quiet = calls[1].started - calls[0].started;
        assert!(quiet >= Duration::from_secs(2), "{quiet:?}");
    }
}

#[test]
fn an_absurd_time_is_a_retry_and_no_panic() {
    for plugin in PLUGINS {
        for (name, value) in [
            ("Retry-After", "18446744073709551615"),
            ("Retry-After", "99999999999999999999999999"),
            ("x-amz-retry-after", "18446744073709551615"),
        ] {
            let aws = ready();
            aws.script(plugin.rule(throttled(name, value)));
            let instance = plugin.hasty(&aws);
            assert_eq!(flush_on_time(&instance, &chunk()).0, Verdict::Retry);
            let lines = instance.exit();
            let panicked = lines.iter().any(|line| line.text.contains("panic"));
            assert!(!panicked, "{lines:#?}");
        }
    }
}

#[test]
fn what_is_no_time_is_no_time_to_wait() {
    for plugin in PLUGINS {
        for value in ["-5", "soon", "", "Fri, 31 Dec 1999 23:59:59 GMT", "1e9"] {
            let aws = ready();
            aws.script(plugin.rule(throttled("Retry-After", value)));
            let instance = (plugin.output)(&aws).open();
            let began = Instant::now();
            assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok, "{value}");
            assert!(began.elapsed() < Duration::from_secs(2), "{value}");
            plugin.assert_delivered_once(&aws);
        }
    }
}
