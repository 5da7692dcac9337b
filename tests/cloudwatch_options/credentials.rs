//! Options for who the requests are made as. What the environment adds is tested beside this.

use support::output::{Output, ready};

use crate::{Case, header, messages, open, record, sent};
use support::host::Verdict;

pub(crate) const CASES: &[Case] = &[
    ("role_arn", || assert_eq!(role().0, ROLE)),
    ("external_id", || {
        assert_eq!(role().1.as_deref(), Some("42"))
    }),
    ("sts_endpoint", || {
        let aws = ready();
        let options = [("role_arn", ROLE), ("sts_endpoint", "http://127.0.0.1:1")];
        let with = |output: Output, (key, value): (&str, &str)| output.with(key, value);
        let output = options.into_iter().fold(Output::cloudwatch(&aws), with);
        let instance = output.with("flush_timeout", "2s").open();
        assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Retry);
        assert_eq!(aws.calls().len(), 0);
    }),
    ("credentials_endpoint", || {
        let aws = ready();
        let instance = open(&aws, &[("credentials_endpoint", &aws.credentials_uri())]);
        assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
        assert_eq!((aws.count("EcsCredentials"), messages(&aws).len()), (1, 1));
        let token = header(&aws, "PutLogEvents", "x-amz-security-token");
        assert!(token.is_some(), "the token travels");
    }),
    ("profile", || {
        // Keys of the environment come before a profile, which may then be absent.
        let (_, instance) = sent(&[("profile", "none")], record([("log", "x")]));
        let lines = instance.exit();
        assert!(
            lines
                .iter()
                .any(|line| line.text.contains("from environment")),
            "{lines:#?}"
        );
    }),
];

/// The role that was taken on and its external id.
fn role() -> (String, Option<String>) {
    let aws = ready();
    let options = [
        ("role_arn", ROLE),
        ("external_id", "42"),
        ("sts_endpoint", &aws.url()),
    ];
    let instance = open(&aws, &options);
    assert_eq!(instance.flush("a", record([("log", "x")])), Verdict::Ok);
    assert_eq!(messages(&aws).len(), 1);
    let role = aws.assumed_roles().remove(0);
    (role.role_arn, role.external_id)
}

const ROLE: &str = "arn:aws:iam::123456789012:role/shop";
