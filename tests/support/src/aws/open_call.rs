//! A call between its arrival and its answer. Dropping it, as a cut connection does, ends it unanswered.

use std::sync::Arc;
use std::time::Instant;

use hyper::http::request::Parts;

use super::answer::Answer;
use super::calls::Call;
use super::operation::Subject;
use super::service::Service;

pub(super) struct OpenCall {
    service: Arc<Service>,
    number: u64,
    operation: String,
    status: Option<u16>,
    code: Option<String>,
}

impl OpenCall {
    pub(super) fn begin(
        service: &Arc<Service>,
        operation: &str,
        head: &Parts,
        body: &[u8],
        arrival: (u64, Instant),
    ) -> Self {
        let (connection, started) = arrival;
        let call = Call {
            operation: operation.to_owned(),
            group: None,
            stream: None,
            delivery_stream: None,
            items: 0,
            bytes: 0,
            body_length: body.len(),
            body: if service.settings.counting {
                Vec::new()
            } else {
                body.to_vec()
            },
            entity: None,
            status: None,
            code: None,
            headers: if service.settings.counting {
                Vec::new()
            } else {
                written(head)
            },
            started,
            ended: None,
            connection,
            carried_out: false,
            cut_short: false,
            connection_end: None,
        };
        let number = service.change(|account| account.calls.begin(call));
        Self {
            service: service.clone(),
            number,
            operation: operation.to_owned(),
            status: None,
            code: None,
        }
    }

    /// Notes whom the call concerns, once its body has been read.
    pub(super) fn describe(&self, subject: Subject) {
        self.service.change(|account| {
            if let Some(call) = account.calls.call_mut(self.number) {
                (call.group, call.stream) = (subject.group, subject.stream);
                call.delivery_stream = subject.delivery_stream;
                (call.items, call.bytes, call.entity) =
                    (subject.items, subject.bytes, subject.entity);
            }
        });
    }

    /// Notes that the service has done what was asked.
    pub(super) fn carried_out(&self) {
        self.note(|call| call.carried_out = true);
    }

    /// Notes that half of the answer is sent.
    pub(super) fn cut_short(&self) {
        self.note(|call| call.cut_short = true);
    }

    fn note(&self, note: impl FnOnce(&mut Call)) {
        self.service
            .change(|account| account.calls.call_mut(self.number).map(note));
    }

    pub(super) fn answered(mut self, answer: &Answer) {
        (self.status, self.code) = (Some(answer.status), answer.code.clone());
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let (number, status, code) = (self.number, self.status, self.code.as_deref());
        self.service
            .change(|account| account.calls.end(number, &self.operation, status, code));
    }
}

fn written(head: &Parts) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    head.headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
        .collect()
}
