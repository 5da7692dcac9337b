//! Events that the service rejects permanently are counted and reported, and do not affect other events.

use cbindings::Level;
use support::aws::{Action, ErrorAnswer, Rule};
use support::chunk::{Chunk, Time, map};
use support::host::{LogLine, Verdict, telling};
use support::output::{GROUP, Output, STREAM, logs, messages, now_ms, ready};

use super::assert_ok;

fn assert_refused(lines: &[LogLine], why: &str, count: usize, first: u64) {
    let reported = telling(lines, why);
    assert_eq!(reported.len(), 1, "{lines:#?}");
    assert_eq!(reported[0].level, Some(Level::Error));
    let text = &reported[0].text;
    assert!(text.contains(&format!("dropped {count} events")), "{text}");
    assert!(
        text.contains(&format!("the first has time {first} ms")),
        "{text}"
    );
    assert!(text.contains(GROUP) && text.contains(STREAM), "{text}");
}

#[test]
fn events_outside_the_accepted_times_are_reported_with_the_first_time() {
    let (aws, now) = (ready(), now_ms());
    aws.set_retention(GROUP, Some(1));
    let instance = Output::cloudwatch(&aws).with("log_key", "log").open();
    let (old, expired, new) = (now - 15 * DAY, now - 2 * DAY, now + 3 * HOUR);
    let times = [
        old,
        old + 1,
        old + 2,
        expired,
        expired + 1,
        now,
        new,
        new + 1,
    ];
    let chunk = times.iter().fold(Chunk::new(), |chunk, time| {
        chunk.v2(Time::millis(*time), map([("log", time.to_string())]))
    });
    assert_ok(instance.flush("a.tag", chunk));
    assert_eq!(messages(&aws, GROUP, STREAM), [now.to_string()]);
    let lines = instance.exit();
    assert_refused(&lines, "older than 14 days", 3, old);
    assert_refused(&lines, "retention", 2, expired);
    assert_refused(&lines, "2 hours in the future", 2, new);
    assert_eq!(
        telling(&lines, "1 events accepted, 7 refused, 0 dropped").len(),
        1
    );
}

#[test]
fn events_before_1970_are_refused_as_too_old() {
    let aws = ready();
    let instance = Output::cloudwatch(&aws).open();
    let chunk = Chunk::new().v2(-1000_i64, map([("log", "x")]));
    assert_ok(instance.flush("a.tag", chunk));
    assert_eq!(telling(&instance.exit(), "older than 14 days").len(), 1);
}

#[test]
fn only_the_poisoned_event_of_ten_thousand_is_dropped() {
    let aws = ready();
    aws.script(Rule::poison("poison", "InvalidParameterException"));
    let instance = Output::cloudwatch(&aws).with("log_key", "log").open();
    let texts: Vec<_> = (0..10_000)
        .map(|n| {
            if n == 7_777 {
                "poison".to_owned()
            } else {
                n.to_string()
            }
        })
        .collect();
    assert_ok(instance.flush("a.tag", logs(&texts)));
    let mut expected = texts;
    expected.remove(7_777);
    assert_eq!(messages(&aws, GROUP, STREAM), expected);
    let lines = instance.exit();
    let reported = telling(&lines, "dropped 1 event ");
    assert_eq!(reported.len(), 1, "{lines:#?}");
    assert_eq!(reported[0].level, Some(Level::Error));
    // Each of 14 bisections needs at most two requests.
    assert!(
        aws.count("PutLogEvents") <= 29,
        "{}",
        aws.count("PutLogEvents")
    );
}

#[test]
fn requests_refused_for_any_items_are_kept_for_a_retry() {
    let aws = ready();
    let refused = ErrorAnswer::new(400, "InvalidParameterException", "not in this account");
    aws.script(Rule::on("PutLogEvents", Action::Error(refused)).forever());
    let instance = Output::cloudwatch(&aws).with("log_key", "log").open();
    let texts: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    assert_eq!(instance.flush("a.tag", logs(&texts)), Verdict::Retry);
    assert!(
        aws.count("PutLogEvents") < 60,
        "{}",
        aws.count("PutLogEvents")
    );
    aws.clear();
    assert_ok(instance.flush("a.tag", logs(&texts)));
    assert_eq!(messages(&aws, GROUP, STREAM), texts);
    assert!(
        telling(&instance.exit(), "dropped")
            .iter()
            .all(|line| line.level == Some(Level::Debug))
    );
}

const HOUR: u64 = 3600 * 1000;
const DAY: u64 = 24 * HOUR;
