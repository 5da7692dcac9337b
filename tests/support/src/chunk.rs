//! Chunks as Fluent Bit hands them to an output: msgpack records one after another.
//!
//! A [`Chunk`] is written record by record, and anything may be written: the forms that inputs
//! leave, and the ones that none should but a file or a socket can. [`Random`] makes chunks for
//! property tests, [`docker_line`] the records that a FireLens router sees.
//!
//! Sources: the forward protocol's EventTime, fluent-bit `src/flb_time.c` and
//! `src/flb_log_event_encoder.c`.

mod docker;
mod random;
mod value;

pub use docker::{Container, docker_line, docker_record};
pub use random::{Random, Record};
pub use value::{Value, map};

/// A chunk that is being written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Chunk {
    bytes: Vec<u8>,
    records: usize,
}

impl Chunk {
    /// An empty chunk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `[time, body]`, the form before 2.1.0.
    #[must_use]
    pub fn v1(self, time: impl Into<Time>, body: impl Into<Value>) -> Self {
        self.record(Value::Array(vec![time.into().value(), body.into()]))
    }

    /// Appends `[[time, {}], body]`, the form since 2.1.0.
    #[must_use]
    pub fn v2(self, time: impl Into<Time>, body: impl Into<Value>) -> Self {
        self.v2_with(time, Value::Map(vec![]), body)
    }

    /// Appends `[[time, metadata], body]`.
    #[must_use]
    pub fn v2_with(
        self,
        time: impl Into<Time>,
        metadata: impl Into<Value>,
        body: impl Into<Value>,
    ) -> Self {
        let head = Value::Array(vec![time.into().value(), metadata.into()]);
        self.record(Value::Array(vec![head, body.into()]))
    }

    /// Appends `[[time, {}], body]` with lengths of four bytes, as Fluent Bit 2.1 to 4.2 writes it.
    #[must_use]
    pub fn wide(mut self, time: impl Into<Time>, body: impl Into<Value>) -> Self {
        const ARRAY_OF_TWO: [u8; 5] = [0xdd, 0, 0, 0, 2];
        const EMPTY_MAP: [u8; 5] = [0xdf, 0, 0, 0, 0];
        self.bytes.extend([ARRAY_OF_TWO, ARRAY_OF_TWO].concat());
        time.into().value().write(&mut self.bytes);
        self.bytes.extend(EMPTY_MAP);
        self.record(body.into())
    }

    /// Appends the marker that opens a group, as the OpenTelemetry input writes it. It is not
    /// counted as a record.
    #[must_use]
    pub fn group_start(
        self,
        resource_id: i64,
        scope_id: i64,
        attributes: impl Into<Value>,
    ) -> Self {
        let metadata = map([
            ("schema", Value::from("otlp")),
            ("resource_id", Value::from(resource_id)),
            ("scope_id", Value::from(scope_id)),
        ]);
        self.marker(GROUP_START, metadata, attributes.into())
    }

    /// Appends the marker that closes a group. It is not counted as a record.
    #[must_use]
    pub fn group_end(self) -> Self {
        self.marker(GROUP_END, Value::Map(vec![]), Value::Map(vec![]))
    }

    /// Appends any value where a record belongs, and counts it as one.
    #[must_use]
    pub fn record(mut self, value: Value) -> Self {
        value.write(&mut self.bytes);
        self.records += 1;
        self
    }

    /// Appends bytes that are no record.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Takes bytes off the end. The count of records stays.
    ///
    /// # Panics
    ///
    /// When the chunk has fewer bytes.
    #[must_use]
    pub fn torn(mut self, bytes: usize) -> Self {
        let len = self
            .bytes
            .len()
            .checked_sub(bytes)
            .expect("no more than the chunk has");
        self.bytes.truncate(len);
        self
    }

