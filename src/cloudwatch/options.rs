//! CloudWatch's options: their table, and what they make.

use std::time::Duration;

use crate::cloudwatch::entity::Entities;
use crate::cloudwatch::metrics::Metrics;
use crate::cloudwatch::route::Route;
use crate::cloudwatch::send::Way;
use crate::options::{Reader, Spec};
use crate::select::Select;
use crate::session;

/// What one output section asks for.
#[derive(Debug)]
pub struct Config {
    /// How to reach AWS.
    pub session: session::Settings,
    /// Where a record goes.
    pub route: Route,
    /// Which part of it travels.
    pub select: Select,
    /// What is created when it is missing.
    pub creation: Creation,
    /// What is done with an event beyond the limit.
    pub oversize: Oversize,
    /// The largest event, in bytes as the service counts them.
    pub max_event_bytes: usize,
    /// What requests say of the service that logs.
    pub entities: Option<Entities>,
    /// Which records become metrics, and how.
    pub metrics: Option<Metrics>,
    /// How requests travel.
    pub way: Way,
    /// How long a flush may take before the host is asked to bring the chunk again.
    pub flush_timeout: Duration,
    /// Chunks in delivery at once; the host's worker threads.
    pub concurrency: u32,
}

/// What may be created, and how.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Creation {
    /// Missing groups are created.
    pub group: bool,
    /// Missing streams are created.
    pub stream: bool,
    /// Tags of a new group.
    pub tags: Vec<(String, String)>,
    /// Days that a new group keeps its events.
    pub retention_days: Option<i32>,
    /// The class of a new group.
    pub class: Option<&'static str>,
    /// The key that encrypts a new group.
    pub kms_key_id: Option<String>,
}

/// What is done with an event beyond the limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Oversize {
    /// It is sent in numbered parts.
    Split,
    /// It is cut and marked.
    Truncate,
}

impl Config {
    /// Reads every option; the reader has the problems.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: fn(&str) -> Option<String>) -> Self {
        let second = Duration::from_secs(1);
        let seconds = |key| reader.duration(key, second, second * 600).unwrap_or(second);
        let session = session::Settings::read(reader, environment);
        Self {
            route: Route::read(reader),
            select: Select::new(reader.text("log_key").as_deref()),
            creation: Creation::read(reader),
            oversize: reader
                .choice(
                    "oversize",
                    &[("split", Oversize::Split), ("truncate", Oversize::Truncate)],
                )
                .unwrap_or(Oversize::Split),
            max_event_bytes: reader
                .number("max_event_bytes", LEAST_EVENT, MOST_EVENT)
                .unwrap_or(MOST_EVENT),
            entities: reader.switch("add_entity").then(Entities::default),
            metrics: metrics(reader),
            way: Way {
                log_format: reader.text("log_format"),
                gzip: reader
                    .choice("compression", &[("none", false), ("gzip", true)])
                    .unwrap_or_default(),
                auto_retry: session.auto_retry,
            },
            session,
            flush_timeout: seconds("flush_timeout"),
            concurrency: reader.number("concurrency", 0, 64).unwrap_or_default(),
        }
    }
}

impl Config {
    /// Whether the text of a whole record is more than the record's own.
    #[must_use]
    pub fn enriches(&self) -> bool {
        self.entities.is_some() || self.metrics.is_some()
    }
}

fn metrics(reader: &Reader<'_>) -> Option<Metrics> {
    let dimensions = reader.text("metric_dimensions").unwrap_or_default();
    let namespace = reader.text("metric_namespace")?;
    Some(Metrics::new(namespace, &dimensions))
}

impl Creation {
    fn read(reader: &Reader<'_>) -> Self {
        Self {
            group: reader.switch("auto_create_group"),
            stream: reader.switch("auto_create_stream"),
            tags: tags(&reader.text("new_log_group_tags").unwrap_or_default()),
            retention_days: reader
                .parsed("log_retention_days", &retention_text(), |value| {
                    value
                        .parse()
                        .ok()
                        .filter(|days| *days == 0 || RETENTION_DAYS.contains(days))
                })
                .filter(|days| *days != 0),
            class: reader.choice("log_group_class", &CLASSES.map(|class| (class, class))),
            kms_key_id: reader.text("kms_key_id"),
        }
    }
}

/// `key=value` pairs parted by commas; of equal keys the last counts.
fn tags(text: &str) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for pair in text.split(',') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        tags.retain(|(earlier, _)| *earlier != key);
        if !key.is_empty() {
            tags.push((key, value));
        }
    }
    tags
}

fn retention_text() -> String {
    let days: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
    format!("0 (never expire) or one of {}", days.join(", "))
}

