//! Signatures that are refused because of the time they were made at.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// What is said of a signature that was refused while this machine's clock is wrong; nothing where it
/// is something else.
///
/// The SDK notes the difference from each answer and signs the next request of the same client with
/// it, so such a fault passes with the next attempt.
pub(super) fn advice(code: &str, raw: &HttpResponse) -> Option<String> {
    let behind = CODES.contains(&code).then(|| behind(raw)).flatten()?;
    let (off, way) = (behind.abs(), if behind > 0 { "behind" } else { "ahead of" });
    Some(format!(
        "; this machine's clock is {off} s {way} the service's, set it right"
    ))
}

/// How many seconds this machine's clock is behind the service's, below 0 ahead of it; nothing where
/// it is near enough for signatures, or the answer bears no date.
fn behind(raw: &HttpResponse) -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let date = DateTime::from_str(raw.headers().get("date")?, Format::HttpDate).ok()?;
    let behind = date.secs() - i64::try_from(now.as_secs()).ok()?;
    (behind.abs() > TOLERATED_S).then_some(behind)
}

/// Codes of a signature that does not hold, or no longer, or not yet.
const CODES: [&str; 7] = [
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "RequestInTheFuture",
    "InvalidSignature",
];

/// Seconds: the services take signatures of five minutes, and the answer was a while on its way.
const TOLERATED_S: i64 = 4 * 60;