    /// The chunk, as flush is given it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The records appended, group markers and raw bytes not counted.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    fn marker(mut self, seconds: u32, metadata: Value, body: Value) -> Self {
        let time = Time::Event {
            seconds,
            nanoseconds: 0,
        }
        .value();
        Value::Array(vec![Value::Array(vec![time, metadata]), body]).write(&mut self.bytes);
        self
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A record's time in the forms that Fluent Bit reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// Seconds as an integer.
    Seconds(i64),
    /// Seconds as a double.
    Float(f64),
    /// EventTime as `fixext 8`, type 0: what Fluent Bit itself writes.
    Event {
        /// Since the epoch.
        seconds: u32,
        /// Within the second.
        nanoseconds: u32,
    },
    /// EventTime as `ext 8` of length 8, type 0, which the forward protocol allows too.
    EventLong {
        /// Since the epoch.
        seconds: u32,
        /// Within the second.
        nanoseconds: u32,
    },
}

impl Time {
    /// EventTime for milliseconds since the epoch, which is all that the services keep.
    ///
    /// # Panics
    ///
    /// After the year 2106, where EventTime ends.
    #[must_use]
    pub fn millis(millis: u64) -> Self {
        let seconds = u32::try_from(millis / 1000).expect("within EventTime");
        let nanoseconds = u32::try_from(millis % 1000 * 1_000_000).expect("less than a second");
        Self::Event {
            seconds,
            nanoseconds,
        }
    }

    /// The value as it stands in a record.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Self::Seconds(seconds) => Value::Int(seconds),
            Self::Float(seconds) => Value::F64(seconds),
            Self::Event {
                seconds,
                nanoseconds,
            } => Value::Ext(0, event(seconds, nanoseconds)),
            Self::EventLong {
                seconds,
                nanoseconds,
            } => Value::LongExt(0, event(seconds, nanoseconds)),
        }
    }
}

impl From<i64> for Time {
    fn from(seconds: i64) -> Self {
        Self::Seconds(seconds)
    }
}

impl From<f64> for Time {
    fn from(seconds: f64) -> Self {
        Self::Float(seconds)
    }
}

fn event(seconds: u32, nanoseconds: u32) -> Vec<u8> {
    [seconds.to_be_bytes(), nanoseconds.to_be_bytes()].concat()
}

/// `FLB_LOG_EVENT_GROUP_START` (-1) as EventTime's unsigned seconds.
const GROUP_START: u32 = u32::MAX;
/// `FLB_LOG_EVENT_GROUP_END` (-2) likewise.
const GROUP_END: u32 = u32::MAX - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_event_time_have_their_own_bytes() {
        let [seconds, nanoseconds] = [0x0102_0304, 5];
        let short = Chunk::new().v1(
            Time::Event {
                seconds,
                nanoseconds,
            },
            map([("a", 1_i64)]),
        );
        assert_eq!(
            short.bytes(),
            b"\x92\xd7\x00\x01\x02\x03\x04\x00\x00\x00\x05\x81\xa1a\x01"
        );
        let long = Chunk::new().v1(
            Time::EventLong {
                seconds,
                nanoseconds,
            },
            map([("a", 1_i64)]),
        );
        assert_eq!(
            long.bytes(),
            b"\x92\xc7\x08\x00\x01\x02\x03\x04\x00\x00\x00\x05\x81\xa1a\x01"
        );
    }

    #[test]
    fn a_group_is_marked_but_not_counted() {
        let chunk = Chunk::new()
            .group_start(0, 0, map([("resource", 1_i64)]))
            .v2(7_i64, map([("a", 1_i64)]));
        let chunk = chunk.group_end();
        assert_eq!(chunk.records(), 1);
        assert!(
            chunk
                .bytes()
                .starts_with(b"\x92\x92\xd7\x00\xff\xff\xff\xff\x00\x00\x00\x00\x83")
        );
        assert!(
            chunk
                .bytes()
                .ends_with(b"\x92\x92\xd7\x00\xff\xff\xff\xfe\x00\x00\x00\x00\x80\x80")
        );
    }

    #[test]
    fn a_torn_chunk_keeps_what_came_before() {
        let whole = Chunk::new().v2(7_i64, map([("a", 1_i64)]));
        let torn = whole.clone().v2(8_i64, map([("b", 2_i64)])).torn(1);
        assert!(torn.bytes().starts_with(whole.bytes()));
        assert_eq!(torn.bytes().len(), 2 * whole.bytes().len() - 1);
    }
}
