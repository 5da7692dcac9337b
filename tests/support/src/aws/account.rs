//! The account: what exists in the stand-in, what was accepted, and every call made.

use std::collections::BTreeMap;

use super::calls::{Call, CallLog};
use super::kinesis::{KinesisRecord, KinesisStream};
use super::stored::{DeliveryStream, Group, StoredEvent, Stream, Tally};
use super::sts::AssumedRole;

/// Everything the stand-in knows at one moment; predicates of `StandIn::wait_for` look at it.
#[derive(Debug)]
pub struct Account {
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) delivery_streams: BTreeMap<String, DeliveryStream>,
    pub(super) kinesis_streams: BTreeMap<String, KinesisStream>,
    pub(super) calls: CallLog,
    pub(super) assumed_roles: Vec<AssumedRole>,
    pub(super) auto_create: bool,
}

impl Account {
    pub(super) fn new(counting: bool, auto_create: bool) -> Self {
        Self {
            groups: BTreeMap::new(),
            delivery_streams: BTreeMap::new(),
            kinesis_streams: BTreeMap::new(),
            calls: CallLog::keeping(counting.then_some(CALLS_KEPT_WHEN_COUNTING)),
            assumed_roles: Vec::new(),

            auto_create,
        }
    }

    /// Log groups by name.
    pub fn groups(&self) -> &BTreeMap<String, Group> {
        &self.groups
    }

    /// A log stream, if it exists.
    pub fn stream(&self, group: &str, stream: &str) -> Option<&Stream> {
        self.groups.get(group)?.streams.get(stream)
    }

    /// Events of a stream in stored order; empty when there is no such stream, and in counting mode.
    pub fn events(&self, group: &str, stream: &str) -> &[StoredEvent] {
        self.stream(group, stream)
            .map_or(&[], |stream| &stream.events)
    }

    /// Names of all streams as pairs of group and stream.
    pub fn streams(&self) -> impl Iterator<Item = (&str, &str)> {
        self.groups.iter().flat_map(|(group, known)| {
            known
                .streams
                .keys()
                .map(move |stream| (group.as_str(), stream.as_str()))
        })
    }

    /// How much all log streams accepted together.
    pub fn events_tally(&self) -> Tally {
        let streams = self
            .groups
            .values()
            .flat_map(|group| group.streams.values());
        sum(streams.map(|stream| stream.tally))
    }

    /// Names of the delivery streams.
    pub fn delivery_streams(&self) -> impl Iterator<Item = &str> {
        self.delivery_streams.keys().map(String::as_str)
    }

    /// Records of a delivery stream in stored order; empty when there is none, and in counting mode.
    pub fn records(&self, delivery_stream: &str) -> &[Vec<u8>] {
        self.delivery_streams
            .get(delivery_stream)
            .map_or(&[], |stream| &stream.records)
    }

    /// How much one delivery stream accepted.
    pub fn delivery_tally(&self, delivery_stream: &str) -> Tally {
        self.delivery_streams
            .get(delivery_stream)
            .map(|stream| stream.tally)
            .unwrap_or_default()
    }

    /// How much all delivery streams accepted together.
    pub fn records_tally(&self) -> Tally {
        sum(self.delivery_streams.values().map(|stream| stream.tally))
    }

    /// Names of the Kinesis data streams.
    pub fn kinesis_streams(&self) -> impl Iterator<Item = &str> {
        self.kinesis_streams.keys().map(String::as_str)
    }

    /// Records of a Kinesis data stream in stored order; empty when there is none, and in counting mode.
    pub fn kinesis_records(&self, stream: &str) -> &[KinesisRecord] {
        self.kinesis_streams
            .get(stream)
            .map_or(&[], |stream| &stream.records)
    }

    /// How much one Kinesis data stream accepted.
    pub fn kinesis_tally(&self, stream: &str) -> Tally {
        let stream = self.kinesis_streams.get(stream);
        stream.map(|stream| stream.tally).unwrap_or_default()
    }

    /// How much all Kinesis data streams accepted together.
    pub fn kinesis_total(&self) -> Tally {
        sum(self.kinesis_streams.values().map(|stream| stream.tally))
    }

    /// Calls in the order in which they began; the latest 1,000 in counting mode.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter()
    }

    /// How often an operation was called, whatever was answered.
    pub fn count(&self, operation: &str) -> u64 {
        self.calls.count(operation)
    }

    /// How often each error code was answered.
    pub fn errors(&self) -> &BTreeMap<String, u64> {
        self.calls.errors()
    }

    /// How many calls of an operation wait for their answer now.
    pub fn in_flight(&self, operation: &str) -> usize {
        self.calls.in_flight(operation)
    }

    /// The most calls of an operation that ever waited for their answers at once.
    pub fn max_in_flight(&self, operation: &str) -> usize {
        self.calls.max_in_flight(operation)
    }

    /// Roles assumed through STS, in order.
    pub fn assumed_roles(&self) -> &[AssumedRole] {
        &self.assumed_roles
    }

    /// Forgets the calls and the accepted data; groups, streams and delivery streams stay.
    pub(super) fn forget(&mut self) {
        self.calls.forget();
        self.assumed_roles.clear();
        let streams = self
            .groups
            .values_mut()
            .flat_map(|group| group.streams.values_mut());
        for stream in streams {
            stream.events.clear();
            stream.tally = Tally::default();
        }
        self.delivery_streams
            .values_mut()
            .for_each(|stream| *stream = DeliveryStream::default());
        self.kinesis_streams
            .values_mut()
            .for_each(KinesisStream::forget);
    }
}

fn sum(tallies: impl Iterator<Item = Tally>) -> Tally {
    tallies.fold(Tally::default(), |mut total, tally| {
        total.merge(tally);
        total
    })
}

/// Account that every ARN names.
pub(super) const ACCOUNT_ID: &str = "123456789012";

const CALLS_KEPT_WHEN_COUNTING: usize = 1000;
