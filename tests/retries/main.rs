//! The delivery state of a chunk that Fluent Bit flushes again, for all plugins.

mod deadline;
mod reported;
mod restart;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use support::aws::StandIn;
use support::chunk::{Chunk, Time, map};
use support::host::LogLine;
use support::output::{GROUP, Output, STREAM, delivered, messages, now_ms, taken};

/// A plugin under test.
#[derive(Clone, Copy, Debug)]
struct Plugin {
    name: &'static str,
    operation: &'static str,
    output: fn(&StandIn) -> Output,
    delivered: fn(&StandIn) -> Vec<String>,
    /// The number of records in the first requests.
    first_records: usize,
    /// The number of these requests.
    first_requests: u64,
}

const PLUGINS: [Plugin; 3] = [
    Plugin {
        name: "cloudwatch",
        operation: "PutLogEvents",
        output: |aws| Output::cloudwatch(aws).with("log_key", "log"),
        delivered: |aws| messages(aws, GROUP, STREAM),
        first_records: 10_000,
        first_requests: 1,
    },
    Plugin {
        name: "firehose",
        operation: "PutRecordBatch",
        output: |aws| Output::firehose(aws).with("log_key", "log"),
        delivered: |aws| {
            let records = delivered(aws).into_iter();
            records.map(|text| text.trim_end().to_owned()).collect()
        },
        first_records: 1_000,
        first_requests: 2,
    },
    Plugin {
        name: "kinesis",
        operation: "PutRecords",
        output: |aws| Output::kinesis(aws).with("log_key", "log"),
        delivered: taken,
        first_records: 1_000,
        first_requests: 2,
    },
];

impl Plugin {
    /// Texts for one more request than the first requests.
    fn texts(self) -> Vec<String> {
        (0..self.first_records + 50)
            .map(|n| format!("event {n}."))
            .collect()
    }

    /// A text that only the last request contains.
    fn last_text(self) -> String {
        format!("event {}.", self.first_records + 10)
    }

    /// The same chunk at each call, also in a child process of this test.
    fn same_chunk(self) -> Chunk {
        let time = Time::millis(start());
        self.texts().iter().fold(Chunk::new(), |chunk, text| {
            chunk.v2(time, map([("log", text.as_str())]))
        })
    }

    /// Asserts that each event is stored once, in any order.
    fn assert_delivered_once(self, aws: &StandIn) {
        let (mut stored, mut expected) = ((self.delivered)(aws), self.texts());
        stored.sort_unstable();
        expected.sort_unstable();
        assert_eq!(stored.len(), expected.len(), "{}", self.name);
        assert!(stored == expected, "{}: other events", self.name);
    }
}

/// The start of the test in milliseconds since 1970. A child process gets the start of its test.
fn start() -> u64 {
    static START: OnceLock<u64> = OnceLock::new();
    *START.get_or_init(|| {
        let given = std::env::var(START_VARIABLE).ok();
        given.map_or_else(now_ms, |text| text.parse().expect("a number"))
    })
}

const START_VARIABLE: &str = "RETRIES_START";

/// A directory of one test, removed when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("retries-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The number of lines that contain this text.
fn count(lines: &[LogLine], text: &str) -> usize {
    support::host::telling(lines, text).len()
}
