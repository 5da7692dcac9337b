//! Which events of a batch are too old, expired or too new, as rejectedLogEventsInfo tells it.

use std::ops::Range;

use serde_json::{Value, json};

/// Which events of a batch are accepted, and what is said of the others.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) accepted: Range<usize>,
    pub(super) refused: Value,
}

impl Verdict {
    /// Judges ordered timestamps: each event has one reason at most, and "too old" comes before "expired".
    pub(super) fn over(timestamps: &[i64], now_ms: i64, retention_days: Option<u32>) -> Self {
        let before = |limit: i64| timestamps.partition_point(|timestamp| *timestamp < limit);
        let too_old = before(now_ms - OLDEST_MS);
        let expired = retention_days.map_or(0, |days| before(now_ms - i64::from(days) * DAY_MS));
        let too_new = before(now_ms + NEWEST_MS + 1);
        let start = too_old.max(expired);
        let mut refused = json!({});
        if too_new < timestamps.len() {
            refused["tooNewLogEventStartIndex"] = too_new.into();
        }
        if too_old > 0 {
            refused["tooOldLogEventEndIndex"] = too_old.into();
        }
        if expired > too_old {
            refused["expiredLogEventEndIndex"] = expired.into();
        }
        Self {
            accepted: start..too_new.max(start),
            refused,
        }
    }
}

/// API reference, PutLogEvents: at most 14 days old and 2 hours ahead.
const DAY_MS: i64 = 86_400_000;
const OLDEST_MS: i64 = 14 * DAY_MS;
const NEWEST_MS: i64 = DAY_MS / 12;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn the_ages_at_both_borders_are_accepted() {
        let verdict = Verdict::over(&[NOW - OLDEST_MS, NOW, NOW + NEWEST_MS], NOW, None);
        assert_eq!(
            verdict,
            Verdict {
                accepted: 0..3,
                refused: json!({})
            }
        );
    }

    #[test]
    fn the_first_milliseconds_beyond_the_borders_are_refused() {
        let verdict = Verdict::over(&[NOW - OLDEST_MS - 1, NOW, NOW + NEWEST_MS + 1], NOW, None);
        let refused = json!({"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2});
        assert_eq!(
            verdict,
            Verdict {
                accepted: 1..2,
                refused
            }
        );
    }

    #[test]
    fn an_event_beyond_the_retention_is_expired_and_beyond_fourteen_days_too_old() {
        let verdict = Verdict::over(&[NOW - OLDEST_MS - 1, NOW - 2 * DAY_MS, NOW], NOW, Some(1));
        let refused = json!({"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2});
        assert_eq!(
            verdict,
            Verdict {
                accepted: 2..3,
                refused
            }
        );
    }

    #[test]
    fn a_batch_of_nothing_but_old_events_keeps_none() {
        let verdict = Verdict::over(&[0, 1], NOW, Some(30));
        assert_eq!(
            verdict,
            Verdict {
                accepted: 2..2,
                refused: json!({"tooOldLogEventEndIndex": 2})
            }
        );
    }
}