/// Every option, as users write and read about them.
pub const OPTIONS: &[Spec] = &[
    Spec {
        key: "region",
        form: "region name",
        default: "",
        help: "AWS region, also the one requests are signed for. Without it: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, the ECS task, the EC2 instance.",
    },
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
        key: "log_key",
        form: "key, or keys parted by commas",
        default: "",
        help: "Sends only the value of this key: text as it is, anything else as JSON. Of several keys the first that a record has counts; a record with none of them is skipped and counted.",
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
        form: "names parted by commas, sets of them by semicolons",
        default: "",
        help: "Dimension sets of these metrics, such as `host,cluster;host`.",
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
        form: "key=value, parted by commas",
        default: "",
        help: "Tags of a log group that is created.",
    },
    Spec {
        key: "log_retention_days",
        form: "number",
        default: "",
        help: "Retention of log groups, one of the service's own steps: set when a group is created here, and once for each group that exists when it is first written to.",
    },
    Spec {
        key: "log_group_class",
        form: "STANDARD or INFREQUENT_ACCESS",
        default: "",
        help: "Class of a log group that is created.",
    },
    Spec {
        key: "kms_key_id",
        form: "KMS key ARN",
        default: "",
        help: "Key that encrypts a log group that is created.",
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
    Spec {
        key: "endpoint",
        form: "URL or host",
        default: "",
        help: "Where CloudWatch Logs is; scheme (`https` without one), port and path may be given.",
    },
    Spec {
        key: "sts_endpoint",
        form: "URL or host",
        default: "",
        help: "Where STS is, for `role_arn`, `EKS_POD_EXECUTION_ROLE` and web identity; a profile's own roles follow `AWS_ENDPOINT_URL_STS`. The region's own STS without it.",
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
    ("delivery_stream", "it belongs to the `firehose` output."),
    ("data_keys", "it belongs to the `firehose` output."),
    (
        "stream",
        "it belongs to the `kinesis` output; the log stream is `log_stream_name`.",
    ),
    ("log_group", "the option is `log_group_name`."),
    ("log_stream", "the option is `log_stream_name`."),
    (
        "awslogs-group",
        "it belongs to the awslogs log driver; the option is `log_group_name`.",
    ),
    (
        "awslogs-region",
        "it belongs to the awslogs log driver; the option is `region`.",
    ),
    (
        "awslogs-stream",
        "it belongs to the awslogs log driver; the option is `log_stream_name`.",
    ),
    (
        "awslogs-stream-prefix",
        "it belongs to the awslogs log driver; the option is `log_stream_prefix`.",
    ),
    (
        "awslogs-create-group",
        "it belongs to the awslogs log driver; the option is `auto_create_group`.",
    ),
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
    (
        "tag",
        "the tag is the container's, `NAME-firelens-TASKID`; templates read it as `$(tag)`.",
    ),
];

/// The service's own steps: PutRetentionPolicy's `retentionInDays`.
const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];
const CLASSES: [&str; 2] = ["STANDARD", "INFREQUENT_ACCESS"];
const LEAST_EVENT: usize = 1024;
/// The service's limit, with the 26 bytes it adds to each event.
const MOST_EVENT: usize = 1_048_576;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let least = [
            ("region", "r"),
            ("log_group_name", "g"),
            ("log_stream_name", "s"),
        ];
        let find = |key: &str| {
            let mut all = set.iter().chain(&least);
            all.find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        };
        let reader = Reader::new(OPTIONS, find);
        let config = Config::read(&reader, |_| None);
        let problems = reader.problems();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }

    #[test]
    fn the_least_configuration_has_every_default() {
        let config = config(&[]).unwrap();
        assert_eq!(
            config.creation,
            Creation {
                stream: true,
                ..Creation::default()
            }
        );
        assert_eq!(
            (config.max_event_bytes, config.concurrency, config.way.gzip),
            (1_048_576, 8, false)
        );
        assert_eq!(config.flush_timeout, Duration::from_secs(10));
    }

    #[test]
    fn tags_are_read_as_the_go_plugin_reads_them() {
        let config = config(&[("new_log_group_tags", "a=1, b = x=y ,c,=z,a=2")]).unwrap();
        let tags: Vec<_> = config
            .creation
            .tags
            .iter()
            .map(|(k, v)| format!("{k}:{v}"))
            .collect();
        assert_eq!(tags, ["b:x=y", "c:", "a:2"]);
    }

    #[test]
    fn a_retention_the_service_does_not_know_is_a_problem() {
        assert_eq!(
            config(&[("log_retention_days", "7")])
                .unwrap()
                .creation
                .retention_days,
            Some(7)
        );
        assert_eq!(
            config(&[("log_retention_days", "0")])
                .unwrap()
                .creation
                .retention_days,
            None
        );
        assert!(
            config(&[("log_retention_days", "8")]).unwrap_err()[0].contains("one of 1, 3, 5, 7")
        );
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let set = [
            ("max_event_bytes", "1"),
            ("oversize", "x"),
            ("log_group_class", "X"),
            ("concurrency", "-1"),
        ];
        assert_eq!(config(&set).unwrap_err().len(), 4);
    }
}
