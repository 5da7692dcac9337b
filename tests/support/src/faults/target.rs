//! The services that scripts deliver to.

/// A service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// CloudWatch Logs: a log stream for each place.
    CloudWatch,
    /// Data Firehose: a delivery stream for each place.
    Firehose,
    /// Kinesis Data Streams: one stream, in which a place may be the partition key.
    Kinesis,
}

impl Target {
    /// The service of a script; a third of those that have records deliver to Kinesis.
    pub(super) fn of(seed: u64, has_records: bool) -> Self {
        match (has_records, seed.is_multiple_of(3)) {
            (false, _) => Self::CloudWatch,
            (true, false) => Self::Firehose,
            (true, true) => Self::Kinesis,
        }
    }

    /// The plugin's name.
    #[must_use]
    pub fn plugin(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            Self::Firehose => "firehose",
            Self::Kinesis => "kinesis",
        }
    }

    /// The operation that delivers events.
    pub(super) fn write_operation(self) -> &'static str {
        match self {
            Self::CloudWatch => "PutLogEvents",
            Self::Firehose => "PutRecordBatch",
            Self::Kinesis => "PutRecords",
        }
    }

    /// The codes of records that an accepted request fails.
    pub(super) fn partial_codes(self) -> &'static [&'static str] {
        match self {
            Self::CloudWatch => &[],
            Self::Firehose => &["ServiceUnavailableException"],
            Self::Kinesis => &["ProvisionedThroughputExceededException", "InternalFailure"],
        }
    }

    /// The options that name where events go.
    pub(super) fn options(self, seed: u64, group: String) -> Vec<(&'static str, String)> {
        let pairs: &[(&'static str, &str)] = match self {
            Self::CloudWatch => &[
                ("log_group_name", &group),
                ("log_stream_name", "$(place)"),
                ("auto_create_group", "on"),
            ],
            Self::Firehose => &[
                ("delivery_stream", "$(place)"),
                ("default_delivery_stream", "nowhere"),
            ],
            Self::Kinesis if seed.is_multiple_of(2) => {
                &[("stream", STREAM), ("partition_key", "place")]
            }
            Self::Kinesis => &[("stream", STREAM)],
        };
        let owned = pairs.iter().map(|(key, value)| (*key, (*value).to_owned()));
        owned.collect()
    }

    /// The option that joins records.
    pub(super) fn aggregation(self, seed: u64) -> &'static str {
        match self {
            Self::Kinesis if seed.is_multiple_of(5) => "simple_aggregation",
            Self::Kinesis => "aggregation",
            _ => "simple_aggregation",
        }
    }
}

/// The stream of Kinesis Data Streams that scripts deliver to.
pub(super) const STREAM: &str = "script";
