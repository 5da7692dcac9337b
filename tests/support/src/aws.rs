//! A local AWS for tests: CloudWatch Logs, Data Firehose, Kinesis Data Streams, STS and the metadata endpoints over real HTTP or TLS.
//!
//! The real SDK talks to it through `endpoint`, so nothing of the router is replaced by a mock. Every documented
//! limit of a call is enforced at its border, what was accepted is kept for questions, and a script makes calls
//! fail in the ways networks and services do. It runs on threads of its own and never needs the caller's runtime.

mod account;
mod answer;
mod builder;
mod calls;
mod certificate;
mod clock;
mod control;
mod exchange;
mod firehose;
mod form;
mod keys;
mod kinesis;
mod listener;
mod logs;
mod metadata;
mod open_call;
mod operation;
mod reply;
mod route;
mod rule;
mod script;
mod service;
mod sigv4;
mod stand_in;
mod stored;
mod sts;
mod throttle;
mod wire;
mod work;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use answer::{CodeShape, ErrorAnswer};
pub use builder::Builder;
pub use calls::{Call, ConnectionEnd};
pub use kinesis::KinesisRecord;
pub use metadata::Task;
pub use rule::{Action, PartialFailure, Rule};
pub use stand_in::StandIn;
pub use stored::{Group, StoredEvent, Stream, Tally, digest};
pub use sts::AssumedRole;
