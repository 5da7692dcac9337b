//! The options as users write and read about them.

use crate::firehose::options::RECORD;
use crate::options::{Spec, common, join};

/// Every option.
pub const OPTIONS: &[Spec] =
    &join::<_, { OF_RECORDS.len() + common::OPTIONS.len() }>(OF_RECORDS, common::OPTIONS);

const OF_RECORDS: &[Spec] = &join::<_, { OWN.len() + RECORD.len() }>(OWN, RECORD);

/// Options of other plugins and drivers that people copy into a section for this one.
pub const FOREIGN: &[(&str, &str)] =
    &join::<_, { FOREIGN_HERE.len() + common::FOREIGN.len() }>(FOREIGN_HERE, common::FOREIGN);

/// The options that this plugin alone has.
const OWN: &[Spec] = &[
    Spec {
        key: "stream",
        form: "name",
        default: "",
        help: "Name of the Kinesis data stream, which must exist; required.",
    },
    Spec {
        key: "partition_key",
        form: "key, or keys of nested maps joined by `->`",
        default: "",
        help: "Key whose text is the record's partition key, such as `container_id` or `kubernetes->pod_name`, looked for before `data_keys`. Of a longer text the first 256 bytes are used. Without the option each record has a random partition key; so has a record without text there, which is counted and reported. `log` stops the start, as in the Go plugin.",
    },
    Spec {
        key: "append_newline",
        form: "switch",
        default: "false",
        help: "Adds a newline to each record's text, for consumers that expect lines; before compression.",
    },
    Spec {
        key: "aggregation",
        form: "switch",
        default: "false",
        help: "Puts the records of one partition key into Kinesis records of up to 256 KiB, in the format of the Kinesis Producer Library (KPL), for consumers that use the Kinesis Client Library, and for Data Firehose. Larger records are sent alone. Each Kinesis record of records without a partition key has a new random one. Not together with `simple_aggregation`.",
    },
    Spec {
        key: "simple_aggregation",
        form: "switch",
        default: "false",
        help: "Joins the records of one partition key by newlines into Kinesis records of up to 256 KiB, for consumers that read lines. With `append_newline` the last one ends in a newline too.",
    },
    Spec {
        key: "compression",
        form: "none, zlib, gzip, snappy or zstd",
        default: "none",
        help: "Compresses each record: before `aggregation`, as the Go plugin does, and after `simple_aggregation`, as the C plugin does. Snappy in its block format. The limits count what is sent.",
    },
    Spec {
        key: "max_record_bytes",
        form: "number",
        default: "1048576",
        help: "Largest Kinesis record, partition key included, up to 10,485,760: what the stream's setting `MaxRecordSizeInKiB` allows, which is 1 MiB unless it was raised.",
    },
    Spec {
        key: "oversize",
        form: "split or truncate",
        default: "split",
        help: "What is done with a record that is larger than `max_record_bytes`, with `compression` when it is sent; a record of more than 8 MiB is taken for one. `split` sends it whole, in numbered parts of the same partition key; `truncate` cuts it and marks the cut, as the Go plugin does. Either way between characters.",
    },
    Spec {
        key: "http_request_timeout",
        form: "time",
        default: "0",
        help: "Longest time that a request waits for its answer; 0 for no limit but `flush_timeout`. A request that was given up may have been accepted, so its records can be stored twice.",
    },
    Spec {
        key: "experimental_concurrency",
        form: "number",
        default: "",
        help: "As `concurrency`; 0 is 1. It has none of the Go plugin's danger: a chunk is acknowledged when it is delivered.",
    },
];

/// What belongs to another plugin, or has no effect here.
const FOREIGN_HERE: &[(&str, &str)] = &[
    (
        "experimental_concurrency_retries",
        "requests are retried until `flush_timeout`, then Fluent Bit retries the chunk as its `Retry_Limit` says; nothing is dropped before.",
    ),
    (
        "delivery_stream",
        "it belongs to the `firehose` output; the option is `stream`.",
    ),
    ("log_group_name", "it belongs to the `cloudwatch` output."),
    ("log_stream_name", "it belongs to the `cloudwatch` output."),
    (
        "log_stream_prefix",
        "it belongs to the `cloudwatch` output.",
    ),
    (
        "auto_create_group",
        "it belongs to the `cloudwatch` output.",
    ),
    (
        "explicit_hash_key",
        "the shard is chosen by `partition_key`.",
    ),
];
