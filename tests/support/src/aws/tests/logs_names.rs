//! The operations around groups and streams, with the limits of names, tags and retentions.

use serde_json::{Value, json};

use super::client::{Client, Reply};
use super::ready;
use crate::aws::StandIn;

fn logs(aws: &StandIn, operation: &str, body: &Value) -> Reply {
    Client::of(aws).logs(operation, body)
}

fn makes_group(name: &str) -> bool {
    let aws = StandIn::start();
    let made = logs(&aws, "CreateLogGroup", &json!({"logGroupName": name})).is_ok();
    assert_eq!(aws.groups().contains_key(name), made);
    made
}

fn makes_stream(name: &str) -> bool {
    let aws = ready();
    let body = json!({"logGroupName": "/ecs/web", "logStreamName": name});
    let made = logs(&aws, "CreateLogStream", &body).is_ok();
    assert_eq!(aws.streams().len(), 1 + usize::from(made));
    made
}

#[test]
fn a_group_name_has_1_to_512_of_the_allowed_characters() {
    assert!(makes_group("/ecs/web.1_a-b#2"));
    assert!(makes_group(&"g".repeat(512)));
    for name in ["", "with space", "with:colon", "w\u{e9}b", &"g".repeat(513)] {
        assert!(!makes_group(name), "{name}");
    }
}

#[test]
fn a_stream_name_has_1_to_512_characters_without_colon_and_star() {
    assert!(makes_stream("task/web 1 \u{20ac}"));
    assert!(makes_stream(&"s".repeat(512)));
    for name in ["", "a:b", "a*b", &"s".repeat(513)] {
        assert!(!makes_stream(name), "{name}");
    }
}

#[test]
fn what_exists_cannot_be_made_again() {
    let aws = ready();
    let group = logs(&aws, "CreateLogGroup", &json!({"logGroupName": "/ecs/web"}));
    assert_eq!(
        group.outcome(),
        (400, "ResourceAlreadyExistsException".to_owned())
    );
    let stream = json!({"logGroupName": "/ecs/web", "logStreamName": "web"});
    let stream = logs(&aws, "CreateLogStream", &stream);
    assert_eq!(
        stream.outcome(),
        (400, "ResourceAlreadyExistsException".to_owned())
    );
}

#[test]
fn a_stream_needs_its_group() {
    let body = json!({"logGroupName": "missing", "logStreamName": "web"});
    let reply = logs(&ready(), "CreateLogStream", &body);
    assert_eq!(
        reply.json()["message"],
        "The specified log group does not exist."
    );
}

#[test]
fn a_group_keeps_its_class_key_and_up_to_fifty_tags() {
    let aws = StandIn::start();
    let tags = |n: usize| {
        (0..n)
            .map(|i| (format!("k{i}"), json!("v")))
            .collect::<serde_json::Map<_, _>>()
    };
    let body = |tags| json!({"logGroupName": "g", "tags": tags, "kmsKeyId": "arn:aws:kms:k", "logGroupClass": "DELIVERY"});
    assert_eq!(logs(&aws, "CreateLogGroup", &body(tags(51))).status, 400);
    assert!(logs(&aws, "CreateLogGroup", &body(tags(50))).is_ok());
    let group = &aws.groups()["g"];
    assert_eq!((group.tags.len(), group.class.as_str()), (50, "DELIVERY"));
    assert_eq!(group.kms_key_id.as_deref(), Some("arn:aws:kms:k"));
    let unknown = json!({"logGroupName": "h", "logGroupClass": "CHEAP"});
    assert_eq!(logs(&aws, "CreateLogGroup", &unknown).status, 400);
}

#[test]
fn only_listed_retentions_are_taken() {
    let aws = ready();
    let set = |days: u32| {
        logs(
            &aws,
            "PutRetentionPolicy",
            &json!({"logGroupName": "/ecs/web", "retentionInDays": days}),
        )
        .is_ok()
    };
    let legal: Vec<u32> = (0..=3700).filter(|days| set(*days)).collect();
    let documented = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
        2922, 3288, 3653,
    ];
    assert_eq!(legal, documented);
    assert_eq!(aws.groups()["/ecs/web"].retention_days, Some(3653));
}

#[test]
fn a_listing_comes_in_pages_and_by_prefix() {
    let aws = StandIn::start();
    (0..7).for_each(|n| aws.create_stream("g", &format!("web/{n}")));
    aws.create_stream("g", "worker/0");
    let (mut names, mut token) = (Vec::new(), Value::Null);
    loop {
        let body = json!({"logGroupName": "g", "logStreamNamePrefix": "web/", "limit": 3, "nextToken": token});
        let page = logs(&aws, "DescribeLogStreams", &body).json();
        let listed = page["logStreams"].as_array().unwrap();
        names.extend(
            listed
                .iter()
                .map(|stream| stream["logStreamName"].as_str().unwrap().to_owned()),
        );
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(
        names,
        (0..7).map(|n| format!("web/{n}")).collect::<Vec<_>>()
    );
    assert_eq!(aws.count("DescribeLogStreams"), 3);
    let groups = logs(&aws, "DescribeLogGroups", &json!({})).json();
    assert_eq!(groups["logGroups"][0]["logGroupName"], "g");
}

#[test]
fn tags_are_added_and_listed_by_arn() {
    let aws = ready();
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web";
    assert!(
        logs(
            &aws,
            "TagResource",
            &json!({"resourceArn": arn, "tags": {"team": "shop"}})
        )
        .is_ok()
    );
    let listed = logs(
        &aws,
        "ListTagsForResource",
        &json!({"resourceArn": format!("{arn}:*")}),
    );
    assert_eq!(listed.json(), json!({"tags": {"team": "shop"}}));
}

#[test]
fn stored_events_are_read_back_a_page_at_a_time() {
    let (aws, now) = (ready(), super::now_ms());
    super::put(&aws, &[(now, "a"), (now, "b"), (now, "c")]);
    let page = |token: &str| {
        let body = json!({"logGroupName": "/ecs/web", "logStreamName": "web", "limit": 2, "nextToken": token});
        logs(&aws, "GetLogEvents", &body).json()
    };
    assert_eq!(page("f/0")["events"][1]["message"], "b");
    assert_eq!(page("f/2")["events"][0]["message"], "c");
    assert_eq!(page("f/3")["nextForwardToken"], "f/3");
}
