//! The options of `kinesis`: what they make, and their table.

mod table;

use std::time::Duration;

pub use self::table::{FOREIGN, OPTIONS};
use crate::batch::compress::Compression;
use crate::json::record_text::Shape;
use crate::kinesis::pack::{Join, Packing};
use crate::kinesis::partition_key::PartitionKey;
use crate::options::{Alias, Reader, common};

/// What one output section asks for.
#[derive(Debug)]
pub struct Config {
    /// The name of the stream.
    pub stream: String,
    /// Where a record has its partition key.
    pub partition_key: PartitionKey,
    /// What of a record is sent.
    pub shape: Shape,
    /// How texts become Kinesis records.
    pub packing: Packing,
    /// The longest time that a request waits for its answer, if it is limited.
    pub request_timeout: Option<Duration>,
}

impl Config {
    /// Reads every option; the reader has the problems.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Self {
        reader.alias(ALIASES);
        let second = Duration::from_secs(1);
        Self {
            stream: stream(reader),
            partition_key: PartitionKey::read(reader),
            shape: Shape::read(reader),
            packing: packing(reader),
            request_timeout: reader
                .duration("http_request_timeout", Duration::ZERO, second * 600)
                .filter(|timeout| !timeout.is_zero()),
        }
    }
}

/// The name of the stream: `[a-zA-Z0-9_.-]{1,128}`.
fn stream(reader: &Reader<'_>) -> String {
    let name = reader.required("stream");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if let Some((_, end)) = name.split_once(":stream/") {
        reader.problem(format_args!(
            "`stream` is the ARN `{name}`: it must be the stream's name, `{end}`; another account's stream is reached with `role_arn`, another region's with `region`"
        ));
    } else if name.len() > 128 || !name.chars().all(allowed) {
        reader.problem(format_args!(
            "`stream` is `{name}`: it must be 1 to 128 letters, digits, `_`, `.` or `-`; variables are not supported"
        ));
    }
    name
}

fn packing(reader: &Reader<'_>) -> Packing {
    let most = 10 * DEFAULT_RECORD_BYTES;
    Packing {
        join: join(reader),
        compression: compression(reader),
        oversize: common::oversize(reader),
        record_bytes: reader
            .number("max_record_bytes", DEFAULT_RECORD_BYTES, most)
            .unwrap_or(DEFAULT_RECORD_BYTES),
        newline: reader.switch("append_newline"),
    }
}

fn join(reader: &Reader<'_>) -> Join {
    let (kpl, lines) = (
        reader.switch("aggregation"),
        reader.switch("simple_aggregation"),
    );
    if kpl && lines {
        reader.problem(
            "`aggregation` and `simple_aggregation` are both on: they are two formats of a Kinesis record; set the one that the stream's consumers read",
        );
    }
    match (kpl, lines) {
        (true, _) => Join::Kpl,
        (false, true) => Join::Lines,
        (false, false) => Join::Never,
    }
}

/// In any case, as the Go plugin takes it.
fn compression(reader: &Reader<'_>) -> Option<Compression> {
    let allowed = "one of none, zlib, gzip, snappy, zstd";
    let parse = |value: &str| match value.to_ascii_lowercase().as_str() {
        "none" => Some(None),
        "zlib" => Some(Some(Compression::Zlib)),
        "gzip" => Some(Some(Compression::Gzip)),
        "snappy" => Some(Some(Compression::Snappy)),
        "zstd" => Some(Some(Compression::Zstd)),
        _ => None,
    };
    reader.parsed("compression", allowed, parse).flatten()
}

/// The Go plugin's names of options.
const ALIASES: &[Alias] = &[Alias {
    key: "experimental_concurrency",
    option: "concurrency",
    // The Go plugin then delivers in Fluent Bit's own thread, one chunk after another.
    value: |value| match value.as_str() {
        "0" => "1".to_owned(),
        _ => value,
    },
}];

/// A stream takes records of this size, partition key included, unless its setting `MaxRecordSizeInKiB`
/// says more: <https://docs.aws.amazon.com/streams/latest/dev/large-records.html>. Its greatest value is
/// ten times this one.
const DEFAULT_RECORD_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::read_options;
    use crate::kinesis::Kinesis;
    use crate::options::common::Common;

    fn read(options: &[(&str, &str)]) -> (Config, Common, Vec<String>) {
        let reader = Reader::new(OPTIONS, |key| {
            let mut all = options.iter().chain(&[("stream", "clicks")]);
            let found = all.find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        });
        let (config, common) = read_options::<Kinesis>(&reader, |_| None);
        (config, common, reader.problems())
    }

    #[test]
    fn the_go_plugins_spellings_are_taken() {
        let (config, common, problems) = read(&[
            ("compression", "GZIP"),
            ("experimental_concurrency", "0"),
            ("http_request_timeout", "0"),
            ("append_newline", "True"),
        ]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(config.packing.compression, Some(Compression::Gzip));
        assert!(config.packing.newline && config.request_timeout.is_none());
        assert_eq!(common.concurrency, 1);
        let (config, common, _) = read(&[
            ("experimental_concurrency", "4"),
            ("http_request_timeout", "3"),
        ]);
        assert_eq!(common.concurrency, 4);
        assert_eq!(config.request_timeout, Some(Duration::from_secs(3)));
    }

    #[test]
    fn what_cannot_be_meant_is_a_problem() {
        let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks";
        let long = "x".repeat(129);
        for (options, problem) in [
            (
                &[("stream", arn)][..],
                "it must be the stream's name, `clicks`",
            ),
            (&[("stream", "a b")], "1 to 128 letters"),
            (&[("stream", long.as_str())], "1 to 128 letters"),
            (&[("stream", "app-$(tag)")], "variables are not supported"),
            (&[("stream", "")], "`stream` is required"),
            (&[("compression", "lz4")], "one of none, zlib"),
            (&[("max_record_bytes", "1000")], "from 1048576 to 10485760"),
            (
                &[("aggregation", "true"), ("simple_aggregation", "on")],
                "are both on",
            ),
            (
                &[("experimental_concurrency", "2"), ("concurrency", "2")],
                "are one option",
            ),
        ] {
            let (.., problems) = read(options);
            assert!(
                problems.len() == 1 && problems[0].contains(problem),
                "{options:?}: {problems:?}"
            );
        }
    }
}
