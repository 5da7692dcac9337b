//! The options as users write and read about them.

use crate::options::Spec;

/// Every option, as users write and read about them.
pub const OPTIONS: &[Spec] = &[
    Spec {
        key: "region",
        form: "region name",
        default: "",
        help: "AWS region, also the one requests are signed for. Without it: `AWS_REGION`, then `AWS_DEFAULT_REGION`.",
    },
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
        key: "data_keys",
        form: "keys parted by commas",
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
        key: "log_key",
        form: "key, or keys parted by commas",
        default: "",
        help: "Sends only the value of this key: text as it is, anything else as JSON. Of several keys the first that a record has counts; a record with none of them is skipped and counted.",
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
        help: "What is done with a record that is larger than 1,000 KiB, with `compression` when it is sent. `split` sends it whole, in numbered parts; `truncate` cuts it and marks the cut, as the Go plugin does. Either way between characters, and every part ends in a newline.",
    },
    Spec {
        key: "endpoint",
        form: "URL or host",
        default: "",
        help: "Where Data Firehose is; scheme (`https` without one), port and path may be given.",
    },
    Spec {
        key: "sts_endpoint",
        form: "URL or host",
        default: "",
        help: "Where STS is.",
    },
    Spec {
        key: "role_arn",
        form: "role ARN",
        default: "",
        help: "Role to take on; `endpoint` counts with it too.",
    },
    Spec {
        key: "external_id",
        form: "text",
        default: "",
        help: "External id for `role_arn`.",
    },
    Spec {
        key: "profile",
        form: "profile name",
        default: "",
        help: "Profile of the shared AWS configuration files.",
    },
    Spec {
        key: "extra_user_agent",
        form: "text",
        default: "",
        help: "Added to the user agent of requests.",
    },
    Spec {
        key: "credentials_endpoint",
        form: "URL or host",
        default: "",
        help: "Where to ask for base credentials, in place of every other source: a JSON document with `AccessKeyId`, `SecretAccessKey`, `Token` and `Expiration`.",
    },
    Spec {
        key: "use_fips",
        form: "switch",
        default: "",
        help: "FIPS endpoints, for the service and STS; `endpoint` and `sts_endpoint` come before it. Without it: `AWS_USE_FIPS_ENDPOINT`, then the profile.",
    },
    Spec {
        key: "use_dualstack",
        form: "switch",
        default: "",
        help: "Endpoints that speak IPv6 too, for the service and STS; `endpoint` and `sts_endpoint` come before it. Without it: `AWS_USE_DUALSTACK_ENDPOINT`, then the profile.",
    },
    Spec {
        key: "auto_retry_requests",
        form: "switch",
        default: "true",
        help: "Sends a request that got no answer again within the same flush. When off, that is left to the host, which brings the chunk again; requests answered with an error that can pass are tried again either way.",
    },
    Spec {
        key: "flush_timeout",
        form: "time",
        default: "10s",
        help: "Longest time one chunk is worked on, retries included, before the host is asked to bring what is left again. Keep it below the host's `Grace`.",
    },
    Spec {
        key: "concurrency",
        form: "number",
        default: "8",
        help: "Chunks in delivery at once: the number of worker threads asked of the host. 0 leaves the host's own `workers` alone.",
    },
];

/// Options of other plugins and drivers that people copy into a section for this one.
pub const FOREIGN: &[(&str, &str)] = &[
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
        "stream",
        "it belongs to the `kinesis` output; the option is `delivery_stream`.",
    ),
    ("partition_key", "it belongs to the `kinesis` output."),
    (
        "mode",
        "it belongs to a Docker log driver, and FireLens passes it on to the router.",
    ),
    (
        "max-buffer-size",
        "it belongs to a Docker log driver; use `log-driver-buffer-limit` with FireLens.",
    ),
    (
        "env",
        "it belongs to a Docker log driver, and FireLens passes it on to the router.",
    ),
    (
        "labels",
        "it belongs to a Docker log driver, and FireLens passes it on to the router.",
    ),
    ("tag", "the tag is the container's, `NAME-firelens-TASKID`."),
];
