//! Docker's `fluentd` log driver: lines -> records -> messages of the forward protocol.
//!
//! Sources: moby `daemon/logger/fluentd/fluentd.go` and `daemon/logger/copier.go`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::chunk::{Container, Time, Value, docker_record, map};

/// One container's log driver.
pub(super) struct Driver {
    container: Container,
    cut_lines: u64,
}

/// A record as the driver sends it.
pub(super) struct Sent {
    /// When the driver read the line.
    pub(super) time: Time,
    /// The same, in milliseconds since the epoch.
    pub(super) millis: i64,
    /// Keys and values.
    pub(super) fields: Vec<(&'static str, Vec<u8>)>,
}

impl Driver {
    pub(super) fn of(container: &Container) -> Self {
        Self {
            container: container.clone(),
            cut_lines: 0,
        }
    }

    /// The records of one line: several when it is longer than the driver's buffer.
    pub(super) fn records(&mut self, line: &[u8]) -> Vec<Sent> {
        let (time, millis) = now();
        let sent = |fields| Sent {
            time,
            millis,
            fields,
        };
        if line.len() <= BUFFER {
            return vec![sent(docker_record(&self.container, "stdout", line))];
        }
        self.cut_lines += 1;
        let pieces = line.chunks(BUFFER).enumerate();
        let last = line.len().div_ceil(BUFFER) - 1;
        let record = |(index, piece)| {
            let mut fields = docker_record(&self.container, "stdout", piece);
            fields.extend(partial(self.cut_lines, index, index == last));
            sent(fields)
        };
        pieces.map(record).collect()
    }
}

impl Sent {
    /// `[tag, time, record, option]`.
    pub(super) fn message(&self, tag: &str) -> Vec<u8> {
        let parts = vec![
            tag.into(),
            self.time.value(),
            self.body(),
            Value::Map(vec![]),
        ];
        let mut message = Vec::new();
        Value::Array(parts).write(&mut message);
        message
    }

    /// The record as a map.
    pub(super) fn body(&self) -> Value {
        let fields = self.fields.iter();
        map(fields.map(|(key, value)| (*key, Value::Str(value.clone()))))
    }
}

/// What marks a piece of a line.
fn partial(line: u64, index: usize, is_last: bool) -> [(&'static str, Vec<u8>); 4] {
    [
        ("partial_message", "true".to_owned()),
        ("partial_id", format!("{line:064x}")),
        ("partial_ordinal", (index + 1).to_string()),
        ("partial_last", is_last.to_string()),
    ]
    .map(|(key, value)| (key, value.into_bytes()))
}

fn now() -> (Time, i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a clock after 1970");
    let time = Time::Event {
        seconds: u32::try_from(now.as_secs()).expect("a clock before 2106"),
        nanoseconds: now.subsec_nanos(),
    };
    let millis = i64::try_from(now.as_millis()).expect("a clock before 2106");
    (time, millis)
}

/// Bytes of a line that the driver reads at once.
const BUFFER: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'s>(sent: &'s [Sent], wanted: &str) -> Vec<&'s [u8]> {
        let fields = sent.iter().flat_map(|sent| &sent.fields);
        let found = fields.filter(|(key, _)| *key == wanted);
        found.map(|(_, value)| value.as_slice()).collect()
    }

    #[test]
    fn a_line_that_fills_the_buffer_is_one_record() {
        let mut driver = Driver::of(&Container::named("web"));
        let sent = driver.records(&[b'x'; BUFFER]);
        assert_eq!(sent.len(), 1);
        assert!(values(&sent, "partial_message").is_empty());
    }

    #[test]
    fn a_longer_line_is_sent_in_marked_pieces() {
        let mut driver = Driver::of(&Container::named("web"));
        let line: Vec<u8> = (0..=u8::MAX).cycle().take(2 * BUFFER + 1).collect();
        let sent = driver.records(&line);
        assert_eq!(values(&sent, "log").concat(), line);
        assert_eq!(values(&sent, "partial_ordinal"), [b"1", b"2", b"3"]);
        assert_eq!(
            values(&sent, "partial_last"),
            [&b"false"[..], b"false", b"true"]
        );
        let ids = values(&sent, "partial_id");
        assert_eq!((ids[0], ids[1]), (ids[1], ids[2]));
        assert_ne!(values(&driver.records(&line), "partial_id")[0], ids[0]);
    }

    #[test]
    fn a_message_is_an_array_of_tag_time_record_and_option() {
        let mut driver = Driver::of(&Container::named("web"));
        let message = driver.records(b"")[0].message("t");
        assert!(message.starts_with(b"\x94\xa1t\xd7\x00"));
        assert!(message.ends_with(b"\xa3log\xa0\x80"), "{message:x?}");
    }
}
