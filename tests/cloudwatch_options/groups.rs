//! Options for what is created, and with what.

use std::time::Duration;

use support::aws::{Action, ErrorAnswer, Rule, StandIn};
use support::host::{Verdict, telling};
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
        kept("new_log_group_tags", "a=b", "logs:TagResource");
    }),
    ("log_retention_days", || {
        let days = [("log_retention_days", "7")];
        let aws = created(&days);
        assert!(aws.wait_for(
            |account| account.groups()[GROUP].retention_days == Some(7),
            WAIT
        ));
        let aws = ready();
        let instance = open(&aws, &[CREATED, days[0]]);
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
        // Without `auto_create_group` no group's retention is changed.
        let aws = ready();
        aws.set_retention(GROUP, Some(365));
        for group in ["false", "no"] {
            let options = [("auto_create_group", group), ("log_retention_days", "7")];
            let instance = open(&aws, &options);
            for _ in 0..3 {
                assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
            }
            drop(instance.exit());
        }
        assert_eq!(aws.count("PutRetentionPolicy"), 0);
        assert_eq!(aws.groups()[GROUP].retention_days, Some(365));
    }),
    ("log_retention_days", || {
        let aws = ready();
        aws.script(Rule::on("PutRetentionPolicy", denied("no")).forever());
        let instance = open(&aws, &[CREATED, ("log_retention_days", "7")]);
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
        kept("log_group_class", "INFREQUENT_ACCESS", "log group class");
    }),
    ("kms_key_id", || {
        let aws = created(&[("kms_key_id", KEY)]);
        assert_eq!(aws.groups()[GROUP].kms_key_id.as_deref(), Some(KEY));
        kept("kms_key_id", KEY, "logs:AssociateKmsKey");
    }),
    ("kms_key_id", || {
        for message in ["The specified KMS key does not exist", "no"] {
            let aws = StandIn::start();
            aws.script(Rule::on("CreateLogGroup", refused(message)).forever());
            let instance = open(&aws, &[CREATED, CONTINUE, ("kms_key_id", KEY)]);
            assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Retry);
            assert!(aws.groups().is_empty(), "no group without encryption");
        }
    }),
    ("on_create_refused", || {
        continued("new_log_group_tags", "a=b", "logs:TagResource");
        continued("log_group_class", "INFREQUENT_ACCESS", "log group class");
        let keep = ("on_create_refused", "keep");
        let aws = StandIn::start();
        aws.script(Rule::on("CreateLogGroup", denied("logs:TagResource")));
        let tags = ("new_log_group_tags", "a=b");
        assert_eq!(flush(&aws, &[CREATED, keep, tags]), Verdict::Retry);
        assert!(aws.groups().is_empty());
    }),
    ("on_create_refused", || {
        // Tags and class may go, the key stays.
        let aws = StandIn::start();
        aws.script(Rule::on("CreateLogGroup", denied("no")).times(2));
        let tags = ("new_log_group_tags", "a=b");
        let class = ("log_group_class", "INFREQUENT_ACCESS");
        let options = [CREATED, CONTINUE, tags, class, ("kms_key_id", KEY)];
        assert_eq!(flush(&aws, &options), Verdict::Ok);
        let group = &aws.groups()[GROUP];
        assert_eq!(group.kms_key_id.as_deref(), Some(KEY));
        assert_eq!((group.tags.len(), group.class.as_str()), (0, "STANDARD"));
    }),
    ("auto_create_group", || {
        // What is for new groups alone is reported where no group is created.
        let aws = ready();
        for (option, value) in [
            ("new_log_group_tags", "a=b"),
            ("log_group_class", "STANDARD"),
            ("kms_key_id", KEY),
            ("on_create_refused", "keep"),
            ("log_retention_days", "7"),
        ] {
            let told = format!("`{option}` has no effect here");
            let without = open(&aws, &[(option, value)]).exit();
            assert_eq!(telling(&without, &told).len(), 1, "{without:#?}");
            let tags = ("new_log_group_tags", "c=d");
            let with = open(&aws, &[CREATED, tags, (option, value)]).exit();
            assert!(telling(&with, "has no effect").is_empty(), "{with:#?}");
        }
        let options = [CREATED, ("on_create_refused", "keep")];
        let lines = open(&aws, &options).exit();
        assert_eq!(
            telling(&lines, "`on_create_refused` has no effect").len(),
            1
        );
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

/// Where the service refuses a group because of an option, the group is not created and the chunk is
/// kept; when the service accepts it, the group has what was asked for.
fn kept(option: &str, value: &str, message: &str) {
    let aws = StandIn::start();
    aws.script(Rule::on("CreateLogGroup", denied(message)));
    let instance = open(&aws, &[CREATED, (option, value)]);
    let chunk = record([("log", "x")]);
    assert_eq!(instance.flush("a", &chunk), Verdict::Retry);
    assert!(aws.groups().is_empty());
    assert_eq!(aws.count("CreateLogGroup"), 1);
    let lines = instance.lines();
    for text in ["CreateLogGroup failed", "events are not delivered yet"] {
        let told = telling(&lines, text);
        assert_eq!(
            told.len(),
            if text.contains("failed") { 2 } else { 1 },
            "{lines:#?}"
        );
        for part in ["AccessDeniedException", message, &format!("`{option}`")] {
            assert!(
                told.iter().all(|line| line.text.contains(part)),
                "no {part}: {told:#?}"
            );
        }
    }
    assert_eq!(instance.flush("a", &chunk), Verdict::Ok);
    assert_eq!((messages(&aws).len(), aws.count("CreateLogGroup")), (1, 2));
}

/// With `on_create_refused continue` the group is created without it, with a warning.
fn continued(option: &str, value: &str, message: &str) {
    let aws = StandIn::start();
    aws.script(Rule::on("CreateLogGroup", denied(message)));
    let instance = open(&aws, &[CREATED, CONTINUE, (option, value)]);
    assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
    assert_eq!((messages(&aws).len(), aws.count("CreateLogGroup")), (1, 2));
    let lines = instance.exit();
    let told = telling(&lines, "is created without");
    assert_eq!(told.len(), 1, "{lines:#?}");
    assert!(told[0].text.contains(&format!("`{option}`")), "{told:#?}");
}

fn refused(message: &str) -> Action {
    Action::Error(ErrorAnswer::new(400, "InvalidParameterException", message))
}

fn denied(message: &str) -> Action {
    Action::Error(ErrorAnswer::new(400, "AccessDeniedException", message))
}

const CREATED: (&str, &str) = ("auto_create_group", "true");
const CONTINUE: (&str, &str) = ("on_create_refused", "continue");
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const WAIT: Duration = Duration::from_secs(10);
