//! Options for what is created, and with what.

use std::time::Duration;

use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::host::Verdict;
use support::output::{GROUP, ready};

use crate::{Case, messages, open, record};

pub(crate) const CASES: &[Case] = &[
    ("auto_create_group", || {
        for (value, verdict) in [
            ("On", Verdict::Ok),
            ("yes", Verdict::Ok),
            ("no", Verdict::Retry),
        ] {
            assert_eq!(
                flush(&StandIn::start(), &[("auto_create_group", value)]),
                verdict
            );
        }
    }),
    ("auto_create_stream", || {
        for (value, verdict) in [("true", Verdict::Ok), ("Off", Verdict::Retry)] {
            let aws = StandIn::start();
            aws.create_group(GROUP);
            assert_eq!(flush(&aws, &[("auto_create_stream", value)]), verdict);
        }
    }),
    ("new_log_group_tags", || {
        let aws = created(&[("new_log_group_tags", "team=shop, stage = a=b")]);
        let tags: Vec<_> = aws.groups()[GROUP].tags.clone().into_iter().collect();
        assert_eq!(
            tags,
            [
                ("stage".into(), "a=b".into()),
                ("team".into(), "shop".into())
            ]
        );
        given_up("new_log_group_tags", "a=b", "logs:TagResource");
    }),
    ("log_retention_days", || {
        let days = [("log_retention_days", "7")];
        let aws = created(&days);
        assert!(aws.wait_for(
            |account| account.groups()[GROUP].retention_days == Some(7),
            WAIT
        ));
        let aws = ready();
        let instance = open(&aws, &days);
        for _ in 0..3 {
            assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
        }
        assert!(aws.wait_for(
            |account| account.groups()[GROUP].retention_days == Some(7),
            WAIT
        ));
        assert_eq!(aws.count("PutRetentionPolicy"), 1);
    }),
    ("log_retention_days", || {
        let aws = ready();
        aws.script(Rule::on("PutRetentionPolicy", denied("no")).forever());
        let instance = open(&aws, &[("log_retention_days", "7")]);
        assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
        // A line that is written beside a flush is told in the next one.
        let told = |_| {
            assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
            let mut lines = instance.lines().into_iter();
            lines.any(|line| line.text.contains("logs:PutRetentionPolicy"))
        };
        assert!((0..1000).any(told));
        assert_eq!(aws.count("PutRetentionPolicy"), 1);
    }),
    ("log_group_class", || {
        let aws = created(&[("log_group_class", "INFREQUENT_ACCESS")]);
        assert_eq!(aws.groups()[GROUP].class, "INFREQUENT_ACCESS");
        given_up("log_group_class", "INFREQUENT_ACCESS", "its class");
    }),
    ("kms_key_id", || {
        let aws = created(&[("kms_key_id", KEY)]);
        assert_eq!(aws.groups()[GROUP].kms_key_id.as_deref(), Some(KEY));
        given_up("kms_key_id", KEY, "logs:AssociateKmsKey");
    }),
];

fn flush(aws: &StandIn, options: &[(&str, &str)]) -> Verdict {
    open(aws, options).flush("a", record([("log", "x")]))
}

/// An account where the plugin created the group.
fn created(options: &[(&str, &str)]) -> StandIn {
    let aws = StandIn::start();
    let options = [&[("auto_create_group", "true")], options].concat();
    assert_eq!(flush(&aws, &options), Verdict::Ok);
    aws
}

/// Where the service refuses a group because of an option, events are delivered without it.
fn given_up(option: &str, value: &str, told: &str) {
    let aws = StandIn::start();
    aws.script(Rule::on("CreateLogGroup", denied("User is not authorized")));
    let instance = open(&aws, &[("auto_create_group", "true"), (option, value)]);
    assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
    assert_eq!((messages(&aws).len(), aws.count("CreateLogGroup")), (1, 2));
    let lines = instance.exit();
    assert!(
        lines.iter().any(|line| line.text.contains(told)),
        "{lines:#?}"
    );
}

fn denied(message: &str) -> Action {
    Action::Error(ErrorAnswer::new(400, "AccessDeniedException", message))
}

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const WAIT: Duration = Duration::from_secs(10);
