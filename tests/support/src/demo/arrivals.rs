//! What the services hold, and a table of it.

use std::fmt::{self, Display};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ledger::{Fields, Ledger};
use super::task::Task;
use crate::aws::{Account, StandIn, Tally};

/// Everything that arrived.
pub(super) struct Arrivals<'s> {
    /// The records with their times.
    pub(super) ledger: Ledger,
    /// Log events.
    pub(super) events: u64,
    /// Records of delivery streams.
    pub(super) records: u64,
    /// Records of Kinesis data streams.
    pub(super) kinesis: u64,
    sent: &'s Ledger,
    stranger: Option<String>,
    rows: Vec<String>,
}

impl<'s> Arrivals<'s> {
    /// Looks at what arrived, beside what was sent.
    pub(super) fn of(aws: &StandIn, task: &Task, sent: &'s Ledger) -> Self {
        let mut arrivals = Self {
            ledger: Ledger::default(),
            events: 0,
            records: 0,
            kinesis: 0,
            sent,
            stranger: None,
            rows: Vec::new(),
        };
        aws.look(|account| {
            arrivals.log_streams(account);
            for name in task.delivery_streams() {
                arrivals.delivery_stream(account, name);
            }
            for name in task.kinesis_streams() {
                arrivals.kinesis_stream(account, name);
            }
        });
        arrivals
    }

    fn log_streams(&mut self, account: &Account) {
        for (group, stream) in account.streams() {
            for event in account.events(group, stream) {
                self.note(event.timestamp, &fields(event.message.as_bytes()));
            }
            let tally = account.stream(group, stream).map(|stream| stream.tally);
            let Tally { count, bytes, .. } = tally.unwrap_or_default();
            self.events += count;
            self.rows.push(format!(
                "cloudwatch: group {group}, stream {stream}: {count} events, {bytes} bytes"
            ));
        }
    }

    fn delivery_stream(&mut self, account: &Account, name: &str) {
        for record in account.records(name) {
            self.note_record(record);
        }
        let Tally { count, bytes, .. } = account.delivery_tally(name);
        self.records += count;
        self.rows.push(format!(
            "firehose: delivery stream {name}: {count} records, {bytes} bytes"
        ));
    }

    fn kinesis_stream(&mut self, account: &Account, name: &str) {
        for record in account.kinesis_records(name) {
            self.note_record(&record.data);
        }
        let Tally { count, bytes, .. } = account.kinesis_tally(name);
        self.kinesis += count;
        self.rows.push(format!(
            "kinesis: stream {name}: {count} records, {bytes} bytes"
        ));
    }

    fn note_record(&mut self, record: &[u8]) {
        let mut fields = fields(record);
        let time = fields.remove(TIME_KEY).unwrap_or_default();
        self.note(millis(&time), &fields);
    }

    fn note(&mut self, millis: i64, fields: &Fields) {
        self.ledger.note(millis, fields);
        if self.stranger.is_none() && !self.sent.has(millis, fields) {
            self.stranger = Some(format!("at {millis} ms: {fields:?}"));
        }
    }
}

impl Display for Arrivals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        match &self.stranger {
            Some(stranger) => writeln!(f, "arrived, but not as it was sent: {stranger}"),
            None => Ok(()),
        }
    }
}

/// A record's fields; one that is no JSON object of strings is a field by itself, so that it is
/// like nothing that was sent.
fn fields(record: &[u8]) -> Fields {
    serde_json::from_slice(record).unwrap_or_else(|problem| {
        let text = String::from_utf8_lossy(record);
        [(problem.to_string(), text.into_owned())].into()
    })
}

/// Milliseconds since the epoch; what is no time is like none that was sent.
fn millis(time: &str) -> i64 {
    let time = OffsetDateTime::parse(time, &Rfc3339);
    let nanos = time.map_or(-1, OffsetDateTime::unix_timestamp_nanos);
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(-1)
}

/// The example's `time_key`.
const TIME_KEY: &str = "time";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_to_the_millisecond() {
        assert_eq!(millis("1970-01-02T00:00:00.007Z"), 86_400_007);
        assert!(millis("yesterday") < 0);
    }

    #[test]
    fn a_record_that_is_no_object_of_strings_is_like_no_other() {
        assert_eq!(fields(b"{\"log\":\"x\"}\n")["log"], "x");
        assert!(!fields(b"{\"log\":1}").contains_key("log"));
        assert!(!fields(b"{\"log\":\"x\"").contains_key("log"));
    }
}
