//! Credentials and permissions: a retry and a clear line, never an error that loses the chunk.

use cbindings::Level;
use support::alone::alone;
use support::host::{LogLine, Verdict, warnings};
use support::output::ready;

use super::{PLUGINS, chunk, error, flush_on_time};

#[test]
fn a_missing_permission_is_a_retry_with_the_services_own_words() {
    for code in [
        "AccessDeniedException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
    ] {
        for plugin in PLUGINS {
            let aws = ready();
            aws.script(plugin.rule(error(400, code)));
            let instance = plugin.hasty(&aws);
            let chunk = chunk();
            assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
            assert_eq!(aws.count(plugin.operation), 1, "no second attempt helps");
            assert_told(&instance.lines(), code);
            assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
            plugin.assert_delivered_once(&aws);
        }
    }
}

#[test]
fn without_credentials_the_host_keeps_the_chunk() {
    let test = "identity::without_credentials_the_host_keeps_the_chunk";
    let none = [("AWS_ACCESS_KEY_ID", None), ("AWS_SECRET_ACCESS_KEY", None)];
    if !alone(test, &none) {
        return;
    }
    for plugin in PLUGINS {
        let aws = ready();
        let instance = plugin.hasty(&aws);
        assert_eq!(flush_on_time(&instance, &chunk()).0, Verdict::Retry);
        assert_eq!(aws.count(plugin.operation), 0);
        assert_told(&instance.lines(), "no credentials");
    }
}

/// One warning with this text, and nothing worse.
fn assert_told(lines: &[LogLine], text: &str) {
    let warned = warnings(lines);
    assert_eq!(warned.len(), 1, "{lines:#?}");
    assert_eq!(warned[0].level, Some(Level::Warn));
    assert!(warned[0].text.contains(text), "{}", warned[0].text);
}
