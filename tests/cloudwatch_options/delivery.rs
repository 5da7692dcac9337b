//! Options for how requests travel.

use std::thread;
use std::time::{Duration, Instant};

use support::aws::{Action, Rule};
use support::host::Verdict;
use support::output::{Output, ready};

use crate::{Case, header, messages, open, record, sent};

pub(crate) const CASES: &[Case] = &[
    ("region", || {
        let (aws, _) = sent(&[("region", "eu-west-1")], record([("log", "x")]));
        let signed = header(&aws, "PutLogEvents", "authorization").unwrap();
        assert!(signed.contains("/eu-west-1/logs/"), "{signed}");
    }),
    ("endpoint", || {
        let (aws, instance) = sent(&[], record([("log", "x")]));
        assert_eq!(messages(&aws).len(), 1);
        let lines = instance.exit();
        assert!(
            lines.iter().any(|line| line.text.contains(&aws.url())),
            "{lines:#?}"
        );
        let refused = Output::cloudwatch(&aws)
            .with("endpoint", "ftp://x")
            .refused();
        assert!(
            refused
                .iter()
                .any(|line| line.text.contains("`endpoint` is `ftp://x`"))
        );
    }),
    ("compression", || {
        let record = || record([("log", "x".repeat(10_000).as_str())]);
        let (aws, _) = sent(&[("compression", "gzip")], record());
        let encoding = header(&aws, "PutLogEvents", "content-encoding");
        assert_eq!(encoding.as_deref(), Some("gzip"));
        assert_eq!(messages(&aws)[0].len(), 10_000 + r#"{"log":""}"#.len());
        assert!(aws.calls()[0].body_length < 1000);
        assert_eq!(
            header(&sent(&[], record()).0, "PutLogEvents", "content-encoding"),
            None
        );
    }),
    ("extra_user_agent", || {
        let (aws, _) = sent(&[("extra_user_agent", "shop")], record([("log", "x")]));
        let agent = header(&aws, "PutLogEvents", "user-agent").unwrap();
        assert!(
            agent.contains(&format!("aws-fluent-bit-plugin-{}-shop", router::VERSION)),
            "{agent}"
        );
    }),
    ("auto_retry_requests", || {
        for (value, verdict, calls) in [("on", Verdict::Ok, 2), ("off", Verdict::Retry, 1)] {
            let aws = ready();
            aws.script(Rule::on("PutLogEvents", Action::Close));
            let instance = open(&aws, &[("auto_retry_requests", value)]);
            assert_eq!(
                instance.flush("a", record([("log", "x")])),
                verdict,
                "{value}"
            );
            assert_eq!(aws.count("PutLogEvents"), calls, "{value}");
        }
    }),
    ("flush_timeout", || {
        let aws = ready();
        aws.script(Rule::on("PutLogEvents", Action::Hang).forever());
        let instance = open(&aws, &[("flush_timeout", "1s")]);
        let began = Instant::now();
        assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Retry);
        assert!(began.elapsed() < Duration::from_secs(4));
    }),
    ("resume_path", || {
        let directory =
            std::env::temp_dir().join(format!("cloudwatch-resume-{}", std::process::id()));
        let path = directory.to_str().expect("UTF-8");
        let files = || std::fs::read_dir(&directory).expect("made").count();
        let instance = sent(&[("resume_path", path)], record([("log", "x")])).1;
        assert_eq!(files(), 1);
        drop(instance.exit());
        assert_eq!(files(), 0, "nothing is left to note");
        std::fs::remove_dir(&directory).expect("empty");
    }),
    ("use_fips", || asked_for("use_fips")),
    ("use_dualstack", || asked_for("use_dualstack")),
    ("concurrency", || {
        let aws = ready();
        let refused = Output::cloudwatch(&aws).with("concurrency", "65").refused();
        assert!(
            refused.iter().any(|line| line.text.contains("1 to 64")),
            "{refused:#?}"
        );
        for concurrency in [1, 3] {
            assert_eq!(most_in_flight(concurrency), concurrency);
        }
    }),
];

/// How many of eight chunks, one request each, are delivered at once.
fn most_in_flight(concurrency: usize) -> usize {
    let aws = ready();
    aws.set_latency(Duration::from_millis(100));
    let instance = open(&aws, &[("concurrency", &concurrency.to_string())]);
    thread::scope(|scope| {
        for number in 0..8 {
            let chunk = record([("log", number.to_string())]);
            let flush = || assert_eq!(instance.flush("a", chunk), Verdict::Ok);
            scope.spawn(flush);
        }
    });
    aws.max_in_flight("PutLogEvents")
}

/// Which endpoints the switch leads to is tested with the credentials; here that it is a switch, and
/// gives way to an endpoint that is set.
fn asked_for(option: &str) {
    let (aws, _) = sent(&[(option, "on")], record([("log", "x")]));
    assert_eq!(messages(&aws).len(), 1);
    let refused = Output::cloudwatch(&aws).with(option, "perhaps").refused();
    assert!(
        refused.iter().any(|line| line.text.contains(option)),
        "{refused:#?}"
    );
}
