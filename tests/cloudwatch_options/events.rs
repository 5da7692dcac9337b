//! Options for what an event holds.

use cbindings::Level;
use serde_json::{Value, json};
use support::host::{Verdict, telling};
use support::output::ready;

use crate::{Case, header, messages, open, record, sent};

pub(crate) const CASES: &[Case] = &[
    ("log_key", || {
        assert_eq!(one(&[("log_key", "none, log")]), "  a line \t");
    }),
    ("log_format", || {
        let (aws, _) = sent(&[("log_format", "json/emf")], record([("log", "x")]));
        let format = header(&aws, "PutLogEvents", "x-amzn-logs-format");
        assert_eq!(format.as_deref(), Some("json/emf"));
        assert_eq!(
            header(
                &sent(&[], record([("log", "x")])).0,
                "PutLogEvents",
                "x-amzn-logs-format"
            ),
            None
        );
    }),
    ("max_event_bytes", || {
        let (aws, _) = sent(&[("max_event_bytes", "1024")], long());
        assert_eq!(messages(&aws).len(), 3);
    }),
    ("oversize", || {
        let options = [("oversize", "truncate"), ("max_event_bytes", "1024")];
        let (aws, _) = sent(&options, long());
        let messages = messages(&aws);
        assert_eq!((messages.len(), messages[0].len()), (1, 1024 - 26));
        assert!(messages[0].ends_with("[Truncated...]"));
    }),
    ("metric_namespace", || {
        let emf = metric(&[("metric_namespace", "n")]);
        assert_eq!(emf["_aws"]["CloudWatchMetrics"][0]["Namespace"], "n");
        assert_eq!(
            metric(&[]),
            json!({"cpu_p": 1.5, "user_p": 1.0, "system_p": 0.5})
        );
    }),
    ("metric_dimensions", || {
        let emf = metric(&[("metric_namespace", "n"), ("metric_dimensions", "a,b;c")]);
        let dimensions = &emf["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*dimensions, json!([["a", "b"], ["c"]]));
    }),
    ("add_entity", || {
        let aws = ready();
        aws.reject_entities("InvalidAttributes");
        let instance = open(&aws, &[("add_entity", "on")]);
        for _ in 0..3 {
            assert_eq!(instance.flush("app.web", pod()), Verdict::Ok);
        }
        assert_eq!(messages(&aws).len(), 3);
        let lines = instance.lines();
        let told = telling(&lines, "InvalidAttributes");
        assert_eq!(
            (told.len(), told[0].level),
            (1, Some(Level::Warn)),
            "{lines:#?}"
        );
    }),
    ("add_entity", || {
        let (aws, _) = sent(&[("add_entity", "on")], pod());
        let calls = aws.calls();
        let entity = calls.iter().find_map(|call| call.entity.clone()).unwrap();
        assert_eq!(entity["keyAttributes"]["Name"], "shop");
        assert_eq!(messages(&aws), [r#"{"log":"x","kubernetes":{}}"#]);
        let (aws, _) = sent(&[], pod());
        assert!(aws.calls().iter().all(|call| call.entity.is_none()));
        assert!(messages(&aws)[0].contains("aws_entity_account_id"));
    }),
];

fn one(options: &[(&str, &str)]) -> String {
    let (aws, _) = sent(options, record([("log", "  a line \t")]));
    messages(&aws).remove(0)
}

fn long() -> support::chunk::Chunk {
    record([("log", "x".repeat(2500).as_str())])
}

fn metric(options: &[(&str, &str)]) -> Value {
    let cpu = record([("cpu_p", 1.5), ("user_p", 1.0), ("system_p", 0.5)]);
    let (aws, _) = sent(options, cpu);
    serde_json::from_str(&messages(&aws)[0]).unwrap()
}

fn pod() -> support::chunk::Chunk {
    use support::chunk::{Value, map};
    let kubernetes = map([("aws_entity_service_name", "shop")]);
    record([
        ("log", Value::from("x")),
        ("aws_entity_account_id", Value::from("123456789012")),
        ("kubernetes", kubernetes),
    ])
}
