//! The stand-in's clock: the machine's, moved by an offset so that a skewed client or service can be played.

use std::sync::atomic::{AtomicI64, Ordering};

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Milliseconds of the Unix epoch as the service sees them.
#[derive(Debug, Default)]
pub(super) struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    pub(super) fn now_ms(&self) -> i64 {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        i64::try_from(now).unwrap_or(i64::MAX) + self.offset_ms.load(Ordering::Relaxed)
    }

    pub(super) fn shift(&self, seconds: i64) {
        self.offset_ms.store(seconds * 1000, Ordering::Relaxed);
    }
}

/// `2026-01-31T12:00:00Z`, as credentials documents write an expiry.
pub(super) fn iso8601(ms: i64) -> String {
    written(ms, ISO_8601)
}

/// `Sat, 31 Jan 2026 12:00:00 GMT`, as the HTTP Date header writes it.
pub(super) fn http_date(ms: i64) -> String {
    written(ms, HTTP_DATE)
}

/// Milliseconds of an `X-Amz-Date` such as `20260131T120000Z`.
pub(super) fn amz_date(text: &str) -> Option<i64> {
    let date = PrimitiveDateTime::parse(text, AMZ_DATE).ok()?;
    Some(date.assume_utc().unix_timestamp() * 1000)
}

fn written(ms: i64, format: &[BorrowedFormatItem<'_>]) -> String {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000))
        .ok()
        .and_then(|date| date.format(format).ok())
        .unwrap_or_default()
}

const ISO_8601: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
const AMZ_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_date_reads_back_in_both_notations() {
        let ms = amz_date("20150830T123600Z").unwrap();
        assert_eq!(ms, 1_440_938_160_000);
        assert_eq!(iso8601(ms), "2015-08-30T12:36:00Z");
        assert_eq!(http_date(ms), "Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(amz_date("2015-08-30"), None);
    }
}
