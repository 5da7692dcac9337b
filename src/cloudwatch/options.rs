//! CloudWatch's options: what they make, and their table.

pub mod awslogs;
mod table;

use std::time::Duration;

pub use self::table::{FOREIGN, OPTIONS};

use crate::batch::oversize::Oversize;
use crate::cloudwatch::emf_records::Metrics;
use crate::cloudwatch::entity::Entities;
use crate::cloudwatch::multiline::Join;
use crate::cloudwatch::put_log_events::RequestOptions;
use crate::cloudwatch::route::Route;
use crate::options::{Reader, common};
use crate::record::log_key::Select;
use crate::telemetry::metrics::emf;

/// What one output section asks for.
#[derive(Debug)]
pub struct Config {
    /// Where a record goes.
    pub route: Route,
    /// Which part of it travels.
    pub select: Select,
    /// Which records are joined to one event.
    pub join: Option<Join>,
    /// What is created when it is missing.
    pub create_options: CreateOptions,
    /// What is done with an event beyond the limit.
    pub oversize: Oversize,
    /// The largest event, in bytes as the service counts them.
    pub max_event_bytes: usize,
    /// What requests say of the service that logs.
    pub entities: Option<Entities>,
    /// Which records become metrics, and how.
    pub metrics: Option<Metrics>,
    /// How requests travel.
    pub request_options: RequestOptions,
    /// What the output tells CloudWatch of itself.
    pub self_metrics: Option<SelfMetrics>,
}

/// Where an output's own counts go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SelfMetrics {
    /// Their namespace.
    pub namespace: String,
    /// The log group of the documents that hold them.
    pub log_group: String,
    /// How often there is one.
    pub interval: Duration,
}

/// What may be created, and how.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CreateOptions {
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
    /// What happens when the service refuses a new group's tags or class.
    pub on_refused: OnRefused,
}

/// What happens when the service refuses a new group's tags or class.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnRefused {
    /// The group is not created, and the chunk is kept.
    #[default]
    Keep,
    /// The group is created without them.
    Continue,
}

impl Config {
    /// Reads every option; the reader has the problems.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Self {
        reader.alias(awslogs::ALIASES);
        let second = Duration::from_secs(1);
        let seconds = |key| reader.duration(key, second, second * 600).unwrap_or(second);
        let select = Select::new(awslogs::log_key(reader).as_deref());
        Self {
            route: Route::read(reader),
            join: Join::read(reader, &select),
            select,
            create_options: CreateOptions::read(reader),
            oversize: common::oversize(reader),
            max_event_bytes: reader
                .number("max_event_bytes", LEAST_EVENT, MOST_EVENT)
                .unwrap_or(MOST_EVENT),
            entities: reader.switch("add_entity").then(Entities::default),
            metrics: metrics(reader),
            request_options: RequestOptions {
                log_format: awslogs::log_format(reader),
                gzip: reader
                    .choice("compression", &[("none", false), ("gzip", true)])
                    .unwrap_or_default(),
                auto_retry: reader.switch("auto_retry_requests"),
            },
            self_metrics: self_metrics(reader, seconds("self_metrics_interval")),
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

fn self_metrics(reader: &Reader<'_>, interval: Duration) -> Option<SelfMetrics> {
    let allowed = "1 to 255 letters, digits and ` .-_/#:`, and not begin with `AWS/`";
    let namespace = reader.parsed("self_metrics_namespace", allowed, |text| {
        emf::is_namespace(text).then(|| text.to_owned())
    })?;
    Some(SelfMetrics {
        namespace,
        log_group: reader.text("self_metrics_log_group").unwrap_or_default(),
        interval,
    })
}

fn metrics(reader: &Reader<'_>) -> Option<Metrics> {
    let dimensions = reader.text("metric_dimensions").unwrap_or_default();
    let namespace = reader.text("metric_namespace")?;
    Some(Metrics::new(namespace, &dimensions))
}

impl CreateOptions {
    fn read(reader: &Reader<'_>) -> Self {
        let on_refused = [("keep", OnRefused::Keep), ("continue", OnRefused::Continue)];
        let creation = Self {
            group: reader.switch("auto_create_group"),
            on_refused: reader
                .choice("on_create_refused", &on_refused)
                .unwrap_or_default(),
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
        };
        creation.note_idle(reader);
        creation
    }

    /// Notes the options that have no effect with the others.
    fn note_idle(&self, reader: &Reader<'_>) {
        // A value that could not be read says nothing about the others; the start fails anyway.
        if !reader.problems().is_empty() {
            return;
        }
        let only_for_new = [
            "new_log_group_tags",
            "log_group_class",
            "kms_key_id",
            "on_create_refused",
            "log_retention_days",
        ];
        for key in only_for_new {
            if !self.group && reader.is_set(key) {
                reader.idle(key, "it applies only with `auto_create_group true`");
            }
        }
        let is_optional = !self.tags.is_empty() || self.class.is_some();
        if self.group && !is_optional && reader.is_set("on_create_refused") {
            let why = "neither `new_log_group_tags` nor `log_group_class` is set";
            reader.idle("on_create_refused", why);
        }
    }
}

/// `key=value` pairs separated by commas; of equal keys the last counts.
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
    use crate::cloudwatch::CloudWatch;
    use crate::destination::read_options;
    use crate::options::common::Common;

    fn config(set: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        read(set).map(|(config, _)| config)
    }

    fn read(set: &[(&str, &str)]) -> Result<(Config, Common), Vec<String>> {
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
        let read = read_options::<CloudWatch>(&reader, |_| None);
        let problems = reader.problems();
        if problems.is_empty() {
            Ok(read)
        } else {
            Err(problems)
        }
    }

    #[test]
    fn the_least_configuration_has_every_default() {
        let (config, common) = read(&[]).unwrap();
        assert_eq!(
            config.create_options,
            CreateOptions {
                stream: true,
                ..CreateOptions::default()
            }
        );
        assert_eq!(
            (
                config.max_event_bytes,
                common.concurrency,
                config.request_options.gzip
            ),
            (1_048_576, 10, false)
        );
        assert_eq!(common.flush_timeout, Duration::from_secs(10));
    }

    #[test]
    fn tags_are_read_as_the_go_plugin_reads_them() {
        let config = config(&[("new_log_group_tags", "a=1, b = x=y ,c,=z,a=2")]).unwrap();
        let tags: Vec<_> = config
            .create_options
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
                .create_options
                .retention_days,
            Some(7)
        );
        assert_eq!(
            config(&[("log_retention_days", "0")])
                .unwrap()
                .create_options
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
