//! Requests that the service refuses as a whole: an item is dropped only on proof.

use std::thread;
use std::time::Duration;

use cbindings::Level;
use support::aws::{Action, Rule};
use support::host::{Instance, LogLine, Verdict};
use support::output::{logs, ready};

use super::{PLUGINS, Plugin, chunk, error, flush_on_time};

/// The responses with which each service refuses a request for its items or for its target.
const REFUSALS: [(u16, &str); 5] = [
    (400, "InvalidArgumentException"),
    (400, "InvalidParameterException"),
    (400, "ValidationException"),
    (400, "SerializationException"),
    (413, "RequestEntityTooLarge"),
];

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn records<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    let record = |text: &T| format!(r#"{{"log":"{}"}}"#, text.as_ref());
    texts.iter().map(record).collect()
}

fn dropped(lines: &[LogLine]) -> Vec<&LogLine> {
    let errors = lines.iter();
    errors
        .filter(|line| line.level == Some(Level::Error))
        .collect()
}

#[test]
fn chunks_of_any_size_are_kept_if_their_target_refuses_everything() {
    thread::scope(|scope| {
        for (status, code) in REFUSALS {
            scope.spawn(move || {
                for count in [1, 2, 15, 300] {
                    assert_kept(&error(status, code), count);
                }
            });
        }
    });
}

fn assert_kept(refusal: &Action, count: usize) {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(refusal.clone()).forever());
        let instance = plugin.with_short_timeout(&aws);
        let texts = numbers(count);
        let chunk = logs(&texts);
        let what = format!("{}: {refusal:?}, {count} records", plugin.operation);
        let (verdict, _) = flush_on_time(&instance, &chunk);
        assert_eq!(verdict, Verdict::Retry, "{what}");
        let lines = instance.lines();
        assert!(dropped(&lines).is_empty(), "{what}: {lines:#?}");
        let reported = |line: &&LogLine| line.text.contains("so it is scripted");
        assert!(lines.iter().find(reported).is_some(), "{what}: {lines:#?}");
        let calls = aws.count(plugin.operation);
        assert!(calls < 40, "{what}: {calls} calls");
        aws.clear();
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok, "{what}");
        assert_eq!((plugin.delivered)(&aws), records(&texts), "{what}");
    }
}

/// Everything is delivered once, whenever the error ends.
#[test]
fn a_target_repaired_during_bisection_loses_nothing() {
    thread::scope(|scope| {
        for plugin in PLUGINS {
            for refused in 1..=24 {
                scope.spawn(move || assert_all_delivered(plugin, refused));
            }
        }
    });
}

fn assert_all_delivered(plugin: Plugin, refused: u64) {
    let aws = ready();
    aws.script(plugin.rule(error(400, REFUSALS[0].1)).times(refused));
    let instance = (plugin.output)(&aws).open();
    let texts = numbers(30);
    let chunk = logs(&texts);
    let mut flushes = 0..10;
    let done = flushes.any(|_| instance.flush("a.tag", &chunk) == Verdict::Ok);
    let lines = instance.lines();
    let mut stored = (plugin.delivered)(&aws);
    stored.sort();
    let mut expected = records(&texts);
    expected.sort();
    assert!(done && dropped(&lines).is_empty(), "{refused}: {lines:#?}");
    assert_eq!(stored, expected, "{refused}");
}

/// A target that alternately accepts and refuses calls proves nothing about the items.
#[test]
fn a_target_that_refuses_every_other_call_loses_nothing() {
    for plugin in PLUGINS {
        let aws = ready();
        for nth in [1, 2, 3, 4] {
            aws.script(plugin.rule(error(400, REFUSALS[0].1)).nth(nth));
        }
        let instance = (plugin.output)(&aws).open();
        let texts = numbers(2);
        assert_eq!(instance.flush("a.tag", logs(&texts)), Verdict::Ok);
        let mut stored = (plugin.delivered)(&aws);
        stored.sort();
        assert_eq!(stored, records(&texts));
        assert!(dropped(&instance.lines()).is_empty());
    }
}

/// Delivers a chunk in which these records are refused permanently. Returns the number of calls.
fn poisoned(plugin: Plugin, count: usize, poisoned: &[usize]) -> u64 {
    let aws = ready();
    aws.script(Rule::poison("poison", "InvalidParameterException"));
    let instance = (plugin.output)(&aws).open();
    let text = |number: usize| match poisoned.contains(&number) {
        true => format!("poison {number}"),
        false => number.to_string(),
    };
    let texts: Vec<String> = (0..count).map(text).collect();
    assert_eq!(instance.flush("a.tag", logs(&texts)), Verdict::Ok);
    let good: Vec<&String> = texts
        .iter()
        .filter(|text| !text.contains("poison"))
        .collect();
    let (mut stored, mut expected) = ((plugin.delivered)(&aws), records(&good));
    if poisoned.len() > 1 {
        // Records that wait for proof are sent after others.
        stored.sort();
        expected.sort();
    }
    assert_eq!(stored, expected, "{poisoned:?}");
    let metrics_line = format!("{} dropped", poisoned.len());
    let lines = instance.exit();
    let reported = lines.iter().any(|line| line.text.contains(&metrics_line));
    assert!(reported, "{poisoned:?}: {lines:#?}");
    aws.count(plugin.operation)
}

/// Each poisoned record needs a binary search and two more refusals as proof.
#[test]
fn only_poisoned_records_are_dropped_with_few_calls() {
    thread::scope(|scope| {
        for places in [
            vec![0],
            vec![499],
            vec![7, 8],
            vec![0, 1],
            vec![0, 250, 499],
            vec![100, 101, 102, 103],
            (0..10).map(|n| n * 50).collect(),
        ] {
            scope.spawn(move || {
                for plugin in PLUGINS {
                    let calls = poisoned(plugin, 500, &places);
                    // 500 records are bisected nine times.
                    let max = places.len() as u64 * (2 * 9 + 2) + 1;
                    assert!(calls <= max, "{calls} calls for {places:?}");
                }
            });
        }
    });
}

/// A single record is refused, while other records of its target are accepted.
#[test]
fn a_single_refused_record_is_dropped_if_other_chunks_are_accepted() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(Rule::poison("poison", "InvalidParameterException"));
        let instance = (plugin.output)(&aws).open();
        instance.start_workers();
        thread::scope(|scope| {
            let alone = scope.spawn(|| instance.flush("a.tag", logs(["poison"])));
            while !alone.is_finished() {
                assert_eq!(instance.flush("b.tag", chunk()), Verdict::Ok);
            }
            assert_eq!(alone.join().expect("answers"), Verdict::Ok);
        });
        assert_one_dropped(&instance);
    }
}

#[test]
fn a_single_refused_record_without_proof_is_kept() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(Rule::poison("poison", "InvalidParameterException"));
        let instance = plugin.with_short_timeout(&aws);
        let (verdict, took) = flush_on_time(&instance, &logs(["poison"]));
        assert_eq!(verdict, Verdict::Retry);
        assert!(took < Duration::from_millis(1100), "{took:?}");
        assert!(dropped(&instance.lines()).is_empty());
    }
}

fn assert_one_dropped(instance: &Instance) {
    let lines = instance.lines();
    let reported = dropped(&lines);
    assert_eq!(reported.len(), 1, "{lines:#?}");
    assert!(
        reported[0].text.contains("dropped 1 event"),
        "{}",
        reported[0].text
    );
}
