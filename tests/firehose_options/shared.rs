//! The options of identity and network that `cloudwatch` has too, seen from this plugin.

use support::aws::{Action, Rule};
use support::host::Verdict;
use support::output::{Output, logs, ready};

use super::{Case, with};

pub(crate) const CASES: &[Case] = &[
    ("credentials_endpoint", credentials_come_from_the_document),
    ("auto_retry_requests", a_lost_answer_is_left_to_the_host),
    ("use_fips", || is_a_switch("use_fips")),
    ("use_dualstack", || is_a_switch("use_dualstack")),
];

fn credentials_come_from_the_document() {
    let aws = ready();
    let url = aws.credentials_uri();
    let instance = with(Output::firehose(&aws), &[("credentials_endpoint", &url)]).open();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    assert_eq!(aws.count("EcsCredentials"), 1);
}

fn a_lost_answer_is_left_to_the_host() {
    for (value, verdict, calls) in [("on", Verdict::Ok, 2), ("off", Verdict::Retry, 1)] {
        let aws = ready();
        aws.script(Rule::on("PutRecordBatch", Action::Close));
        let instance = with(Output::firehose(&aws), &[("auto_retry_requests", value)]).open();
        assert_eq!(instance.flush("app.web", logs(["x"])), verdict, "{value}");
        assert_eq!(aws.count("PutRecordBatch"), calls, "{value}");
    }
}

/// An endpoint that is set comes before it; which endpoints it leads to is tested for both plugins in
/// `tests/credentials`, as they share the code.
fn is_a_switch(option: &str) {
    let aws = ready();
    let instance = with(Output::firehose(&aws), &[(option, "on")]).open();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    let refused = with(Output::firehose(&aws), &[(option, "perhaps")]).refused();
    assert!(
        refused.iter().any(|line| line.text.contains(option)),
        "{refused:#?}"
    );
}
