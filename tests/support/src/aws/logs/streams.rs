//! Creating, deleting and reading back log streams.

use serde::Deserialize;
use serde_json::json;

use super::{group_mut, no_group, no_stream, stream_name};
use crate::aws::answer::ErrorAnswer;
use crate::aws::operation::{Operation, Outcome, Subject};
use crate::aws::rule::PartialFailure;
use crate::aws::service::Service;
use crate::aws::stored::Stream;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateLogStream {
    log_group_name: String,
    log_stream_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeleteLogStream {
    log_group_name: String,
    log_stream_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetLogEvents {
    log_group_name: String,
    log_stream_name: String,
    next_token: Option<String>,
    limit: Option<usize>,
}

impl GetLogEvents {
    /// The first position to read, from a token of the form `f/<position>` or `b/<position>`.
    fn position(&self) -> usize {
        let token = self.next_token.as_deref().and_then(|token| token.get(2..));
        token
            .and_then(|position| position.parse().ok())
            .unwrap_or_default()
    }
}

impl Operation for CreateLogStream {
    fn subject(&self) -> Subject {
        subject(&self.log_group_name, &self.log_stream_name)
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        stream_name(&self.log_stream_name)?;
        let created_ms = service.clock.now_ms();
        service.change(|account| {
            let group = group_mut(account, &self.log_group_name)?;
            if group.streams.contains_key(&self.log_stream_name) {
                let message = "The specified log stream already exists";
                return Err(ErrorAnswer::new(
                    400,
                    "ResourceAlreadyExistsException",
                    message,
                ));
            }
            let stream = Stream {
                created_ms,
                ..Stream::default()
            };
            group.streams.insert(self.log_stream_name.clone(), stream);
            Ok(json!({}))
        })
    }
}

impl Operation for DeleteLogStream {
    fn subject(&self) -> Subject {
        subject(&self.log_group_name, &self.log_stream_name)
    }

    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        service.change(|account| {
            let group = group_mut(account, &self.log_group_name)?;
            let removed = group.streams.remove(&self.log_stream_name);
            removed.map(|_| json!({})).ok_or_else(no_stream)
        })
    }
}

impl Operation for GetLogEvents {
    fn subject(&self) -> Subject {
        subject(&self.log_group_name, &self.log_stream_name)
    }

    /// Events in stored order from the head of the stream, a page at a time; the service's time filters are not played.
    fn run(self: Box<Self>, service: &Service, _: Option<&PartialFailure>) -> Outcome {
        let account = service.account();
        let group = account
            .groups
            .get(&self.log_group_name)
            .ok_or_else(no_group)?;
        let stream = group
            .streams
            .get(&self.log_stream_name)
            .ok_or_else(no_stream)?;
        let start = self.position().min(stream.events.len());
        let page = stream.events[start..]
            .iter()
            .take(self.limit.unwrap_or(10_000).min(10_000));
        let events: Vec<_> = page
            .map(|event| json!({"timestamp": event.timestamp, "message": event.message, "ingestionTime": 0}))
            .collect();
        let (forward, backward) = (format!("f/{}", start + events.len()), format!("b/{start}"));
        Ok(json!({"events": events, "nextForwardToken": forward, "nextBackwardToken": backward}))
    }
}

fn subject(group: &str, stream: &str) -> Subject {
    Subject {
        group: Some(group.to_owned()),
        stream: Some(stream.to_owned()),
        ..Subject::default()
    }
}
