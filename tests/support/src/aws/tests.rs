//! The stand-in is asked over its socket by a client that shares nothing with it or with the router.

mod actions;
mod client;
mod credentials;
mod firehose_limits;
mod kinesis_limits;
mod logs_limits;
mod logs_names;
mod lost_answers;
mod outage;
mod transport;

use serde_json::{Value, json};

use super::StandIn;
use client::{Client, Reply};

/// A stand-in with the group `/ecs/web`, the stream `web` in it, and the delivery stream `orders`.
fn ready() -> StandIn {
    let aws = StandIn::start();
    aws.create_stream("/ecs/web", "web");
    aws.create_delivery_stream("orders");
    aws
}

fn now_ms() -> i64 {
    super::clock::Clock::default().now_ms()
}

/// The body of a PutLogEvents for the prepared stream.
fn batch(events: &[(i64, &str)]) -> Value {
    let events: Vec<_> = events
        .iter()
        .map(|(timestamp, message)| json!({"timestamp": timestamp, "message": message}))
        .collect();
    json!({"logGroupName": "/ecs/web", "logStreamName": "web", "logEvents": events})
}

/// The body of a PutRecordBatch for the prepared delivery stream.
fn records(data: &[&[u8]]) -> Value {
    let encoded = data
        .iter()
        .map(|data| base64_simd::STANDARD.encode_to_string(data));
    let records: Vec<_> = encoded.map(|data| json!({"Data": data})).collect();
    json!({"DeliveryStreamName": "orders", "Records": records})
}

fn put(aws: &StandIn, events: &[(i64, &str)]) -> Reply {
    Client::of(aws).logs("PutLogEvents", &batch(events))
}

fn put_one(aws: &StandIn) -> Reply {
    put(aws, &[(now_ms(), "one")])
}

fn deliver(aws: &StandIn, data: &[&[u8]]) -> Reply {
    Client::of(aws).firehose("PutRecordBatch", &records(data))
}
