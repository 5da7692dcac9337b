//! Every metric's name, help and labels, once: the endpoint, the documents and EMF are made from it.

use std::fmt::{self, Display, Formatter};

use cbindings::Kind;

use crate::delivery::error::Outcome;

/// Which metric; its place in [`TABLE`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum Id {
    /// Events accepted.
    Delivered,
    /// Bytes accepted.
    DeliveredBytes,
    /// Requests by operation and result.
    Requests,
    /// How long requests take.
    RequestDuration,
    /// How long flushes take.
    FlushDuration,
    /// Answers that throttled.
    Throttles,
    /// Chunks handed back to the host.
    Retries,
    /// Requests that nobody knows the end of.
    Ambiguous,
    /// Events the service took and threw away.
    Rejected,
    /// Events given up.
    Dropped,
    /// Records that became several events.
    Split,
    /// Events cut.
    Truncated,
    /// Records left out.
    Skipped,
    /// Values left out.
    TooDeep,
    /// Names that fell back.
    Fallbacks,
    /// Chunks of which only the rest was sent.
    Resumes,
    /// Chunks of which the rest was forgotten.
    Forgotten,
    /// What the rate limiter allows.
    Rate,
    /// Flushes under way.
    Flushes,
    /// Requests under way.
    RequestsInFlight,
    /// The time of the oldest event that is still to be delivered.
    Oldest,
    /// When the credentials end.
    Expiry,
    /// Which version this is.
    Build,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Which one.
    pub id: Id,
    /// The name after [`cbindings::PREFIX`].
    pub name: &'static str,
    /// What its values mean.
    pub kind: Kind,
    /// Its labels beside `name`.
    pub labels: &'static [Label],
    /// Its name and unit as a metric of CloudWatch; none for what is not sent there.
    pub emf: Option<(&'static str, &'static str)>,
    /// One sentence.
    pub help: &'static str,
}

/// A label, and all the values it can have.
#[derive(Clone, Copy, Debug)]
pub enum Label {
    /// The plugin's operations.
    Operation,
    /// The plugin's names that can fall back.
    Target,
    /// Always these.
    Of(&'static str, &'static [&'static str]),
}

impl Label {
    /// The label's name.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Target => "target",
            Self::Of(key, _) => key,
        }
    }

    /// The values it has in this plugin.
    #[must_use]
    pub fn values(self, plugin: &Plugin) -> Vec<&'static str> {
        match self {
            Self::Operation => plugin.operations.iter().map(|op| op.name()).collect(),
            Self::Target => plugin.targets.to_vec(),
            Self::Of(_, values) => values.to_vec(),
        }
    }
}

/// What of the labels differs between the plugins.
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// The operations it calls.
    pub operations: &'static [Operation],
    /// The names it makes of records.
    pub targets: &'static [&'static str],
}

/// An operation of a service.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Operation {
    /// CloudWatch Logs: writes events.
    PutLogEvents,
    /// CloudWatch Logs.
    CreateLogGroup,
    /// CloudWatch Logs.
    CreateLogStream,
    /// CloudWatch Logs.
    PutRetentionPolicy,
    /// Data Firehose: writes records.
    PutRecordBatch,
    /// Kinesis Data Streams: writes records.
    PutRecords,
}

impl Operation {
    /// The service's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PutLogEvents => "PutLogEvents",
            Self::CreateLogGroup => "CreateLogGroup",
            Self::CreateLogStream => "CreateLogStream",
            Self::PutRetentionPolicy => "PutRetentionPolicy",
            Self::PutRecordBatch => "PutRecordBatch",
            Self::PutRecords => "PutRecords",
        }
    }
}

impl Display for Operation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why the service stored no event of an accepted request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum RejectReason {
    /// Older than the service takes.
    TooOld,
    /// Older than the log group keeps.
    Expired,
    /// Too far in the future.
    TooNew,
}

