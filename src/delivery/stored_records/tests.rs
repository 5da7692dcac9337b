//! Random answers, and a client that gets them.

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use fastrand::Rng;

use super::*;
use crate::batch::{Batch, BatchBuilder, Limits};
use crate::delivery::Answer;
use crate::delivery::error::SendError;

/// A client's way to a service that always answers this.
pub(crate) fn answering(answer: String) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Answering(answer));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Answering(String);

impl HttpConnector for Answering {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(200).unwrap();
        let body = SdkBody::from(self.0.as_str());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "secret", None, None, "test")
}

pub(crate) fn batch(items: usize) -> Batch {
    let limits = Limits {
        items,
        bytes: items,
        span_ms: None,
    };
    let mut open = BatchBuilder::new(limits, b"[", None);
    for ordinal in 0..items {
        let start = open.body().len();
        open.body().push(b'x');
        let ordinal = u32::try_from(ordinal).unwrap();
        assert!(open.add(start, 0, 1, ordinal).is_none());
    }
    open.finish().unwrap()
}

/// Answers to requests of some records, of which any may have failed, or be missing: what is put again
/// must be what the answer does not call stored.
pub(crate) async fn random_answers(
    list: &str,
    id: &str,
    put: impl AsyncFn(String, usize) -> Result<Answer, SendError>,
) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for _ in 0..60 {
        let items = random.usize(1..6);
        let told = if random.u8(..8) == 0 {
            random.usize(..6)
        } else {
            items
        };
        let bad = random.u8(..3);
        let entries: Vec<_> = (0..told).map(|_| entry(&mut random, id, bad)).collect();
        let texts: Vec<_> = entries.iter().map(|(text, _)| text.as_str()).collect();
        let answer = format!(r#"{{"{list}":[{}]}}"#, texts.join(","));
        let again: Vec<_> = (0..told).filter(|&at| !entries[at].1).collect();
        match put(answer.clone(), items).await {
            Ok(found) => {
                assert_eq!(told, items, "{answer}");
                let found = found.again.map(|(items, _)| items).unwrap_or_default();
                let found: Vec<_> = found.iter().map(|item| item.ordinal as usize).collect();
                assert_eq!(found, again, "{answer}");
            }
            Err(fault) => {
                assert_ne!(told, items, "{answer}: {fault:?}");
                assert_eq!(fault.code, "IncompleteAnswer", "{answer}");
            }
        }
    }
}

/// An answer about a record, and whether it says that the record is stored.
fn entry(random: &mut Rng, id: &str, bad: u8) -> (String, bool) {
    let stored = [
        format!(r#"{{"{id}":"4"}}"#),
        format!(r#"{{ "ErrorCode" : null, "{id}" : "a\/\"b" }}"#),
        format!(r#"{{"Other":{{"a":[1,"]"]}},"{id}":"é"}}"#),
    ];
    let failed = [
        "{}".to_owned(),
        format!(r#"{{"{id}":null}}"#),
        r#"{"ErrorCode":"InternalFailure","ErrorMessage":"m"}"#.to_owned(),
        format!(r#"{{"{id}":"4","ErrorCode":"InternalFailure"}}"#),
    ];
    if bad > 0 && random.u8(..3) < bad {
        return (random.choice(&failed).unwrap().clone(), false);
    }
    (random.choice(&stored).unwrap().clone(), true)
}
