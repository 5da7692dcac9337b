//! The options as users write and read about them.

use crate::cloudwatch::options::awslogs;
use crate::options::{Spec, common, join};

/// Every option.
pub const OPTIONS: &[Spec] =
    &join::<_, { HERE.len() + awslogs::OPTIONS.len() }>(HERE, awslogs::OPTIONS);

/// Those that are not the awslogs driver's.
const HERE: &[Spec] = &join::<_, { OWN.len() + common::OPTIONS.len() }>(OWN, common::OPTIONS);

/// Options of other plugins and drivers that people copy into a section for this one.
pub const FOREIGN: &[(&str, &str)] =
    &join::<_, { FOREIGN_HERE.len() + common::FOREIGN.len() }>(FOREIGN_HERE, common::FOREIGN);

/// The options that this plugin alone has.
const OWN: &[Spec] = &[
    Spec {
        key: "log_group_name",
        form: "template",
        default: "",
        help: "Log group; may hold variables in either language, see Templates.",
    },
    Spec {
        key: "log_stream_name",
        form: "template",
        default: "",
        help: "Log stream; may hold variables. Exactly one of this and `log_stream_prefix` is set.",
    },
    Spec {
        key: "log_stream_prefix",
        form: "text",
        default: "",
        help: "Log stream: this text and the whole tag.",
    },
    Spec {
        key: "default_log_group_name",
        form: "text",
        default: "fluentbit-default",
        help: "Log group of records for which `log_group_name` has no value.",
    },
    Spec {
        key: "default_log_stream_name",
        form: "text",
        default: "/fluentbit-default",
        help: "Log stream of records for which `log_stream_name` has no value.",
    },
    Spec {
        key: "log_group_template",
        form: "template",
        default: "",
        help: "Log group as the C plugin spells it; records for which it has no value go to `log_group_name`.",
    },
    Spec {
        key: "log_stream_template",
        form: "template",
        default: "",
        help: "Log stream as the C plugin spells it; records for which it has no value go to `log_stream_name` or `log_stream_prefix`.",
    },
    Spec {
        key: "log_format",
        form: "text",
        default: "",
        help: "Value of the `x-amzn-logs-format` header of PutLogEvents, such as `json/emf`.",
    },
    Spec {
        key: "metric_namespace",
        form: "text",
        default: "",
        help: "Turns records of the inputs cpu and mem into embedded metrics of this namespace. Other records, and all of them without it, stay as they are.",
    },
    Spec {
        key: "metric_dimensions",
        form: "names separated by commas, sets of them by semicolons",
        default: "",
        help: "Dimension sets of these metrics, such as `host,cluster;host`.",
    },
    Spec {
        key: "self_metrics_namespace",
        form: "text",
        default: "",
        help: "Sends what this output counts of itself (see operations.md) as embedded metrics of this namespace, with the dimensions Cluster, Family and Output.",
    },
    Spec {
        key: "self_metrics_log_group",
        form: "text",
        default: "fluentbit-self-metrics",
        help: "Log group of these metrics' documents; created as other groups are. The stream is the output's name and the task's id.",
    },
    Spec {
        key: "self_metrics_interval",
        form: "time",
        default: "60s",
        help: "How often such a document is sent.",
    },
    Spec {
        key: "add_entity",
        form: "switch",
        default: "false",
        help: "Sends what the filter kubernetes knows of the service that logs as the request's entity, and takes the `aws_entity…` keys out of the message.",
    },
    Spec {
        key: "auto_create_group",
        form: "switch",
        default: "false",
        help: "Creates a log group when a write finds it missing.",
    },
    Spec {
        key: "auto_create_stream",
        form: "switch",
        default: "true",
        help: "Creates a log stream when a write finds it missing.",
    },
    Spec {
        key: "new_log_group_tags",
        form: "key=value, separated by commas",
        default: "",
        help: "Tags of a log group that is created here. With tags that the service refuses, the group is not created; see `on_create_refused`.",
    },
    Spec {
        key: "log_retention_days",
        form: "number",
        default: "",
        help: "Retention of log groups in days, one of the service's own steps. Applies only with `auto_create_group true`: set when a group is created here and, as the Go plugin does, once for each group that exists, when it is first written to. The service deletes older events. With `auto_create_group false` no group's retention is changed.",
    },
    Spec {
        key: "log_group_class",
        form: "STANDARD or INFREQUENT_ACCESS",
        default: "",
        help: "Class of a log group that is created here. With a class that the service refuses, the group is not created; see `on_create_refused`.",
    },
    Spec {
        key: "kms_key_id",
        form: "KMS key ARN",
        default: "",
        help: "Key that encrypts a log group that is created here. With a key that the service refuses, the group is not created and the chunk is kept, whatever `on_create_refused` says. Groups that exist are not changed.",
    },
    Spec {
        key: "on_create_refused",
        form: "keep or continue",
        default: "keep",
        help: "What happens when the service refuses `new_log_group_tags` or `log_group_class` of a log group that is created: `keep` does not create the group, and keeps the chunk; `continue` creates the group without them, and writes a warning.",
    },
    Spec {
        key: "max_event_bytes",
        form: "number",
        default: "1048576",
        help: "Largest event, in bytes as the service counts them: UTF-8 and 26 for the event.",
    },
    Spec {
        key: "oversize",
        form: "split or truncate",
        default: "split",
        help: "What is done with a larger event: sent in parts that end in `[Part 1/3]`, or cut so that it ends in `[Truncated...]`.",
    },
    Spec {
        key: "compression",
        form: "none or gzip",
        default: "none",
        help: "Compresses request bodies. Try it against your account first: the service does not promise to take them.",
    },
];

/// What belongs to another plugin.
const FOREIGN_HERE: &[(&str, &str)] = &[
    ("delivery_stream", "it belongs to the `firehose` output."),
    ("data_keys", "it belongs to the `firehose` output."),
    (
        "stream",
        "it belongs to the `kinesis` output; the log stream is `log_stream_name`.",
    ),
    ("log_group", "the option is `log_group_name`."),
    ("log_stream", "the option is `log_stream_name`."),
    (
        "awslogs-force-flush-interval-seconds",
        "lines are sent at each flush of Fluent Bit, `Flush` in its `[SERVICE]`.",
    ),
    (
        "awslogs-max-buffered-events",
        "lines wait in Fluent Bit; `log-driver-buffer-limit` bounds those that wait before it.",
    ),
];
