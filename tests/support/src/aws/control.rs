//! The same questions and levers over HTTP, for tests and demos in other languages.
//!
//! GET `summary`, `calls`, `events?group=…&stream=…`, `records?stream=…`, `kinesis?stream=…`; POST `script`, `clear`, `forget`,
//! all below `/_stand-in/`.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::http::Method;
use hyper::http::request::Parts;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::answer::Answer;
use super::calls::Call;
use super::form;
use super::kinesis::KinesisRecord;
use super::rule::Rule;
use super::service::{Service, locked};
use super::stored::Tally;

/// The body of POST `script`; what is left out stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    rules: Vec<Rule>,
    /// Calls per second; 0 lifts the limit.
    rate_limit: Option<f64>,
    latency_ms: Option<u64>,
    clock_offset_seconds: Option<i64>,
}

pub(super) fn answer(service: &Service, head: &Parts, asked: &str, body: &[u8]) -> Answer {
    let query = form::decoded(head.uri.query().unwrap_or_default());
    let named = |name: &str| query.get(name).map_or("", String::as_str);
    match (&head.method, asked) {
        (&Method::GET, "summary") => shown(&summary(&service.account())),
        (&Method::GET, "calls") => shown(&service.account().calls().map(call).collect()),
        (&Method::GET, "events") => {
            shown(&events(&service.account(), named("group"), named("stream")))
        }
        (&Method::GET, "records") => shown(&records(&service.account(), named("stream"))),
        (&Method::GET, "kinesis") => shown(&kinesis(&service.account(), named("stream"))),
        (&Method::POST, "script") => scripted(service, body),
        (&Method::POST, "clear") => {
            service.heal();
            shown(&json!({}))
        }
        (&Method::POST, "forget") => {
            service.change(Account::forget);
            shown(&json!({}))
        }
        _ => Answer::refused(404),
    }
}

fn scripted(service: &Service, body: &[u8]) -> Answer {
    let script: Script = match serde_json::from_slice(body) {
        Ok(script) => script,
        Err(problem) => {
            return Answer {
                status: 400,
                ..Answer::text(problem.to_string())
            };
        }
    };
    if script.clear {
        service.heal();
    }
    if let Some(rate) = script.rate_limit {
        locked(&service.throttle).limit(Some(rate).filter(|rate| *rate > 0.0));
    }
    script
        .latency_ms
        .into_iter()
        .for_each(|ms| service.lag(Duration::from_millis(ms)));
    script
        .clock_offset_seconds
        .into_iter()
        .for_each(|seconds| service.clock.shift(seconds));
    let mut rules = locked(&service.script);
    script.rules.into_iter().for_each(|rule| rules.add(rule));
    shown(&json!({}))
}

fn summary(account: &Account) -> Value {
    let mut groups: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (group, name) in account.streams() {
        let count = account
            .stream(group, name)
            .map_or(Value::Null, |stream| tally(stream.tally));
        groups
            .entry(group)
            .or_default()
            .insert(name.to_owned(), count);
    }
    let delivered = account
        .delivery_streams()
        .map(|name| (name.to_owned(), tally(account.delivery_tally(name))));
    let kinesis = account
        .kinesis_streams()
        .map(|name| (name.to_owned(), tally(account.kinesis_tally(name))));
    json!({
        "calls": account.calls.counts(),
        "errors": account.errors(),
        "events": groups,
        "events_total": tally(account.events_tally()),
        "records": delivered.collect::<Map<_, _>>(),
        "records_total": tally(account.records_tally()),
        "kinesis": kinesis.collect::<Map<_, _>>(),
        "kinesis_total": tally(account.kinesis_total()),
    })
}

fn events(account: &Account, group: &str, stream: &str) -> Value {
    let events = account.events(group, stream).iter();
    events
        .map(|event| json!({"timestamp": event.timestamp, "message": event.message}))
        .collect()
}

/// Records in base64, for they need not be text.
fn records(account: &Account, stream: &str) -> Value {
    let records = account.records(stream).iter();
    records
        .map(|record| base64_simd::STANDARD.encode_to_string(record))
        .collect()
}

/// Records of a Kinesis data stream, with their keys and shards.
fn kinesis(account: &Account, stream: &str) -> Value {
    let records = account.kinesis_records(stream).iter();
    let shown = |record: &KinesisRecord| {
        json!({
            "partition_key": record.partition_key,
            "shard": record.shard,
            "data": base64_simd::STANDARD.encode_to_string(&record.data),
        })
    };
    records.map(shown).collect()
}

fn call(call: &Call) -> Value {
    json!({
        "operation": call.operation,
        "group": call.group,
        "stream": call.stream,
        "delivery_stream": call.delivery_stream,
        "items": call.items,
        "bytes": call.bytes,
        "body_length": call.body_length,
        "status": call.status,
        "code": call.code,
        "entity": call.entity,
        "headers": call.headers.iter().cloned().collect::<BTreeMap<_, _>>(),
        "seconds": call.ended.map(|ended| ended.duration_since(call.started).as_secs_f64()),
        "connection": call.connection,
    })
}

fn tally(tally: Tally) -> Value {
    json!({"count": tally.count, "bytes": tally.bytes, "digest": format!("{:016x}", tally.digest)})
}

fn shown(value: &Value) -> Answer {
    Answer::of("application/json", value.to_string().into_bytes())
}

pub(super) const PREFIX: &str = "/_stand-in/";
