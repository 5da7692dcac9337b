//! What an output tells CloudWatch of itself.

use std::time::Duration;

use serde_json::Value;
use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::host::{Instance, Verdict};
use support::output::{Output, ready};

use crate::{Case, open, record};

pub(crate) const CASES: &[Case] = &[
    ("self_metrics_namespace", || {
        let aws = ready();
        let throttled = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded");
        aws.script(
            Rule::on("PutLogEvents", Action::Error(throttled)).group(support::output::GROUP),
        );
        let instance = reporting(&aws, &[("self_metrics_interval", "1s")]);
        flush(&instance, 3);
        assert!(aws.wait_for(
            |account| sum(&documents(account), "DeliveredEvents") == 3,
            PATIENCE
        ));
        flush(&instance, 2);
        drop(instance);
        let documents = aws.look(documents);
        assert_eq!(sum(&documents, "DeliveredEvents"), 5);
        assert_eq!(
            (
                sum(&documents, "Throttles"),
                sum(&documents, "DroppedEvents")
            ),
            (1, 0)
        );
        // Five chunks, one of them sent twice, and none of the documents' own.
        assert_eq!(sum(&documents, "Requests"), 6);
        for document in &documents {
            let directive = &document["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], "Router");
            assert_eq!(directive["Dimensions"], serde_json::json!([["Output"]]));
            assert!(
                document["Output"]
                    .as_str()
                    .is_some_and(|name| name.starts_with("cloudwatch."))
            );
        }
        let calls = aws.calls();
        let own = calls
            .iter()
            .filter(|call| call.group.as_deref() == Some(DEFAULT_GROUP));
        let own: Vec<_> = own
            .filter(|call| call.operation == "PutLogEvents")
            .collect();
        assert!(!own.is_empty());
        assert!(
            own.iter()
                .all(|call| call.header("x-amzn-logs-format") == Some("json/emf"))
        );
        let refused = Output::cloudwatch(&aws)
            .with("self_metrics_namespace", "AWS/x")
            .refused();
        assert!(
            refused[0].text.contains("not begin with `AWS/`"),
            "{refused:#?}"
        );
    }),
    ("self_metrics_log_group", || {
        let aws = ready();
        let instance = reporting(&aws, &[("self_metrics_log_group", "/of/its/own")]);
        flush(&instance, 1);
        drop(instance);
        // The last one is sent when the output is closed.
        assert!(
            aws.groups().contains_key("/of/its/own"),
            "{:?}",
            aws.groups().keys()
        );
        assert!(!aws.groups().contains_key(DEFAULT_GROUP));
    }),
    ("self_metrics_interval", || {
        let aws = ready();
        let instance = reporting(&aws, &[("self_metrics_interval", "1s")]);
        assert!(aws.wait_for(|account| documents(account).len() >= 2, PATIENCE));
        drop(instance);
        let refused = Output::cloudwatch(&aws)
            .with("self_metrics_interval", "0s")
            .refused();
        assert!(
            refused[0].text.contains("self_metrics_interval"),
            "{refused:#?}"
        );
    }),
];

fn reporting(aws: &StandIn, options: &[(&str, &str)]) -> Instance {
    let always = [
        ("self_metrics_namespace", "Router"),
        ("auto_create_group", "true"),
    ];
    open(aws, &[&always, options].concat())
}

fn flush(instance: &Instance, records: usize) {
    for _ in 0..records {
        assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
    }
}

/// The documents in the default group.
fn documents(account: &support::aws::Account) -> Vec<Value> {
    let streams = account
        .streams()
        .filter(|(group, _)| *group == DEFAULT_GROUP);
    let events = streams.flat_map(|(group, stream)| account.events(group, stream));
    let parsed = events.map(|event| serde_json::from_str(&event.message));
    parsed.collect::<Result<_, _>>().expect("each is JSON")
}

fn sum(documents: &[Value], name: &str) -> u64 {
    let numbers = documents
        .iter()
        .map(|document| document[name].as_u64().expect("a number"));
    numbers.sum()
}

const DEFAULT_GROUP: &str = "fluentbit-self-metrics";
const PATIENCE: Duration = Duration::from_secs(20);
