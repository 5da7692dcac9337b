//! The pipeline of a log record from a Fluent Bit chunk to CloudWatch Logs, Data Firehose or
//! Kinesis Data Streams.
//!
//! | step | in -> out |
//! |---|---|
//! | `decode` (`head`, `msgpack`, `repeat`) | chunk -> records |
//! | `select` | record -> the part that travels |
//! | `template`, `variables`, `lookup`, each `route` | record -> destination |
//! | `json` (`known`, `escape`, `dots`, `duplicates`, `strftime`, `cut`) | part -> text in a request body |
//! | `compress`, `batch` (`pool`) | texts -> requests within the service's limits |
//! | `send` (`permits`, `gate`, `body`, `stored`, `pace`, `backoff`, `fault`, `session`, `inquiry`) | requests -> answers |
//! | `pipeline` | a chunk's rounds of encoding and sending |
//! | `report`, `resume` (`ledger`) | answers -> the verdict, and what a retry has left to do |
//! | `watch` (`metrics`, `notice`) | what happened on the way -> counts and lines for whoever operates it |
//!
//! `cloudwatch`, `firehose` and `kinesis` hold what differs; each one's `mod.rs` is the whole pipeline in order.
//! A shared step never names a service: what differs comes to it as a value.

#![forbid(unsafe_code)]

pub mod backoff;
pub mod batch;
pub mod body;
pub mod cloudwatch;
pub mod compress;
pub mod cut;
pub mod decode;
pub mod dots;
pub mod duplicates;
pub mod ecs;
pub mod escape;
pub mod fault;
pub mod firehose;
pub mod gate;
pub mod head;
pub mod inquiry;
pub mod instance;
pub mod json;
pub mod kinesis;
pub mod known;
pub mod ledger;
pub mod lookup;
pub mod metrics;
pub mod msgpack;
pub mod notice;
pub mod options;
pub mod pace;
pub mod permits;
pub mod pipeline;
pub mod pool;
pub mod repeat;
pub mod report;
pub mod resume;
pub mod select;
pub mod send;
pub mod session;
pub mod stored;
pub mod strftime;
pub mod template;
pub mod variables;
pub mod watch;
pub mod worker;