impl RejectReason {
    /// The values of the label, in order.
    pub const NAMES: [&'static str; 3] = ["too_old", "expired", "too_new"];

    /// The value of the label.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Why an event was given up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum DropReason {
    /// The service refuses what it holds.
    Refused,
    /// It is not a record.
    Undecodable,
}

impl DropReason {
    const NAMES: [&'static str; 2] = ["refused", "undecodable"];
}

/// Why a record was skipped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum SkipReason {
    /// It has no key of `log_key`.
    NoLogKey,
    /// It has no text.
    Empty,
}

impl SkipReason {
    const NAMES: [&'static str; 2] = ["no_log_key", "empty"];
}

/// One series of a metric: by the value of its label, where it has one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Series {
    pub(super) id: Id,
    pub(super) at: usize,
}

impl Series {
    /// Of the names that fall back, the one of this number.
    #[must_use]
    pub fn fallback(target: usize) -> Self {
        let id = Id::Fallbacks;
        Self { id, at: target }
    }
}

impl From<Id> for Series {
    fn from(id: Id) -> Self {
        Self { id, at: 0 }
    }
}

impl From<RejectReason> for Series {
    fn from(reason: RejectReason) -> Self {
        let (id, at) = (Id::Rejected, reason as usize);
        Self { id, at }
    }
}

impl From<DropReason> for Series {
    fn from(reason: DropReason) -> Self {
        let (id, at) = (Id::Dropped, reason as usize);
        Self { id, at }
    }
}

impl From<SkipReason> for Series {
    fn from(reason: SkipReason) -> Self {
        let (id, at) = (Id::Skipped, reason as usize);
        Self { id, at }
    }
}

/// A request takes milliseconds in a region and seconds at a deadline.
const REQUEST_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// A flush ends at its `flush_timeout`, usually of 10 s.
const FLUSH_SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Every metric, in the order of [`Id`].
#[rustfmt::skip]
pub const TABLE: &[Spec] = &[
    Spec {
        id: Id::Delivered, name: "delivered_events_total", kind: Kind::Counter, labels: &[],
        emf: Some(("DeliveredEvents", "Count")),
        help: "Events (for Firehose: records) that the service accepted and stored.",
    },
    Spec {
        id: Id::DeliveredBytes, name: "delivered_bytes_total", kind: Kind::Counter, labels: &[],
        emf: Some(("DeliveredBytes", "Bytes")),
        help: "Bytes of these events as the service counts them.",
    },
    Spec {
        id: Id::Requests, name: "requests_total", kind: Kind::Counter,
        labels: &[Label::Operation, Label::Of("result", &Outcome::NAMES)],
        emf: Some(("Requests", "Count")),
        help: "Requests by operation and result.",
    },
    Spec {
        id: Id::RequestDuration, name: "request_duration_seconds",
        kind: Kind::Histogram(REQUEST_SECONDS), labels: &[Label::Operation],
        emf: None,
        help: "Time from a request to its answer or to the end of waiting for one.",
    },
    Spec {
        id: Id::FlushDuration, name: "flush_duration_seconds",
        kind: Kind::Histogram(FLUSH_SECONDS), labels: &[],
        emf: None,
        help: "Time that one chunk was worked on, retries within the flush included.",
    },
    Spec {
        id: Id::Throttles, name: "throttles_total", kind: Kind::Counter, labels: &[],
        emf: Some(("Throttles", "Count")),
        help: "Answers to writes that say to slow down, of whole requests or of some of their records.",
    },
    Spec {
        id: Id::Retries, name: "chunk_retries_total", kind: Kind::Counter, labels: &[],
        emf: Some(("ChunkRetries", "Count")),
        help: "Chunks that the host was asked to bring again.",
    },
    Spec {
        id: Id::Ambiguous, name: "ambiguous_requests_total", kind: Kind::Counter, labels: &[],
        emf: Some(("AmbiguousRequests", "Count")),
        help: "Writes without an answer: the service may have taken them, so what is sent again may be there twice.",
    },
    Spec {
        id: Id::Rejected, name: "rejected_events_total", kind: Kind::Counter,
        labels: &[Label::Of("reason", &RejectReason::NAMES)],
        emf: Some(("RejectedEvents", "Count")),
        help: "Events of accepted requests that the service did not store for their time.",
    },
    Spec {
        id: Id::Dropped, name: "dropped_events_total", kind: Kind::Counter,
        labels: &[Label::Of("reason", &DropReason::NAMES)],
        emf: Some(("DroppedEvents", "Count")),
        help: "Events given up: the service refuses what they hold, or the chunk holds something that is no record.",
    },
    Spec {
        id: Id::Split, name: "split_records_total", kind: Kind::Counter, labels: &[],
        emf: None,
        help: "Records sent in parts, being larger than an event may be.",
    },
    Spec {
        id: Id::Truncated, name: "truncated_events_total", kind: Kind::Counter, labels: &[],
        emf: Some(("TruncatedEvents", "Count")),
        help: "Events cut to the largest size.",
    },
    Spec {
        id: Id::Skipped, name: "skipped_records_total", kind: Kind::Counter,
        labels: &[Label::Of("reason", &SkipReason::NAMES)],
        emf: Some(("SkippedRecords", "Count")),
        help: "Records not sent: they have no key of `log_key`, or no text.",
    },
    Spec {
        id: Id::TooDeep, name: "too_deep_values_total", kind: Kind::Counter, labels: &[],
        emf: None,
        help: "Values left out of records, being nested too deeply.",
    },
    Spec {
        id: Id::Fallbacks, name: "template_fallbacks_total", kind: Kind::Counter,
        labels: &[Label::Target],
        emf: Some(("TemplateFallbacks", "Count")),
        help: "Records that went to another name than the first one asked for, as it could not be made.",
    },
    Spec {
        id: Id::Resumes, name: "ledger_resumes_total", kind: Kind::Counter, labels: &[],
        emf: None,
        help: "Chunks that came again and of which only the rest was sent.",
    },
    Spec {
        id: Id::Forgotten, name: "ledger_forgotten_total", kind: Kind::Counter, labels: &[],
        emf: None,
        help: "Chunks delivered in part that had to be forgotten: they are sent whole, some events twice.",
    },
    Spec {
        id: Id::Rate, name: "pace_requests_per_second", kind: Kind::Gauge, labels: &[],
        emf: None,
        help: "Writes a second that throttling leaves, rounded up; 0 while nothing is throttled and there is no limit.",
    },
    Spec {
        id: Id::Flushes, name: "flushes_in_flight", kind: Kind::Gauge, labels: &[],
        emf: None,
        help: "Chunks being delivered.",
    },
    Spec {
        id: Id::RequestsInFlight, name: "requests_in_flight", kind: Kind::Gauge, labels: &[],
        emf: None,
        help: "Requests being answered.",
    },
    Spec {
        id: Id::Oldest, name: "oldest_undelivered_event_timestamp_seconds", kind: Kind::Gauge, labels: &[],
        emf: Some(("OldestUndeliveredAge", "Seconds")),
        help: "Unix time of the oldest event in delivery or waiting to be brought again; 0 when there is none. Its age is `time()` less this.",
    },
    Spec {
        id: Id::Expiry, name: "credentials_expiry_timestamp_seconds", kind: Kind::Gauge, labels: &[],
        emf: None,
        help: "Unix time at which the credentials in use end; 0 for those that do not.",
    },
    Spec {
        id: Id::Build, name: "build_info", kind: Kind::Gauge,
        labels: &[Label::Of("version", &[crate::VERSION])],
        emf: None,
        help: "1, with the version of the plugin as its label.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_stands_at_its_place_under_a_name_as_prometheus_wants_it() {
        for (place, spec) in TABLE.iter().enumerate() {
            assert_eq!(spec.id as usize, place, "{}", spec.name);
            let allowed = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(spec.name.chars().all(allowed), "{}", spec.name);
            let total = spec.name.ends_with("_total");
            assert_eq!(total, spec.kind == Kind::Counter, "{}", spec.name);
            assert!(spec.help.ends_with('.'), "{}", spec.name);
        }
    }
}
