//! The result of a flush when the service or its network fails, for all plugins.
//!
//! OK is returned only for records that the fake service has stored. RETRY is returned in time. The next
//! attempt of Fluent Bit with the same chunk delivers the pending records, once.

mod answers;
mod connections;
mod deadline;
mod identity;
mod outages;
mod pacing;
mod passing;
mod quiet;
mod refusals;
mod renewal;

use std::time::{Duration, Instant};

use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::chunk::Chunk;
use support::host::{Instance, Verdict};
use support::output::{GROUP, Output, STREAM, delivered, logs, messages, taken};

/// A plugin under test: how it is opened, its operation, and the records it has delivered.
#[derive(Clone, Copy, Debug)]
struct Plugin {
    operation: &'static str,
    output: fn(&StandIn) -> Output,
    delivered: fn(&StandIn) -> Vec<String>,
}

const PLUGINS: [Plugin; 3] = [
    Plugin {
        operation: "PutLogEvents",
        output: Output::cloudwatch,
        delivered: |aws| messages(aws, GROUP, STREAM),
    },
    Plugin {
        operation: "PutRecordBatch",
        output: Output::firehose,
        delivered: |aws| {
            delivered(aws)
                .iter()
                .map(|text| text.trim_end().to_owned())
                .collect()
        },
    },
    Plugin {
        operation: "PutRecords",
        output: Output::kinesis,
        delivered: taken,
    },
];

impl Plugin {
    /// An instance with a `flush_timeout` of one second.
    fn with_short_timeout(&self, aws: &StandIn) -> Instance {
        (self.output)(aws).with("flush_timeout", "1s").open()
    }

    fn rule(&self, action: Action) -> Rule {
        Rule::on(self.operation, action)
    }

    fn assert_delivered_once(&self, aws: &StandIn) {
        assert_eq!((self.delivered)(aws), RECORDS, "{}", self.operation);
    }
}

fn error(status: u16, code: &str) -> Action {
    Action::Error(ErrorAnswer::new(status, code, "so it is scripted"))
}

fn chunk() -> Chunk {
    logs(["one", "two", "three"])
}

/// The result of a flush, which must be returned within 1.5 s: the flush timeout of 1 s and a margin.
fn flush_on_time(instance: &Instance, chunk: &Chunk) -> (Verdict, Duration) {
    let began = Instant::now();
    let verdict = instance.flush("a.tag", chunk);
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1500), "{took:?}");
    (verdict, took)
}

/// The stored records of [`chunk`].
const RECORDS: [&str; 3] = [r#"{"log":"one"}"#, r#"{"log":"two"}"#, r#"{"log":"three"}"#];
