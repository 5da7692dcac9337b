//! Connections that look open but are not.

use std::time::{Duration, Instant};

use support::gate::Gate;
use support::host::Verdict;
use support::output::ready;

use super::{PLUGINS, chunk, flush_on_time};

/// As behind a NAT that dropped its entry: the request is sent, and no response arrives.
#[test]
fn a_dead_pooled_connection_delays_a_flush_without_a_retry() {
    for plugin in PLUGINS {
        let aws = ready();
        let gate = Gate::open(aws.port());
        let instance = (plugin.output)(&aws)
            .with("endpoint", &format!("http://127.0.0.1:{}", gate.port()))
            .with("flush_timeout", "5s")
            .open();
        assert_eq!(instance.flush("first", chunk()), Verdict::Ok);
        aws.forget();
        gate.forget_connections();
        let began = Instant::now();
        assert_eq!(instance.flush("second", chunk()), Verdict::Ok);
        let took = began.elapsed();
        assert!(
            took > Duration::from_secs(2),
            "was it used at all? {took:?}"
        );
        plugin.assert_delivered_once(&aws);
    }
}

/// The connection is never accepted, so the service has not received the request.
#[test]
fn a_request_without_a_connection_is_not_counted_as_unanswered() {
    for plugin in PLUGINS {
        let aws = ready();
        let gate = Gate::blocked(aws.port());
        let instance = (plugin.output)(&aws)
            .with("endpoint", &format!("http://127.0.0.1:{}", gate.port()))
            .with("flush_timeout", "1s")
            .open();
        let (verdict, _) = flush_on_time(&instance, &chunk());
        assert_eq!(verdict, Verdict::Retry);
        let lines = instance.exit();
        let counted = |line: &support::host::LogLine| line.text.contains(" 0 unanswered, ");
        assert!(lines.iter().any(counted), "{lines:#?}");
        assert_eq!(aws.count(plugin.operation), 0);
    }
}
