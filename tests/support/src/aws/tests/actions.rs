//! Each action of a script, seen from the client's end of the socket.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{Client, Reply};
use super::{batch, deliver, now_ms, put, put_one, ready};
use crate::aws::{Action, CodeShape, ErrorAnswer, PartialFailure, Rule, StandIn};

const PATIENCE: Duration = Duration::from_secs(10);

/// One PutLogEvents under a rule with this action, and how many events it left.
fn under(action: Action) -> (std::io::Result<Reply>, usize) {
    let aws = ready();
    aws.script(Rule::on("PutLogEvents", action));
    let reply = try_put(&aws);
    (reply, aws.events("/ecs/web", "web").len())
}

fn try_put(aws: &StandIn) -> std::io::Result<Reply> {
    let body = batch(&[(now_ms(), "one")]).to_string();
    Client::of(aws).json("Logs_20140328.PutLogEvents", "logs", body.as_bytes())
}

#[test]
fn an_error_has_its_status_code_message_headers_and_shape() {
    let error =
        ErrorAnswer::new(503, "ServiceUnavailableException", "later").header("Retry-After", "3");
    let (reply, stored) = under(Action::Error(error.clone().shape(CodeShape::Namespaced)));
    let reply = reply.unwrap();
    let body = json!({"__type": "com.amazonaws.logs.v20140328#ServiceUnavailableException", "message": "later"});
    assert_eq!((reply.status, reply.json(), stored), (503, body, 0));
    assert!(reply.head.contains("retry-after: 3"));
    let reply = under(Action::Error(error.shape(CodeShape::Header)))
        .0
        .unwrap();
    assert!(
        reply
            .head
            .contains("x-amzn-errortype: serviceunavailableexception:")
    );
    assert_eq!(reply.json(), json!({"message": "later"}));
}

#[test]
fn a_delayed_call_is_treated_as_usual_afterwards() {
    let started = Instant::now();
    let (reply, stored) = under(Action::Delay(Duration::from_millis(80)));
    assert!(reply.unwrap().is_ok());
    assert_eq!(stored, 1);
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[test]
fn a_call_that_is_answered_late_is_carried_out_at_once() {
    let aws = ready();
    let late = Action::AcceptThenDelay(Duration::from_millis(800));
    aws.script(Rule::on("PutLogEvents", late));
    let started = Instant::now();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| try_put(&aws));
        let stored = |account: &crate::aws::Account| account.events("/ecs/web", "web").len() == 1;
        assert!(aws.wait_for(stored, PATIENCE));
        assert!(started.elapsed() < Duration::from_millis(800));
        assert!(call.join().expect("it ends").unwrap().is_ok());
    });
    assert!(started.elapsed() >= Duration::from_millis(800));
}

