//! The options as users write and read about them.

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
        key: "delivery_stream",
        form: "template",
        default: "",
        help: "Delivery stream; may hold variables, see Templates. What a variable's value has beyond letters, digits, `_`, `.` and `-` becomes dots, and the name is cut to 64 bytes.",
    },
    Spec {
        key: "default_delivery_stream",
        form: "name",
        default: "",
        help: "Delivery stream of records for which `delivery_stream` has no value; required when that has variables.",
    },
    Spec {
        key: "simple_aggregation",
        form: "switch",
        default: "false",
        help: "Joins records, each with its newline, into Firehose records of up to 1,000 KiB. Of one delivery stream only, and in their order.",
    },
    Spec {
        key: "compression",
        form: "none, gzip, snappy or zstd",
        default: "none",
        help: "Compresses each Firehose record, after `simple_aggregation`; Snappy in its block format. The limits count what is sent.",
    },
    Spec {
        key: "oversize",
        form: "split or truncate",
        default: "split",
        help: "What is done with a record that is larger than 1,000 KiB, with `compression` when it is sent; a record of more than 8 MiB is taken for one. `split` sends it whole, in numbered parts; `truncate` cuts it and marks the cut, as the Go plugin does. Either way between characters, and every part ends in a newline.",
    },
];

/// The options of [`Shape`](crate::json::record_text::Shape), which say what of a record is sent.
pub const RECORD: &[Spec] = &[
    Spec {
        key: "data_keys",
        form: "keys separated by commas",
        default: "",
        help: "Keeps only these keys of a record. `time_key` is added before, so it must be listed to stay; `replace_dots` and `log_key` come after. A record with none of the keys is sent as `{}`.",
    },
    Spec {
        key: "replace_dots",
        form: "text",
        default: "",
        help: "Replaces each dot in a record's keys, also in nested maps and in arrays, by this text, once. Of keys that become equal the last is sent; `log_key` names a key as it then is.",
    },
    Spec {
        key: "time_key",
        form: "key",
        default: "",
        help: "Adds the record's time under this key, in place of a value that is there. `log_key` may name it.",
    },
    Spec {
        key: "time_key_format",
        form: "strftime text",
        default: "%Y-%m-%dT%H:%M:%S",
        help: "How `time_key` is written. `%L` and `%3N` are milliseconds, `%f` and `%6N` microseconds, `%9N` nanoseconds. `%L` is what it is in the Go plugin; the C plugin prints nanoseconds there.",
    },
    Spec {
        key: "time_key_zone",
        form: "local or utc",
        default: "local",
        help: "The time zone of `time_key`: the one of `TZ` or the system, as in the Go plugin, or UTC, as in the C plugin.",
    },
];

/// What belongs to another plugin.
const FOREIGN_HERE: &[(&str, &str)] = &[
    ("log_group_name", "it belongs to the `cloudwatch` output."),
    ("log_stream_name", "it belongs to the `cloudwatch` output."),
    (
        "log_stream_prefix",
        "it belongs to the `cloudwatch` output.",
    ),
    (
        "self_metrics_namespace",
        "it belongs to the `cloudwatch` output, as Data Firehose takes no embedded metrics; these counts are on Fluent Bit's own metrics endpoint.",
    ),
    (
        "auto_create_group",
        "it belongs to the `cloudwatch` output.",
    ),
    (
        "stream",
        "it belongs to the `kinesis` output; the option is `delivery_stream`.",
    ),
    ("partition_key", "it belongs to the `kinesis` output."),
    (
        "tag",
        "the tag is the container's, `NAME-firelens-TASKID`; templates read it as `$(tag)`.",
    ),
];
