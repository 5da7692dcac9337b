//! An output section that sends to a stand-in: the options that every test sets, and those it is about.

use std::time::SystemTime;

use cbindings::host::{Generation, Section};

use crate::aws::StandIn;
use crate::chunk::{Chunk, Time, map};
use crate::host::{Instance, LogLine, PluginHost};

/// An output section, before it is opened.
#[derive(Clone, Debug)]
pub struct Output {
    plugin: &'static str,
    options: Vec<(String, String)>,
}

impl Output {
    /// A `cloudwatch` section for [`GROUP`] and [`STREAM`].
    #[must_use]
    pub fn cloudwatch(aws: &StandIn) -> Self {
        Self::cloudwatch_at(&aws.url())
    }

    /// A `cloudwatch` section for [`GROUP`] and [`STREAM`] of a stand-in in another process.
    #[must_use]
    pub fn cloudwatch_at(url: &str) -> Self {
        Self::at("cloudwatch", url)
            .with("log_group_name", GROUP)
            .with("log_stream_name", STREAM)
    }

    /// A `firehose` section for [`DELIVERY_STREAM`] of a stand-in in another process.
    #[must_use]
    pub fn firehose_at(url: &str) -> Self {
        Self::at("firehose", url).with("delivery_stream", DELIVERY_STREAM)
    }

    /// A `firehose` section for [`DELIVERY_STREAM`].
    #[must_use]
    pub fn firehose(aws: &StandIn) -> Self {
        Self::firehose_at(&aws.url())
    }

    /// A `kinesis` section for [`KINESIS_STREAM`] of a stand-in in another process.
    #[must_use]
    pub fn kinesis_at(url: &str) -> Self {
        Self::at("kinesis", url).with("stream", KINESIS_STREAM)
    }

    /// A `kinesis` section for [`KINESIS_STREAM`].
    #[must_use]
    pub fn kinesis(aws: &StandIn) -> Self {
        Self::kinesis_at(&aws.url())
    }

    /// Sets an option, in place of its value so far.
    #[must_use]
    pub fn with(self, key: &str, value: &str) -> Self {
        let mut section = self.without(key);
        section.options.push((key.to_owned(), value.to_owned()));
        section
    }

    /// Leaves an option out.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.options.retain(|(known, _)| known != key);
        self
    }

    /// Opens the section in a host of its own.
    ///
    /// # Panics
    ///
    /// When the plugin refuses, with its reasons.
    #[must_use]
    pub fn open(&self) -> Instance {
        self.host()
            .instance(&self.options)
            .unwrap_or_else(|lines| panic!("refused: {lines:#?}"))
    }

    /// Opens the section, which must be refused: the reasons.
    ///
    /// # Panics
    ///
    /// When the plugin takes it.
    #[must_use]
    pub fn refused(&self) -> Vec<LogLine> {
        self.host()
            .instance(&self.options)
            .expect_err("the section is refused")
    }

    /// The section as a host of `cbindings` takes it.
    #[must_use]
    pub fn section(&self) -> Section {
        Section::new(self.options.iter().map(|(key, value)| (key, value)))
    }

    /// A host with the section's plugin.
    #[must_use]
    pub fn host(&self) -> PluginHost {
        PluginHost::load(self.plugin, Generation::V5_1)
    }

    fn at(plugin: &'static str, url: &str) -> Self {
        let options = Vec::new();
        Self { plugin, options }
            .with("region", "us-east-1")
            .with("endpoint", url)
    }
}

/// A stand-in that has [`GROUP`] with [`STREAM`], [`DELIVERY_STREAM`] and [`KINESIS_STREAM`].
#[must_use]
pub fn ready() -> StandIn {
    let aws = StandIn::start();
    aws.create_stream(GROUP, STREAM);
    aws.create_delivery_stream(DELIVERY_STREAM);
    aws.create_kinesis_stream(KINESIS_STREAM);
    aws
}

/// A chunk of records of now, each a map with its text under `log`.
#[must_use]
pub fn logs<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Chunk {
    let now = Time::millis(now_ms());
    texts.into_iter().fold(Chunk::new(), |chunk, text| {
        chunk.v2(now, map([("log", text.as_ref())]))
    })
}

/// The messages of a stream in stored order.
#[must_use]
pub fn messages(aws: &StandIn, group: &str, stream: &str) -> Vec<String> {
    let events = aws.events(group, stream).into_iter();
    events.map(|event| event.message).collect()
}

/// The records of [`DELIVERY_STREAM`] as text, in stored order.
///
/// # Panics
///
/// When one is no UTF-8.
#[must_use]
pub fn delivered(aws: &StandIn) -> Vec<String> {
    let records = aws.records(DELIVERY_STREAM).into_iter();
    records
        .map(|record| String::from_utf8(record).expect("the record is text"))
        .collect()
}

/// The records of [`KINESIS_STREAM`] as text, in stored order.
///
/// # Panics
///
/// When one is no UTF-8.
#[must_use]
pub fn taken(aws: &StandIn) -> Vec<String> {
    let records = aws.kinesis_records(KINESIS_STREAM).into_iter();
    records
        .map(|record| String::from_utf8(record.data).expect("the record is text"))
        .collect()
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or_default()
}

/// The log group that tests write to.
pub const GROUP: &str = "/ecs/web";
/// The log stream that tests write to.
pub const STREAM: &str = "web";
/// The delivery stream that tests write to.
pub const DELIVERY_STREAM: &str = "orders";
/// The Kinesis data stream that tests write to.
pub const KINESIS_STREAM: &str = "clicks";
