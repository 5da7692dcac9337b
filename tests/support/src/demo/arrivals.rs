//! What the services hold, and a table of it.

use std::collections::HashMap;
use std::fmt::{self, Display};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::chaos::Deleted;
use super::feed::Written;
use super::ledger::{Fields, Ledger, routed};
use super::samples::{Sample, shown};
use super::task::Task;
use crate::aws::{Account, StandIn, Stream, Tally};

/// Everything that arrived.
pub(super) struct Arrivals<'s> {
    /// The records with their times.
    pub(super) ledger: Ledger,
    /// The places that have some, in the order of the outputs.
    pub(super) places: Vec<Place>,
    /// Some lines, with what is stored of them.
    pub(super) samples: Vec<Sample>,
    /// The sample's place in `samples`, by what it must be stored as.
    wanted: HashMap<(i64, Fields), usize>,
    sent: &'s Ledger,
    stranger: Option<String>,
}

/// A log stream, a delivery stream or a data stream.
pub(super) struct Place {
    /// The output that writes to it.
    pub(super) kind: &'static str,
    /// What it is, and its name.
    pub(super) name: String,
    /// Events or records.
    pub(super) count: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl<'s> Arrivals<'s> {
    /// Looks at what arrived, and compares it with what was sent.
    pub(super) fn of(
        aws: &StandIn,
        task: &Task,
        written: &'s Written,
        deleted: &[Deleted],
    ) -> Self {
        let key = |sample: &Sample| (sample.millis, routed(&sample.container, &sample.fields));
        let wanted = written.samples.iter().map(key).zip(0..).collect();
        let mut arrivals = Self {
            ledger: Ledger::default(),
            places: Vec::new(),
            samples: written.samples.clone(),
            wanted,
            sent: &written.ledger,
            stranger: None,
        };
        for Deleted {
            group,
            stream,
            held,
        } in deleted
        {
            let name = format!("group {group}, stream {stream}, until it was deleted");
            arrivals.log_stream(name, held);
        }
        aws.look(|account| {
            for (group, stream) in account.streams() {
                if let Some(held) = account.stream(group, stream) {
                    arrivals.log_stream(format!("group {group}, stream {stream}"), held);
                }
            }
            for name in task.delivery_streams() {
                arrivals.delivery_stream(account, name);
            }
            for name in task.kinesis_streams() {
                arrivals.kinesis_stream(account, name);
            }
        });
        arrivals
    }

    /// How much arrived through one of the outputs.
    pub(super) fn count(&self, kind: &str) -> u64 {
        let places = self.places.iter().filter(|place| place.kind == kind);
        places.map(|place| place.count).sum()
    }

    fn log_stream(&mut self, name: String, stream: &Stream) {
        for event in &stream.events {
            let text = event.message.as_bytes();
            let stored = || format!("{} ms: {}", event.timestamp, shown(text));
            self.note(event.timestamp, fields(text), stored);
        }
        self.place("cloudwatch", name, stream.tally);
    }

    fn delivery_stream(&mut self, account: &Account, name: &str) {
        for record in account.records(name) {
            self.note_record(record, String::new());
        }
        let tally = account.delivery_tally(name);
        self.place("firehose", format!("delivery stream {name}"), tally);
    }

    fn kinesis_stream(&mut self, account: &Account, name: &str) {
        for record in account.kinesis_records(name) {
            let short: String = record.partition_key.chars().take(12).collect();
            self.note_record(&record.data, format!("key {short}…, {}: ", record.shard));
        }
        self.place(
            "kinesis",
            format!("stream {name}"),
            account.kinesis_tally(name),
        );
    }

    fn place(&mut self, kind: &'static str, name: String, tally: Tally) {
        let Tally { count, bytes, .. } = tally;
        self.places.push(Place {
            kind,
            name,
            count,
            bytes,
        });
    }

    fn note_record(&mut self, record: &[u8], head: String) {
        let mut fields = fields(record);
        let time = fields.remove(TIME_KEY).unwrap_or_default();
        self.note(millis(&time), fields, || head + &shown(record));
    }

    fn note(&mut self, millis: i64, fields: Fields, stored: impl FnOnce() -> String) {
        self.ledger.note(millis, &fields);
        if self.stranger.is_none() && !self.sent.has(millis, &fields) {
            self.stranger = Some(format!("at {millis} ms: {fields:?}"));
        }
        if let Some(place) = self.wanted.remove(&(millis, fields)) {
            self.samples[place].stored = Some(stored());
        }
    }
}

impl Display for Arrivals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.places {
            let Place {
                kind,
                name,
                count,
                bytes,
            } = place;
            let unit = if *kind == "cloudwatch" {
                "events"
            } else {
                "records"
            };
            writeln!(f, "{kind}: {name}: {count} {unit}, {bytes} bytes")?;
        }
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
