//! Missing credentials and permissions cause a retry and a warning, never an error that drops the chunk.

use cbindings::Level;
use support::alone::alone;
use support::aws::StandIn;
use support::host::{LogLine, Verdict, warnings};
use support::output::{DELIVERY_STREAM, GROUP, KINESIS_STREAM, STREAM, ready};

use super::{PLUGINS, chunk, error, flush_on_time};

#[test]
fn a_missing_permission_is_a_retry_with_the_service_message() {
    for code in [
        "AccessDeniedException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
    ] {
        for plugin in PLUGINS {
            let aws = ready();
            aws.script(plugin.rule(error(400, code)));
            let instance = plugin.with_short_timeout(&aws);
            let chunk = chunk();
            assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
            assert_eq!(aws.count(plugin.operation), 1, "no second attempt helps");
            assert_reported(&instance.lines(), code);
            assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
            plugin.assert_delivered_once(&aws);
        }
    }
}

/// Like [`ready`], with a fake service that checks signatures.
fn suspicious() -> StandIn {
    let environment = |name| std::env::var(name).expect("the tests' own credentials");
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    let aws = StandIn::builder().verify(&environment(id), &environment(secret));
    let aws = aws
        .delivery_stream(DELIVERY_STREAM)
        .kinesis_stream(KINESIS_STREAM)
        .start()
        .expect("starts");
    aws.create_stream(GROUP, STREAM);
    aws
}

/// The SDK reads the time difference from the first response and signs the second request with it.
#[test]
fn a_wrong_clock_takes_one_attempt_and_no_retry() {
    for (seconds, reported) in [(20 * 60, "s behind the"), (-20 * 60, "s ahead of the")] {
        for plugin in PLUGINS {
            let aws = suspicious();
            aws.set_clock_offset(seconds);
            let instance = (plugin.output)(&aws).open();
            assert_eq!(instance.flush("first", chunk()), Verdict::Ok, "{seconds}");
            plugin.assert_delivered_once(&aws);
            assert_eq!(aws.count(plugin.operation), 2, "{seconds}");
            let lines = instance.lines();
            assert!(
                lines.iter().any(|line| line.text.contains(reported)),
                "{lines:#?}"
            );
            aws.forget();
            assert_eq!(instance.flush("second", chunk()), Verdict::Ok);
            assert_eq!(aws.count(plugin.operation), 1, "it is remembered");
        }
    }
}

#[test]
fn a_chunk_without_credentials_is_retried() {
    let test = "identity::a_chunk_without_credentials_is_retried";
    let none = [("AWS_ACCESS_KEY_ID", None), ("AWS_SECRET_ACCESS_KEY", None)];
    if !alone(test, &none) {
        return;
    }
    for plugin in PLUGINS {
        let aws = ready();
        let instance = plugin.with_short_timeout(&aws);
        assert_eq!(flush_on_time(&instance, &chunk()).0, Verdict::Retry);
        assert_eq!(aws.count(plugin.operation), 0);
        assert_reported(&instance.lines(), "no credentials");
    }
}

/// Asserts one warning with this text, and no errors.
fn assert_reported(lines: &[LogLine], text: &str) {
    let warned = warnings(lines);
    assert_eq!(warned.len(), 1, "{lines:#?}");
    assert_eq!(warned[0].level, Some(Level::Warn));
    assert!(warned[0].text.contains(text), "{}", warned[0].text);
}
