//! PutLogEvents: the limits of a batch, the events refused one by one, and the storing of the others.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::{Value, json};

use super::verdict::Verdict;
use super::{group_mut, group_name, no_stream, refused, stream_name};
use crate::aws::account::Account;
use crate::aws::answer::ErrorAnswer;
use crate::aws::operation::{Operation, Outcome, Subject, broken};
use crate::aws::rule::PartialFailure;
use crate::aws::service::{Service, locked};
use crate::aws::stored::{Group, StoredEvent, Stream, Tally};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PutLogEvents<'a> {
    log_group_name: String,
    log_stream_name: String,
    #[serde(borrow)]
    log_events: Vec<Event<'a>>,
    entity: Option<Value>,
}

#[derive(Deserialize)]
struct Event<'a> {
    timestamp: i64,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// Accepted events, made ready before the account is locked.
struct Ready {
    events: Vec<StoredEvent>,
    tally: Tally,
}

impl PutLogEvents<'_> {
    /// Sum of message bytes and 26 bytes an event, as the service counts a batch.
    fn bytes(&self) -> usize {
        self.log_events.iter().map(Event::bytes).sum()
    }

    fn checked(&self) -> Result<(), ErrorAnswer> {
        group_name(&self.log_group_name)?;
        stream_name(&self.log_stream_name)?;
        self.count_checked()?;
        self.log_events
            .iter()
            .enumerate()
            .try_for_each(|(index, event)| event.checked(index))?;
        let bytes = self.bytes();
        if bytes > BATCH_BYTES {
            return Err(refused(format!(
                "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES}"
            )));
        }
        self.order_checked()
    }

    fn count_checked(&self) -> Result<(), ErrorAnswer> {
        let constraint = match self.log_events.len() {
            0 => "Member must have length greater than or equal to 1",
            1..=BATCH_EVENTS => return Ok(()),
            _ => "Member must have length less than or equal to 10000",
        };
        Err(refused(broken("logEvents", "[...]", constraint)))
    }

    fn order_checked(&self) -> Result<(), ErrorAnswer> {
        if !self.log_events.is_sorted_by_key(|event| event.timestamp) {
            let message =
                "Log events in a single PutLogEvents request must be in chronological order.";
            return Err(refused(message));
        }
        let (first, last) = (self.log_events.first(), self.log_events.last());
        let span = first
            .zip(last)
            .map_or(0, |(first, last)| last.timestamp - first.timestamp);
        if span >= SPAN_MS {
            let message = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
            return Err(refused(message));
        }
        Ok(())
    }

    /// The error type with which the request's entity is rejected, if it has one.
    fn entity_rejection(&self, service: &Service) -> Option<String> {
        let rejection = locked(&service.entity_rejection).clone();
        rejection.filter(|_| self.entity.is_some())
    }

    fn ready(self, accepted: &Range<usize>, counting: bool) -> Ready {
        let mut ready = Ready {
            events: Vec::new(),
            tally: Tally::default(),
        };
        for event in self
            .log_events
            .into_iter()
            .take(accepted.end)
            .skip(accepted.start)
        {
            ready.tally.add(event.message.as_bytes());
            if !counting {
                let message = event.message.into_owned();
                ready.events.push(StoredEvent {
                    timestamp: event.timestamp,
                    message,
                });
            }
        }
        ready
    }
}

impl Event<'_> {
    fn bytes(&self) -> usize {
        self.message.len() + EVENT_OVERHEAD
    }

    fn checked(&self, index: usize) -> Result<(), ErrorAnswer> {
        let member = |name| format!("logEvents.{}.member.{name}", index + 1);
        if self.message.is_empty() {
            let constraint = "Member must have length greater than or equal to 1";
            return Err(refused(broken(&member("message"), "", constraint)));
        }
        if self.timestamp < 0 {
            let constraint = "Member must have value greater than or equal to 0";
            let value = self.timestamp.to_string();
            return Err(refused(broken(&member("timestamp"), &value, constraint)));
        }
        let bytes = self.bytes();
        if bytes > EVENT_BYTES {
            return Err(refused(format!(
                "Log event too large: {bytes} bytes exceeds limit of {EVENT_BYTES}"
            )));
        }
        Ok(())
    }
}

impl Operation for PutLogEvents<'_> {
    fn subject(&self) -> Subject {
        Subject {
            group: Some(self.log_group_name.clone()),
            stream: Some(self.log_stream_name.clone()),
            delivery_stream: None,
            items: self.log_events.len(),
            bytes: self.bytes(),
            entity: self.entity.clone(),
        }
    }

    fn mentions(&self, text: &str) -> bool {
        self.log_events
            .iter()
            .any(|event| event.message.contains(text))
    }

    fn run(mut self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        self.checked()?;
        let now_ms = service.clock.now_ms();
        let (group, stream) = (
            std::mem::take(&mut self.log_group_name),
            std::mem::take(&mut self.log_stream_name),
        );
        let retention = service.change(|account| {
            target(account, &group, &stream, now_ms).map(|(retention, _)| retention)
        })?;
        let timestamps: Vec<i64> = self
            .log_events
            .iter()
            .map(|event| event.timestamp)
            .collect();
        let verdict = Verdict::over(&timestamps, now_ms, retention);
        let entity_rejection = self.entity_rejection(service);
        let ready = self.ready(&verdict.accepted, service.settings.counting);
        service.change(|account| {
            let (_, stream) = target(account, &group, &stream, now_ms)?;
            stream.events.extend(ready.events);
            stream.tally.merge(ready.tally);
            Ok(answered(stream, verdict.refused, entity_rejection))
        })
    }
}

/// The stream a batch is meant for and the retention of its group, both made on demand in auto-create mode.
fn target<'a>(
    account: &'a mut Account,
    group: &str,
    stream: &str,
    now_ms: i64,
) -> Result<(Option<u32>, &'a mut Stream), ErrorAnswer> {
    if account.auto_create {
        let group = account
            .groups
            .entry(group.to_owned())
            .or_insert_with(|| Group::new(now_ms));
        group.streams.entry(stream.to_owned()).or_default();
    }
    let group = group_mut(account, group)?;
    let stream = group.streams.get_mut(stream).ok_or_else(no_stream)?;
    Ok((group.retention_days, stream))
}

fn answered(stream: &Stream, refused: Value, entity_rejection: Option<String>) -> Value {
    let mut answer = json!({"nextSequenceToken": format!("{:056}", stream.tally.count)});
    if refused
        .as_object()
        .is_some_and(|reasons| !reasons.is_empty())
    {
        answer["rejectedLogEventsInfo"] = refused;
    }
    if let Some(error_type) = entity_rejection {
        answer["rejectedEntityInfo"] = json!({"errorType": error_type});
    }
    answer
}

/// API reference, PutLogEvents: constraints of a batch.
const BATCH_EVENTS: usize = 10_000;
const BATCH_BYTES: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;
const EVENT_BYTES: usize = 1_048_576;
/// "Cannot span more than 24 hours": a span of exactly 24 hours is refused too, so that clients stay below it.
const SPAN_MS: i64 = 86_400_000;
