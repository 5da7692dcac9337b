//! What a flush answers when the service or the way to it fails, for all plugins alike.
//!
//! OK is said only of what the stand-in holds; RETRY comes on time; the host's next attempt with the
//! same chunk delivers what is left, once.

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

/// A plugin under test: how it is opened, what it calls, and what it has delivered.
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
    /// An instance whose flushes end after a second.
    fn hasty(&self, aws: &StandIn) -> Instance {
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

/// The verdict, which comes within the flush's second and half of one more.
fn flush_on_time(instance: &Instance, chunk: &Chunk) -> (Verdict, Duration) {
    let began = Instant::now();
    let verdict = instance.flush("a.tag", chunk);
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1500), "{took:?}");
    (verdict, took)
}

/// What [`chunk`] leaves in the service.
const RECORDS: [&str; 3] = [r#"{"log":"one"}"#, r#"{"log":"two"}"#, r#"{"log":"three"}"#];
