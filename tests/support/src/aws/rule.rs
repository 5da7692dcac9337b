//! One line of a failure script: which calls it concerns, how many of them, and what befalls those.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::answer::ErrorAnswer;

/// Which calls are interfered with, and how. A new rule concerns the first call that fits, once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub(super) operation: Option<String>,
    pub(super) group: Option<String>,
    pub(super) stream: Option<String>,
    pub(super) delivery_stream: Option<String>,
    pub(super) contains: Option<String>,
    #[serde(default = "one")]
    pub(super) nth: u64,
    #[serde(default = "once", deserialize_with = "times")]
    pub(super) times: Option<u64>,
    pub(super) action: Action,
}

/// What befalls a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An error is answered; nothing is stored.
    Error(ErrorAnswer),
    /// The call waits, then is treated as usual.
    #[serde(rename = "delay_ms", deserialize_with = "milliseconds")]
    Delay(Duration),
    /// The call is never answered and the connection stays open; nothing is stored.
    Hang,
    /// The connection is reset (RST); nothing is stored.
    Reset,
    /// The connection is closed (FIN) without an answer; nothing is stored.
    Close,
    /// The call is carried out, but only half of the answer is sent before the connection is closed.
    Truncate,
    /// The call is carried out, then the connection is reset: the client cannot know.
    AcceptThenReset,
    /// The call is carried out and never answered: the client cannot know.
    AcceptThenHang,
    /// The call is carried out at once and answered after this time, also when the client has gone.
    #[serde(rename = "accept_then_delay_ms", deserialize_with = "milliseconds")]
    AcceptThenDelay(Duration),
    /// Status 200 with an empty body; nothing is stored.
    Empty,
    /// Status 200 with a body that is no JSON; nothing is stored.
    Garbage,
    /// Some records of a PutRecordBatch or PutRecords fail; the others are stored.
    PartialFailure(PartialFailure),
    /// The call is treated as usual, but the Date header is off by this many seconds.
    #[serde(rename = "skew_seconds")]
    Skew(i64),
}

/// Which records of a PutRecordBatch or PutRecords fail, and with what code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialFailure {
    /// Positions that fail, from 0.
    #[serde(default)]
    pub indices: Vec<usize>,
    /// Every k-th record fails: 3 fails positions 2, 5, 8, …
    pub every: Option<usize>,
    /// Each record with this partition key fails.
    pub partition_key: Option<String>,
    /// Error code of the failed records.
    #[serde(default = "unavailable")]
    pub code: String,
    /// Error message of the failed records.
    #[serde(default = "slow_down")]
    pub message: String,
}

impl Rule {
    /// A rule for calls of one operation.
    pub fn on(operation: &str, action: Action) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::any(action)
        }
    }

    /// A rule for calls of every operation.
    pub fn any(action: Action) -> Self {
        Self {
            operation: None,
            group: None,
            stream: None,
            delivery_stream: None,
            contains: None,
            nth: 1,
            times: once(),
            action,
        }
    }

    /// A rule that refuses, for ever, every batch in which a message contains the text.
    pub fn poison(text: &str, code: &str) -> Self {
        let error = ErrorAnswer::new(400, code, "The batch holds an event that cannot be taken.");
        Self::any(Action::Error(error)).contains(text).forever()
    }

    /// What befalls the calls it concerns.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Only calls that name this log group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// Only calls that name this log stream.
    #[must_use]
    pub fn stream(mut self, stream: &str) -> Self {
        self.stream = Some(stream.to_owned());
        self
    }

    /// Only calls that name this delivery stream.
    #[must_use]
    pub fn delivery_stream(mut self, delivery_stream: &str) -> Self {
        self.delivery_stream = Some(delivery_stream.to_owned());
        self
    }

    /// Only batches with a message or decoded record that contains the text.
    #[must_use]
    pub fn contains(mut self, text: &str) -> Self {
        self.contains = Some(text.to_owned());
        self
    }

    /// Starts at the n-th fitting call, counted from 1; those before it pass.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Concerns this many fitting calls.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Concerns all fitting calls.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = None;
        self
    }
}

impl PartialFailure {
    /// The records at these positions fail with `ServiceUnavailableException`.
    pub fn at(indices: impl Into<Vec<usize>>) -> Self {
        Self {
            indices: indices.into(),
            every: None,
            partition_key: None,
            code: unavailable(),
            message: slow_down(),
        }
    }

    /// Every k-th record fails with `ServiceUnavailableException`.
    pub fn every(k: usize) -> Self {
        Self {
            every: Some(k),
            ..Self::at([])
        }
    }

    /// Each record with this partition key fails as the service throttles a shard.
    pub fn of_partition_key(partition_key: &str) -> Self {
        Self {
            partition_key: Some(partition_key.to_owned()),
            ..Self::at([])
        }
        .code("ProvisionedThroughputExceededException")
    }

    /// The same records fail with another code.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        self.code = code.to_owned();
        self
    }

    pub(super) fn fails(&self, index: usize) -> bool {
        let in_turn = self
            .every
            .is_some_and(|k| k > 0 && (index + 1).is_multiple_of(k));
        in_turn || self.indices.contains(&index)
    }
}

/// `times` is a number or the word `forever`.
fn times<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Times {
        Number(u64),
        Word(Forever),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Forever {
        Forever,
    }
    Times::deserialize(input).map(|times| match times {
        Times::Number(n) => Some(n),
        Times::Word(Forever::Forever) => None,
    })
}

fn milliseconds<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    u64::deserialize(input).map(Duration::from_millis)
}

fn one() -> u64 {
    1
}

fn once() -> Option<u64> {
    Some(1)
}

fn unavailable() -> String {
    "ServiceUnavailableException".to_owned()
}

fn slow_down() -> String {
    "Slow down.".to_owned()
}
