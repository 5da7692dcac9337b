//! How long a service asks to be left alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// The longest time that is kept, whatever a service or a proxy asks for: a pipeline of logs that
/// stands still for longer loses more than a request a minute costs.
pub const MOST_QUIET: Duration = Duration::from_secs(60);

/// `x-amz-retry-after` in milliseconds, or HTTP's own header in seconds or as a date, up to
/// [`MOST_QUIET`]; nothing where a value is neither.
pub(super) fn retry_after(raw: &HttpResponse) -> Option<Duration> {
    let header = |name| raw.headers().get(name).map(str::trim);
    let milliseconds = header("x-amz-retry-after").and_then(number);
    let asked = milliseconds
        .map(Duration::from_millis)
        .or_else(|| header("retry-after").and_then(delay));
    asked.map(|asked| asked.min(MOST_QUIET))
}

/// Seconds, or a date.
fn delay(value: &str) -> Option<Duration> {
    if let Some(seconds) = number(value) {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::from_str(value, Format::HttpDate).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let date = u64::try_from(date.secs()).ok()?;
    // A date that has passed asks for nothing.
    Some(Duration::from_secs(date).saturating_sub(now)).filter(|delay| !delay.is_zero())
}

/// A number without a sign; one beyond every type is the largest.
fn number(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let status = StatusCode::try_from(503).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::empty());
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        retry_after(&response)
    }

    #[test]
    fn seconds_and_milliseconds_are_kept_up_to_the_cap() {
        for (name, value, expected) in [
            ("retry-after", "30", 30_000),
            ("retry-after", " 7 ", 7_000),
            ("retry-after", "0", 0),
            ("retry-after", "61", 60_000),
            ("retry-after", "18446744073709551615", 60_000),
            ("retry-after", "99999999999999999999999999", 60_000),
            ("x-amz-retry-after", "1500", 1_500),
            ("x-amz-retry-after", "18446744073709551615", 60_000),
            ("retry-after", "Fri, 31 Dec 2100 23:59:59 GMT", 60_000),
        ] {
            let expected = Some(Duration::from_millis(expected));
            assert_eq!(asked(&[(name, value)]), expected, "{name}: {value}");
        }
    }

    #[test]
    fn what_is_no_time_is_ignored() {
        for value in ["", "-1", "+1", "1.5", "soon", "1e9", "0x10"] {
            assert_eq!(asked(&[("retry-after", value)]), None, "{value}");
            let other = ("retry-after", "2");
            let two = Some(Duration::from_secs(2));
            assert_eq!(
                asked(&[("x-amz-retry-after", value), other]),
                two,
                "{value}"
            );
        }
        let past = "Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(asked(&[("retry-after", past)]), None);
        assert_eq!(asked(&[]), None);
    }
}
