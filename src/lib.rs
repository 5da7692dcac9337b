//! The pipeline of a log record from a Fluent Bit chunk to CloudWatch Logs, Data Firehose or
//! Kinesis Data Streams.
//!
//! | module | in -> out |
//! |---|---|
//! | `plugin` | Fluent Bit's calls -> an output section that is open, flushes, closes |
//! | `pipeline` | a chunk -> its verdict: the order of all steps, for every destination |
//! | `record` | chunk -> records and their fields |
//! | `naming` | record -> the name of its target |
//! | `json` | record -> text in a request body |
//! | `batch` | texts -> requests within the service's limits |
//! | `delivery` | requests -> answers, retries, and what a retry of the chunk has left to do |
//! | `aws` | options and environment -> region, endpoint, credentials, network |
//! | `telemetry` | what happened -> log lines and metrics |
//! | `options` | a section's keys -> values, and what is wrong with them |
//! | `destination` | what `cloudwatch`, `firehose` and `kinesis` add to the pipeline |
//!
//! A shared step does not name a service: what differs comes to it as a value or through
//! [`destination::Destination`].

#![forbid(unsafe_code)]

pub mod aws;
pub mod batch;
pub mod cloudwatch;
pub mod delivery;
pub mod destination;
pub mod firehose;
pub mod json;
pub mod kinesis;
pub mod naming;
pub mod options;
pub mod pipeline;
pub mod plugin;
pub mod record;
pub mod runtime;
pub mod telemetry;

use crate::destination::PluginInfo;

/// Every plugin: what the tools, the tests and the documents have a row for.
pub const PLUGINS: [PluginInfo; 3] = [
    PluginInfo::of::<cloudwatch::CloudWatch>(),
    PluginInfo::of::<firehose::Firehose>(),
    PluginInfo::of::<kinesis::Kinesis>(),
];

/// The version, as the log, the user agent and the metric `build_info` show it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
