//! What is logged and counted at the end of a flush.

use std::time::UNIX_EPOCH;

use cbindings::line::cut;
use cbindings::{Flush, Level, Verdict};
use tokio::time::Instant;

use crate::aws::session::Session;
use crate::delivery::flush_report::FlushReport;
use crate::delivery::rate_limiter::RateLimiter;
use crate::telemetry::Telemetry;
use crate::telemetry::encode_stats::MOST_TAG_BYTES;
use crate::telemetry::log_limiter::LogKey;
use crate::telemetry::metrics::descriptors::Id;

/// A tag as lines show it.
fn shown(tag: &str) -> String {
    cut(tag, MOST_TAG_BYTES)
}

/// Writes why a chunk was not worked on; the host is asked to bring it again.
pub fn say_of_no_connection(telemetry: &Telemetry, flush: &Flush, tag: &str, why: &str) {
    let tag = shown(tag);
    let kind = LogKey {
        what: "region",
        part: "",
        unit: "chunks",
    };
    let text = format_args!("tag `{tag}`: {why}; the chunk is kept for a retry");
    telemetry.postponed(kind, flush, text);
}

/// Notes what is so now, at the end of a flush.
pub fn note(telemetry: &Telemetry, rate_limiter: &RateLimiter, session: &Session) {
    // A rate below one request a second is not shown as no limit.
    let rate = rate_limiter.rate().map_or(0, |rate| rate.ceil() as u64);
    telemetry.metrics.set(Id::Rate, rate);
    let expiry = session
        .expiry()
        .and_then(|expiry| expiry.duration_since(UNIX_EPOCH).ok());
    telemetry
        .metrics
        .set(Id::Expiry, expiry.map_or(0, |expiry| expiry.as_secs()));
}

/// Writes what became of a chunk: nothing lost is a debug line, a retry a warning. What comes from
/// no flush is not tried again.
pub fn sum_up(
    telemetry: &Telemetry,
    flush: Option<&Flush>,
    tag: &str,
    report: &FlushReport,
    began: Instant,
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
        let kind = LogKey {
            what: "retry",
            part: &fault.code,
            unit: "chunks",
        };
        let text = format_args!(
            "tag `{tag}`: {left} events{rest} are not delivered yet ({accepted} are); the host is asked to bring the chunk again: {fault}"
        );
        match flush {
            Some(flush) => telemetry.postponed(kind, flush, text),
            None => telemetry.warn(kind, 1, text),
        }
    }
    telemetry.remind();
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
        let elapsed = began.elapsed().as_millis();
        telemetry.debug(format_args!(
            "tag `{tag}`: {accepted} events accepted, {refused} refused, {dropped} dropped; {requests} requests, {throttled} throttled, {ambiguous} unanswered, {elapsed} ms"
        ));
    }
}