#[test]
fn a_hanging_call_stays_in_flight_until_its_client_leaves() {
    for (action, stored) in [(Action::Hang, 0), (Action::AcceptThenHang, 1)] {
        let aws = ready();
        aws.script(Rule::on("PutLogEvents", action));
        let mut client = Client::of(&aws);
        client.send_events(&batch(&[(now_ms(), "one")]));
        assert!(aws.wait_for(|account| account.in_flight("PutLogEvents") == 1, PATIENCE));
        assert!(client.stays_silent(Duration::from_millis(100)));
        drop(client);
        assert!(aws.wait_for(|account| account.in_flight("PutLogEvents") == 0, PATIENCE));
        assert_eq!(aws.events("/ecs/web", "web").len(), stored);
        assert_eq!(aws.calls()[0].status, None);
    }
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_an_end() {
    let (reply, stored) = under(Action::Reset);
    assert_eq!(
        (reply.unwrap_err().kind(), stored),
        (ErrorKind::ConnectionReset, 0)
    );
    let (reply, stored) = under(Action::Close);
    assert_eq!(
        (reply.unwrap_err().kind(), stored),
        (ErrorKind::UnexpectedEof, 0)
    );
}

#[test]
fn an_accepted_call_whose_connection_is_reset_leaves_its_data() {
    let (reply, stored) = under(Action::AcceptThenReset);
    assert_eq!(
        (reply.unwrap_err().kind(), stored),
        (ErrorKind::ConnectionReset, 1)
    );
}

#[test]
fn a_truncated_answer_arrives_in_part_and_its_data_is_stored() {
    let aws = ready();
    aws.script(Rule::on("PutLogEvents", Action::Truncate));
    let mut client = Client::of(&aws);
    client.send_events(&batch(&[(now_ms(), "one")]));
    let mut received = Vec::new();
    let end = client.read_to_end(&mut received);
    let text = String::from_utf8(received).unwrap();
    assert!(
        end.is_ok() && text.starts_with("HTTP/1.1 200"),
        "{end:?} {text}"
    );
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(body.starts_with('{') && !body.ends_with('}'), "{body}");
    assert_eq!(aws.events("/ecs/web", "web").len(), 1);
}

#[test]
fn an_empty_and_a_garbled_success_store_nothing() {
    let (reply, stored) = under(Action::Empty);
    assert_eq!((reply.unwrap().body, stored), (Vec::new(), 0));
    let (reply, stored) = under(Action::Garbage);
    let reply = reply.unwrap();
    assert!(reply.is_ok() && reply.text().starts_with("<html>"));
    assert_eq!(stored, 0);
}

#[test]
fn a_skewed_answer_lies_about_the_date_alone() {
    let (reply, stored) = under(Action::Skew(366 * 86_400));
    let reply = reply.unwrap();
    let next_year = crate::aws::clock::http_date(now_ms() + 366 * 86_400_000).to_ascii_lowercase();
    assert!(reply.head.contains(&next_year[5..16]), "{}", reply.head);
    assert_eq!(stored, 1);
}

#[test]
fn a_partial_failure_stores_the_records_that_did_not_fail() {
    let aws = ready();
    let data: Vec<_> = (0..7).map(|n| format!("record {n}")).collect();
    let data: Vec<_> = data.iter().map(|text| text.as_bytes()).collect();
    aws.script(Rule::on(
        "PutRecordBatch",
        Action::PartialFailure(PartialFailure::every(3)),
    ));
    let failure = PartialFailure::at([0]).code("InternalFailure");
    aws.script(Rule::on("PutRecordBatch", Action::PartialFailure(failure)));
    let first = deliver(&aws, &data).json();
    assert_eq!(first["FailedPutCount"], 2);
    assert_eq!(
        first["RequestResponses"][2]["ErrorCode"],
        "ServiceUnavailableException"
    );
    assert!(first["RequestResponses"][3]["RecordId"].is_string());
    let second = deliver(&aws, &data[..2]).json();
    assert_eq!(
        second["RequestResponses"][0]["ErrorCode"],
        "InternalFailure"
    );
    let kept = aws.records("orders");
    assert_eq!(kept, [data[0], data[1], data[3], data[4], data[6], data[1]]);
}

#[test]
fn a_poisoned_batch_is_refused_whole_and_every_time() {
    let (aws, now) = (ready(), now_ms());
    aws.script(Rule::poison("poison", "InvalidParameterException"));
    for _ in 0..3 {
        let reply = put(&aws, &[(now, "good"), (now, "a poison b")]);
        assert_eq!(
            reply.outcome(),
            (400, "InvalidParameterException".to_owned())
        );
    }
    assert!(put(&aws, &[(now, "good")]).is_ok());
    assert_eq!(deliver(&aws, &[b"good", b"poison"]).status, 400);
    assert_eq!(aws.events("/ecs/web", "web").len(), 1);
}

#[test]
fn a_rule_for_one_stream_leaves_the_others_alone() {
    let aws = ready();
    aws.create_stream("/ecs/web", "other");
    let error = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded");
    aws.script(
        Rule::on("PutLogEvents", Action::Error(error))
            .stream("other")
            .forever(),
    );
    assert!(put_one(&aws).is_ok());
    let mut body = batch(&[(now_ms(), "one")]);
    body["logStreamName"] = json!("other");
    assert_eq!(Client::of(&aws).logs("PutLogEvents", &body).status, 400);
    aws.clear();
    assert!(Client::of(&aws).logs("PutLogEvents", &body).is_ok());
}

#[test]
fn an_error_that_http_cannot_write_is_reported_as_such() {
    let error = ErrorAnswer::new(400, "Odd", "").header("bad name", "x");
    let reply = under(Action::Error(error)).0.unwrap();
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("cannot write"));
}
