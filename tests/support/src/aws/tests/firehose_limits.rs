//! Each limit of PutRecordBatch at its border, from both sides.

use serde_json::json;

use super::client::Client;
use super::{deliver, ready, records};
use crate::aws::StandIn;

fn outcome(data: &[&[u8]]) -> (u16, String) {
    let aws = ready();
    let reply = deliver(&aws, data);
    let stored = aws.records("orders").len();
    assert_eq!(stored, if reply.is_ok() { data.len() } else { 0 });
    reply.outcome()
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

const ACCEPTED: (u16, String) = (200, String::new());

#[test]
fn a_batch_holds_one_to_five_hundred_records() {
    let data = vec![b"x".as_slice(); 501];
    assert_eq!(outcome(&[]), refused("ValidationException"));
    assert_eq!(outcome(&data[..1]), ACCEPTED);
    assert_eq!(outcome(&data[..500]), ACCEPTED);
    assert_eq!(outcome(&data), refused("ValidationException"));
}

#[test]
fn a_record_holds_a_thousand_kibibytes_before_base64() {
    let data = vec![b'x'; 1_024_001];
    assert_eq!(outcome(&[&data[1..]]), ACCEPTED);
    assert_eq!(outcome(&[&data]), refused("ValidationException"));
}

#[test]
fn a_batch_holds_four_mebibytes_before_base64() {
    let data = vec![b'x'; 4_194_304 / 8];
    assert_eq!(outcome(&[data.as_slice(); 8]), ACCEPTED);
    let mut beyond = vec![data.as_slice(); 8];
    beyond.push(b"x");
    assert_eq!(outcome(&beyond), refused("InvalidArgumentException"));
}

#[test]
fn records_are_kept_as_the_bytes_they_were() {
    let aws = ready();
    let reply = deliver(&aws, &[b"\x00\xff", b"line\n"]);
    assert_eq!(
        aws.records("orders"),
        [b"\x00\xff".to_vec(), b"line\n".to_vec()]
    );
    let answers = reply.json();
    assert_eq!(answers["FailedPutCount"], 0);
    assert_ne!(
        answers["RequestResponses"][0]["RecordId"],
        answers["RequestResponses"][1]["RecordId"]
    );
}

#[test]
fn data_that_is_no_base64_is_a_serialization_exception() {
    let aws = ready();
    let body = json!({"DeliveryStreamName": "orders", "Records": [{"Data": "?"}]});
    let reply = Client::of(&aws).firehose("PutRecordBatch", &body);
    assert_eq!(reply.outcome(), refused("SerializationException"));
}

#[test]
fn a_delivery_stream_must_exist_unless_all_are_made_on_demand() {
    let aws = StandIn::start();
    assert_eq!(
        deliver(&aws, &[b"x"]).outcome(),
        refused("ResourceNotFoundException")
    );
    let aws = StandIn::builder().auto_create().start().unwrap();
    assert!(deliver(&aws, &[b"x"]).is_ok());
    assert_eq!(aws.records("orders").len(), 1);
}

#[test]
fn a_delivery_stream_is_made_once_and_described() {
    let aws = StandIn::start();
    let body = json!({"DeliveryStreamName": "orders"});
    let mut client = Client::of(&aws);
    assert_eq!(
        client.firehose("DescribeDeliveryStream", &body).outcome(),
        refused("ResourceNotFoundException")
    );
    assert!(client.firehose("CreateDeliveryStream", &body).is_ok());
    assert_eq!(
        client.firehose("CreateDeliveryStream", &body).outcome(),
        refused("ResourceInUseException")
    );
    let described = client.firehose("DescribeDeliveryStream", &body).json();
    assert_eq!(
        described["DeliveryStreamDescription"]["DeliveryStreamStatus"],
        "ACTIVE"
    );
    assert!(client.firehose("PutRecordBatch", &records(&[b"x"])).is_ok());
}
