//! Events beyond the limit: split into parts, or truncated with a mark.

use cbindings::Level;
use support::chunk::Random;
use support::host::telling;
use support::output::{GROUP, Output, STREAM, logs, messages, ready};

use super::assert_ok;

/// The stored events of one text under `log`, with these additional options.
fn events(text: &str, options: &[(&str, &str)]) -> Vec<String> {
    let aws = ready();
    let output = Output::cloudwatch(&aws).with("log_key", "log");
    let output = options
        .iter()
        .fold(output, |output, (key, value)| output.with(key, value));
    assert_ok(output.open().flush("a.tag", logs([text])));
    assert!(aws.calls().iter().all(support::aws::Call::succeeded));
    messages(&aws, GROUP, STREAM)
}

/// Concatenates parts. Asserts the number in each mark.
fn joined(parts: &[String]) -> String {
    let text = |(index, part): (usize, &String)| {
        let mark = format!("[Part {}/{}]", index + 1, parts.len());
        let text = part.strip_suffix(&mark);
        text.unwrap_or_else(|| panic!("no {mark} at the end of part {index}"))
            .to_owned()
    };
    parts.iter().enumerate().map(text).collect()
}

#[test]
fn an_event_beyond_the_limit_by_one_byte_is_split() {
    let text = "x".repeat(1_048_576 - 26);
    assert_eq!(events(&text, &[]), std::slice::from_ref(&text));
    let parts = events(&(text.clone() + "y"), &[]);
    assert_eq!(parts.len(), 2);
    assert_eq!(joined(&parts), text + "y");
}

#[test]
fn text_is_split_between_characters() {
    let mut random = Random::from_environment();
    for _ in 0..60 {
        let characters = 900 + random.below(3000);
        let text: String = (0..characters).map(|_| *random.one_of(HARD)).collect();
        let parts = events(&text, &[("max_event_bytes", "1024")]);
        if text.len() + 26 <= 1024 {
            assert_eq!(parts, [text]);
            continue;
        }
        assert_eq!(joined(&parts), text);
        assert!(parts.iter().all(|part| part.len() + 26 <= 1024));
        // Each part except the last is as long as the limit allows, less the longest mark and one character.
        let shortest = 1024 - 26 - "[Part 99999999/99999999]".len() - 3;
        let short = |part: &String| part.rfind("[Part").is_some_and(|end| end < shortest);
        assert!(!parts[..parts.len() - 1].iter().any(short));
    }
}

#[test]
fn a_text_of_three_requests_is_sent_in_parts() {
    let text = "\u{20ac}\"\\\n".repeat(500_000);
    let parts = events(&text, &[]);
    assert_eq!(parts.len(), 3);
    assert_eq!(joined(&parts), text);
}

#[test]
fn a_whole_record_is_split_as_its_json() {
    let aws = ready();
    let output = Output::cloudwatch(&aws).with("max_event_bytes", "1024");
    let text = "\"quoted\"\u{1f600}\n".repeat(200);
    assert_ok(output.open().flush("a.tag", logs([&text])));
    let parts = messages(&aws, GROUP, STREAM);
    let record: serde_json::Value = serde_json::from_str(&joined(&parts)).expect("JSON");
    assert_eq!(record, serde_json::json!({"log": text}));
}

#[test]
fn truncated_text_ends_between_characters_with_a_mark() {
    let mut random = Random::from_environment();
    let options = [("oversize", "truncate"), ("max_event_bytes", "1024")];
    for _ in 0..40 {
        let text: String = (0..1200).map(|_| *random.one_of(HARD)).collect();
        let cut = events(&text, &options);
        assert_eq!(cut.len(), 1);
        let kept = cut[0].strip_suffix("[Truncated...]").expect("a mark");
        assert!(text.starts_with(kept));
        assert!(
            (1024 - 3..=1024).contains(&(cut[0].len() + 26)),
            "{}",
            cut[0].len()
        );
    }
}

#[test]
fn split_and_truncated_events_are_reported() {
    let aws = ready();
    let output = Output::cloudwatch(&aws).with("max_event_bytes", "1024");
    let large = "x".repeat(2000);
    for (oversize, reported) in [
        ("split", "2 records sent in parts"),
        ("truncate", "2 events cut"),
    ] {
        let instance = output.clone().with("oversize", oversize).open();
        assert_ok(instance.flush("a.tag", logs([&large, "small", &large])));
        let lines = instance.exit();
        let reported = telling(&lines, reported);
        assert_eq!(reported.len(), 1, "{lines:#?}");
        assert_eq!(reported[0].level, Some(Level::Warn));
    }
}

/// Characters of one to four bytes, some of which JSON escapes.
const HARD: &[char] = &[
    'a',
    '"',
    '\\',
    '\n',
    '\u{1}',
    '\u{e9}',
    '\u{20ac}',
    '\u{1f600}',
];
