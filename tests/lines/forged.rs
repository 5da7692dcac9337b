//! What a container or a service chooses never makes a line of its own, and never a long one.

use support::aws::{Action, ErrorAnswer, Rule};
use support::chunk::{Chunk, Time, map};
use support::host::LogLine;
use support::output::{GROUP, Output, logs, now_ms, ready};

/// A line feed, a colour, what ends a line elsewhere, and marks of writing direction.
const FORGED: &str = "x\r\n[error] forged \u{1b}[31m \u{85}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}\u{61c}\u{7f}";

fn is_invisible(character: char) -> bool {
    let marks = "\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\
                 \u{2069}\u{200e}\u{200f}\u{61c}";
    character.is_control() || marks.contains(character)
}

fn assert_printable(lines: &[LogLine]) {
    for line in lines {
        let text = &line.text;
        assert!(!text.contains(is_invisible), "{text:?}");
        assert!(text.starts_with("[output:"), "{text:?}");
        assert!(text.len() <= 4000, "{} bytes: {text:?}", text.len());
    }
}

#[test]
fn a_tag_a_name_and_a_message_are_escaped_in_every_line() {
    let aws = ready();
    let stream = format!("s{FORGED}");
    let chunk = Chunk::new().v2(Time::millis(now_ms()), map([("to", stream.as_str())]));
    let error = ErrorAnswer::new(500, "InternalFailure", format!("no {FORGED}"));
    aws.script(Rule::on("PutLogEvents", Action::Error(error)).forever());
    let instance = Output::cloudwatch(&aws)
        .with("log_stream_name", "$(to)")
        .with("auto_create_stream", "true")
        .with("flush_timeout", "1s")
        .open();
    let _verdict = instance.flush(format!("tag{FORGED}"), chunk);
    let lines = instance.exit();
    assert!(
        lines.iter().any(|line| line.text.contains("\\u{1b}[31m")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.text.contains("x\\r\\n[error] forged")),
        "{lines:#?}"
    );
    assert_printable(&lines);
    let streams = aws
        .streams()
        .into_iter()
        .filter(|(group, _)| group == GROUP);
    for (_, stream) in streams {
        assert!(!stream.contains(is_invisible), "{stream:?}");
    }
}

#[test]
fn a_long_tag_and_a_long_message_are_cut() {
    let aws = ready();
    let message = "m".repeat(100_000);
    let error = ErrorAnswer::new(400, "AccessDeniedException", message);
    aws.script(Rule::on("PutLogEvents", Action::Error(error)).forever());
    let instance = Output::cloudwatch(&aws).open();
    let _verdict = instance.flush("t".repeat(10_000), logs(["one"]));
    let lines = instance.exit();
    assert_printable(&lines);
    let retry = lines
        .iter()
        .find(|line| line.text.contains("logs:PutLogEvents"));
    let text = &retry.expect("the action is named behind the message").text;
    assert!(!text.contains(&"t".repeat(513)), "{text}");
    assert!(!text.contains(&"m".repeat(1025)), "{text}");
}
