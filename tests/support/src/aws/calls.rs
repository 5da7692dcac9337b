//! The log of calls: what was asked, when, and what was answered.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::Value;

/// One call as the service saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Operation, such as `PutLogEvents`, `AssumeRole`, `EcsCredentials` or `ImdsToken`.
    pub operation: String,
    /// Log group named by the call.
    pub group: Option<String>,
    /// Log stream named by the call.
    pub stream: Option<String>,
    /// Delivery stream named by the call.
    pub delivery_stream: Option<String>,
    /// Events or records in the call.
    pub items: usize,
    /// Bytes as the service counts them against its limit: events with 26 bytes each, records before base64.
    pub bytes: usize,
    /// Length of the HTTP body as it came over the wire.
    pub body_length: usize,
    /// The HTTP body as it came over the wire; empty in counting mode.
    pub body: Vec<u8>,
    /// The `entity` member of PutLogEvents.
    pub entity: Option<Value>,
    /// Status answered; `None` while unanswered or when the connection was cut instead.
    pub status: Option<u16>,
    /// Error code answered.
    pub code: Option<String>,
    /// Headers of the request, names in lower case; empty in counting mode.
    pub headers: Vec<(String, String)>,
    /// When the head of the request had arrived.
    pub started: Instant,
    /// When the answer was ready or the connection was cut.
    pub ended: Option<Instant>,
    /// Which connection carried it; equal for calls that shared one.
    pub connection: u64,
    /// Whether the service did what was asked.
    pub carried_out: bool,
    /// Whether the script cut the answer short.
    pub cut_short: bool,
    /// How its connection ended, if no later call came over it.
    pub connection_end: Option<ConnectionEnd>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionEnd {
    /// When the stand-in saw it.
    pub at: Instant,
    /// Whether it was reset: the client had not read all that was sent to it.
    pub is_reset: bool,
}

/// All calls, or the latest of them, with totals that cover all.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    kept: VecDeque<Call>,
    first: u64,
    limit: Option<usize>,
    counts: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    in_flight: BTreeMap<String, (usize, usize)>,
}

impl Call {
    /// Value of a request header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the call was answered with a 2xx status.
    pub fn succeeded(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the service did what was asked, and the client may not know: there was no whole answer, or
    /// the client ended the connection without reading it, or in the time `margin` after it.
    #[must_use]
    pub fn has_lost_its_answer(&self, margin: Duration) -> bool {
        let in_the_margin = |end: ConnectionEnd| {
            let answered = self.ended.unwrap_or(end.at);
            end.is_reset || end.at.saturating_duration_since(answered) <= margin
        };
        let unread = || self.connection_end.is_some_and(in_the_margin);
        self.carried_out && (self.status.is_none() || self.cut_short || unread())
    }
}

impl CallLog {
    pub(super) fn keeping(limit: Option<usize>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Notes the start of a call and returns the number by which it is known.
    pub(super) fn begin(&mut self, call: Call) -> u64 {
        *self.counts.entry(call.operation.clone()).or_default() += 1;
        let (now, most) = self.in_flight.entry(call.operation.clone()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        self.kept.push_back(call);
        if self.limit.is_some_and(|limit| self.kept.len() > limit) {
            self.kept.pop_front();
            self.first += 1;
        }
        self.first + self.kept.len() as u64 - 1
    }

    pub(super) fn end(
        &mut self,
        number: u64,
        operation: &str,
        status: Option<u16>,
        code: Option<&str>,
    ) {
        if let Some((now, _)) = self.in_flight.get_mut(operation) {
            *now = now.saturating_sub(1);
        }
        if let Some(code) = code {
            *self.errors.entry(code.to_owned()).or_default() += 1;
        }
        if let Some(call) = self.call_mut(number) {
            (call.status, call.code) = (status, code.map(str::to_owned));
            call.ended = Some(Instant::now());
        }
    }

    /// The call of that number, unless it has been forgotten.
    pub(super) fn call_mut(&mut self, number: u64) -> Option<&mut Call> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.kept.get_mut(index)
    }

    /// Notes how a connection ended with the last call that came over it.
    pub(super) fn connection_ended(&mut self, connection: u64, is_reset: bool) {
        let mut latest = self.kept.iter_mut().rev();
        if let Some(call) = latest.find(|call| call.connection == connection) {
            let at = Instant::now();
            call.connection_end = Some(ConnectionEnd { at, is_reset });
        }
    }

    pub(super) fn forget(&mut self) {
        self.first += self.kept.len() as u64;
        self.kept.clear();
        self.counts.clear();
        self.errors.clear();
        self.in_flight
            .values_mut()
            .for_each(|(now, most)| *most = *now);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Call> {
        self.kept.iter()
    }

    pub(super) fn count(&self, operation: &str) -> u64 {
        self.counts.get(operation).copied().unwrap_or_default()
    }

    pub(super) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    pub(super) fn errors(&self) -> &BTreeMap<String, u64> {
        &self.errors
    }

    pub(super) fn in_flight(&self, operation: &str) -> usize {
        self.in_flight.get(operation).map_or(0, |(now, _)| *now)
    }

    pub(super) fn max_in_flight(&self, operation: &str) -> usize {
        self.in_flight.get(operation).map_or(0, |(_, most)| *most)
    }
}
