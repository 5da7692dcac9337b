//! `Retry-After`: the service asks for no requests for a time.

use std::time::{Duration, Instant};

use support::aws::{Action, ErrorAnswer};
use support::host::Verdict;
use support::output::{logs, ready};

use super::{PLUGINS, chunk, flush_on_time};

fn throttled(name: &str, value: &str) -> Action {
    let error = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded");
    Action::Error(error.header(name, value))
}

/// Flushes during this time are answered in time and send nothing.
#[test]
fn retry_after_is_respected_across_flushes() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(throttled("Retry-After", "15")));
        let instance = plugin.with_short_timeout(&aws);
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

/// Also for a server error without throttling: the service says when it is available again.
#[test]
fn retry_after_of_a_server_error_applies_to_all_outputs() {
    for plugin in PLUGINS {
        let aws = ready();
        let error = ErrorAnswer::new(503, "ServiceUnavailable", "maintenance");
        let action = Action::Error(error.header("Retry-After", "2"));
        aws.script(plugin.rule(action));
        let instance = plugin.with_short_timeout(&aws);
        assert_eq!(flush_on_time(&instance, &chunk()).0, Verdict::Retry);
        while flush_on_time(&instance, &logs(["another"])).0 != Verdict::Ok {}
        let calls = aws.calls();
        let quiet = calls[1].started - calls[0].started;
        assert!(quiet >= Duration::from_secs(2), "{quiet:?}");
    }
}

#[test]
fn a_very_long_retry_after_is_a_retry_without_a_panic() {
    for plugin in PLUGINS {
        for (name, value) in [
            ("Retry-After", "18446744073709551615"),
            ("Retry-After", "99999999999999999999999999"),
            ("x-amz-retry-after", "18446744073709551615"),
        ] {
            let aws = ready();
            aws.script(plugin.rule(throttled(name, value)));
            let instance = plugin.with_short_timeout(&aws);
            assert_eq!(flush_on_time(&instance, &chunk()).0, Verdict::Retry);
            let lines = instance.exit();
            let panicked = lines.iter().any(|line| line.text.contains("panic"));
            assert!(!panicked, "{lines:#?}");
        }
    }
}

#[test]
fn an_invalid_retry_after_is_ignored() {
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
