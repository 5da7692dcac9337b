//! Each limit of PutRecords at its border, from both sides, and the answers for single records.

use serde_json::{Value, json};

use super::client::{Client, Reply};
use crate::aws::{Action, PartialFailure, Rule, StandIn};

fn ready() -> StandIn {
    StandIn::builder().kinesis_stream("clicks").start().unwrap()
}

fn put(aws: &StandIn, records: &[(&str, &[u8])]) -> Reply {
    let entry = |(key, data): &(&str, &[u8])| {
        let data = base64_simd::STANDARD.encode_to_string(data);
        json!({"Data": data, "PartitionKey": key})
    };
    let records: Vec<Value> = records.iter().map(entry).collect();
    let body = json!({"StreamName": "clicks", "Records": records});
    Client::of(aws).kinesis("PutRecords", &body)
}

fn outcome(records: &[(&str, &[u8])]) -> (u16, String) {
    let aws = ready();
    let reply = put(&aws, records);
    let stored = aws.kinesis_records("clicks").len();
    assert_eq!(stored, if reply.is_ok() { records.len() } else { 0 });
    reply.outcome()
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

const ACCEPTED: (u16, String) = (200, String::new());

#[test]
fn a_request_holds_one_to_five_hundred_records() {
    let records = vec![("k", b"x".as_slice()); 501];
    assert_eq!(outcome(&[]), refused("ValidationException"));
    assert_eq!(outcome(&records[..1]), ACCEPTED);
    assert_eq!(outcome(&records[..500]), ACCEPTED);
    assert_eq!(outcome(&records), refused("ValidationException"));
}

#[test]
fn a_record_and_its_key_hold_a_mebibyte_unless_the_stream_says_more() {
    let data = vec![b'x'; 1024 * 1024 - 2];
    assert_eq!(outcome(&[("kk", &data)]), ACCEPTED);
    assert_eq!(
        outcome(&[("kkk", &data)]),
        refused("InvalidArgumentException")
    );
    let aws = StandIn::start();
    aws.create_kinesis_stream_for("clicks", 2 * 1024 * 1024);
    assert!(put(&aws, &[("kkk", &data)]).is_ok());
}

#[test]
fn a_request_holds_ten_mebibytes_with_its_keys() {
    let data = vec![b'x'; 1024 * 1024 - 2];
    assert_eq!(outcome(&[("kk", data.as_slice()); 10]), ACCEPTED);
    let mut beyond = vec![("kk", data.as_slice()); 10];
    beyond.push(("k", b""));
    assert_eq!(outcome(&beyond), refused("InvalidArgumentException"));
}

#[test]
fn a_partition_key_has_one_to_256_characters() {
    let key = "é".repeat(257);
    assert_eq!(outcome(&[(&key[2..], b"x")]), ACCEPTED);
    assert_eq!(outcome(&[(&key, b"x")]), refused("ValidationException"));
    assert_eq!(outcome(&[("", b"x")]), refused("ValidationException"));
}

#[test]
fn records_of_one_key_are_in_one_shard_and_keys_spread_over_all_shards() {
    let aws = ready();
    let keys: Vec<String> = (0..200).map(|n| format!("key {n}")).collect();
    let once = keys.iter().map(|key| (key.as_str(), b"x".as_slice()));
    let records: Vec<_> = once.clone().chain(once).collect();
    let answers = put(&aws, &records).json();
    assert_eq!(answers["FailedRecordCount"], 0);
    let stored = aws.kinesis_records("clicks");
    let mut counts = [0; 4];
    for (first, second) in stored[..200].iter().zip(&stored[200..]) {
        assert_eq!(first, second);
        counts[first.shard] += 1;
    }
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
    assert_ne!(
        answers["Records"][0]["SequenceNumber"],
        answers["Records"][1]["SequenceNumber"]
    );
}

#[test]
fn records_fail_by_their_place_or_by_their_key_and_the_others_are_stored() {
    let records: [(&str, &[u8]); 3] = [("a", b"1"), ("b", b"2"), ("a", b"3")];
    for (failure, code, stored) in [
        (
            PartialFailure::at([1]).code("InternalFailure"),
            "InternalFailure",
            vec!["1", "3"],
        ),
        (
            PartialFailure::of_partition_key("a"),
            "ProvisionedThroughputExceededException",
            vec!["2"],
        ),
    ] {
        let aws = ready();
        aws.script(Rule::on("PutRecords", Action::PartialFailure(failure)));
        let answer = put(&aws, &records).json();
        assert_eq!(answer["FailedRecordCount"], 3 - stored.len());
        let codes = answer["Records"].as_array().unwrap().iter();
        let codes: Vec<_> = codes
            .filter_map(|record| record["ErrorCode"].as_str())
            .collect();
        assert_eq!(codes, vec![code; 3 - stored.len()]);
        let kept = aws.kinesis_records("clicks");
        let kept: Vec<_> = kept.iter().map(|record| record.data.as_slice()).collect();
        assert_eq!(
            kept,
            stored
                .iter()
                .map(|text| text.as_bytes())
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_stream_must_exist_and_is_made_once_and_described() {
    let aws = StandIn::start();
    let missing = refused("ResourceNotFoundException");
    assert_eq!(put(&aws, &[("k", b"x")]).outcome(), missing);
    let mut client = Client::of(&aws);
    let body = json!({"StreamName": "clicks", "ShardCount": 2});
    assert_eq!(
        client.kinesis("DescribeStreamSummary", &body).outcome(),
        missing
    );
    assert!(client.kinesis("CreateStream", &body).is_ok());
    assert_eq!(
        client.kinesis("CreateStream", &body).outcome(),
        refused("ResourceInUseException")
    );
    let described = client.kinesis("DescribeStreamSummary", &body).json();
    assert_eq!(described["StreamDescriptionSummary"]["OpenShardCount"], 2);
    assert!(put(&aws, &[("k", b"x")]).is_ok());
    let aws = StandIn::builder().auto_create().start().unwrap();
    assert!(put(&aws, &[("k", b"x")]).is_ok());
}

#[test]
fn a_throttled_call_has_the_code_of_this_service() {
    let aws = ready();
    aws.set_rate_limit(Some(1.0));
    assert!(put(&aws, &[("k", b"x")]).is_ok());
    assert_eq!(
        put(&aws, &[("k", b"x")]).outcome(),
        refused("ProvisionedThroughputExceededException")
    );
}
