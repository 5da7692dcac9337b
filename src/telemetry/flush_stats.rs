//! Logs and metrics at the end of a flush.

use std::time::UNIX_EPOCH;

use cbindings::line::cut;
use cbindings::{Flush, Level, Verdict};
use tokio::time::Instant;

use crate::aws::session::Session;
use crate::delivery::flush_report::FlushReport;
use crate::delivery::rate_limiter::RateLimiter;
use crate::telemetry::Telemetry;
use crate::telemetry::encode_stats::MAX_TAG_BYTES;
use crate::telemetry::log_limiter::LogKey;
use crate::telemetry::metrics::descriptors::Id;

/// A tag as log lines show it.
fn shown(tag: &str) -> String {
    cut(tag, MAX_TAG_BYTES)
}

/// Logs why a chunk was not delivered. Fluent Bit will retry the chunk.
pub fn log_no_connection(telemetry: &Telemetry, flush: &Flush, tag: &str, why: &str) {
    let tag = shown(tag);
    let key = LogKey {
        what: "region",
        part: "",
        unit: "chunks",
    };
    let text = format_args!("tag `{tag}`: {why}; the chunk is kept for a retry");
    telemetry.postponed(key, flush, text);
}

/// Sets the gauges of the rate limit and of the expiry of the credentials.
pub fn set_gauges(telemetry: &Telemetry, rate_limiter: &RateLimiter, session: &Session) {
    // Rounded up, as 0 means no limit.
    let rate = rate_limiter.rate().map_or(0, |rate| rate.ceil() as u64);
    telemetry.metrics.set(Id::Rate, rate);
    let expiry = session
        .expiry()
        .and_then(|expiry| expiry.duration_since(UNIX_EPOCH).ok());
    telemetry
        .metrics
        .set(Id::Expiry, expiry.map_or(0, |expiry| expiry.as_secs()));
}

/// Logs the result of a chunk: a summary at debug level, and a warning for a retry. Without a `flush`
/// (the plugin's own metrics) there is no retry.
pub fn log_result(
    telemetry: &Telemetry,
    flush: Option<&Flush>,
    tag: &str,
    report: &FlushReport,
    started: Instant,
) {
    let tag = shown(tag);
    if let (Verdict::Done, Some(flush)) = (report.verdict(), flush) {
        telemetry.delivered(flush);
    }
    if let (Verdict::Retry, Some(fault)) = (report.verdict(), &report.error) {
        let (left, accepted) = (report.left.len(), report.accepted);
        let rest = match report.is_cut_off {
            true => " and the rest of the chunk",
            false => "",
        };
        let key = LogKey {
            what: "retry",
            part: &fault.code,
            unit: "chunks",
        };
        let text = format_args!(
            "tag `{tag}`: {left} events{rest} are not delivered yet ({accepted} are); the host is asked to bring the chunk again: {fault}"
        );
        match flush {
            Some(flush) => telemetry.postponed(key, flush, text),
            None => telemetry.warn(key, 1, text),
        }
    }
    telemetry.flush_suppressed();
    if telemetry.log.enabled(Level::Debug) {
        let FlushReport {
            accepted,
            dropped,
            refused,
            requests,
            throttled,
            ambiguous,
            ..
        } = report;
        let elapsed = started.elapsed().as_millis();
        telemetry.debug(format_args!(
            "tag `{tag}`: {accepted} events accepted, {refused} refused, {dropped} dropped; {requests} requests, {throttled} throttled, {ambiguous} unanswered, {elapsed} ms"
        ));
    }
}
