//! Firehose's options: their table, and what they make.

use std::time::Duration;

use crate::options::{Reader, Spec};
use crate::select::Select;
use crate::session;
use crate::strftime::{Format, Renderer, Zone};

/// What one output section asks for.
#[derive(Debug)]
pub struct Config {
    /// How to reach AWS.
    pub session: session::Settings,
    /// The delivery stream's name.
    pub delivery_stream: String,
    /// Which part of a record travels.
    pub select: Select,
    /// The member that tells a record's time.
    pub time: Option<TimeKey>,
    /// How long a flush may take before the host is asked to bring the chunk again.
    pub flush_timeout: Duration,
    /// Chunks in delivery at once; the host's worker threads.
    pub concurrency: u32,
}

/// A member that tells a record's time.
#[derive(Clone, Debug)]
pub struct TimeKey {
    /// Its key.
    pub key: String,
    /// Its text, from a time.
    pub renderer: Renderer,
}

impl Config {
    /// Reads every option; the reader has the problems.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: fn(&str) -> Option<String>) -> Self {
        let second = Duration::from_secs(1);
        Self {
            session: session::Settings::read(reader, environment),
            delivery_stream: delivery_stream(reader),
            select: Select::new(reader.text("log_key").as_deref()),
            time: time_key(reader),
            flush_timeout: reader
                .duration("flush_timeout", second, second * 600)
                .unwrap_or(second),
            concurrency: reader.number("concurrency", 0, 64).unwrap_or_default(),
        }
    }
}

/// A name within what the service takes: `[a-zA-Z0-9_.-]{1,64}`.
fn delivery_stream(reader: &Reader<'_>) -> String {
    let name = reader.required("delivery_stream");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() > 64 || !name.chars().all(allowed) {
        reader.problem(format_args!(
            "`delivery_stream` is `{name}`: it must be 1 to 64 letters, digits, `_`, `.` or `-`"
        ));
    }
    name
}

fn time_key(reader: &Reader<'_>) -> Option<TimeKey> {
    let zone = reader.choice("time_key_zone", &[("local", true), ("utc", false)]);
    let text = reader.text("time_key_format").unwrap_or_default();
    let key = reader.text("time_key")?;
    let format = Format::parse(&text)
        .inspect_err(|problem| {
            reader.problem(format_args!("`time_key_format` is `{text}`: {problem}"))
        })
        .ok()?;
    let zone = match zone {
        Some(true) => Zone::local()
            .inspect_err(|why| reader.problem(format_args!("`time_key_zone` is `local`: {why}")))
            .ok()?,
        _ => Zone::Utc,
    };
    Some(TimeKey {
        key,
        renderer: Renderer::new(format, zone),
    })
}

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
        form: "name",
        default: "",
        help: "Name of the delivery stream.",
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
        help: "Adds the record's time under this key, in place of a value that is there.",
    },
    Spec {
        key: "time_key_format",
        form: "strftime text",
        default: "%Y-%m-%dT%H:%M:%S",
        help: "How `time_key` is written. `%L` and `%3N` are milliseconds, `%f` and `%6N` microseconds, `%9N` nanoseconds.",
    },
    Spec {
        key: "time_key_zone",
        form: "local or utc",
        default: "local",
        help: "The time zone of `time_key`: the one of `TZ` or the system, as in the Go plugin, or UTC.",
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
    (
        "credentials_endpoint",
        "it is not supported yet; set AWS_CONTAINER_CREDENTIALS_FULL_URI in the environment.",
    ),
    (
        "auto_retry_requests",
        "requests are always tried again within `flush_timeout`.",
    ),
    ("data_keys", "it is not supported yet."),
    ("replace_dots", "it is not supported yet."),
    ("simple_aggregation", "it is not supported yet."),
    ("compression", "it is not supported yet."),
];
