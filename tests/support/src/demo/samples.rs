//! Some lines of each container, as it wrote them and as they are stored.

use std::fmt::Write;

use super::driver::Sent;
use crate::chunk::Container;

/// A line as it was written.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) container: Container,
    /// The record's time, in milliseconds since the epoch.
    pub(super) millis: i64,
    /// The record's keys and values, as the log driver sent them.
    pub(super) fields: Vec<(&'static str, Vec<u8>)>,
    /// The line itself.
    pub(super) line: String,
    /// What the destination has of it.
    pub(super) stored: Option<String>,
}

/// Up to three lines of a container, of different kinds where it wrote such.
#[derive(Debug, Default)]
pub(super) struct Samples {
    kinds: [Option<Sample>; COUNT],
    first: Vec<Sample>,
}

impl Samples {
    /// Looks at a record, and keeps it if it is the first of its kind or one of the first.
    pub(super) fn see(&mut self, container: &Container, line: &[u8], sent: &Sent) {
        let place = &mut self.kinds[kind(line)];
        if line.is_empty() || (place.is_some() && self.first.len() == COUNT) {
            return;
        }
        let sample = Sample {
            container: container.clone(),
            millis: sent.millis,
            fields: sent.fields.clone(),
            line: shown(line),
            stored: None,
        };
        if place.is_none() {
            *place = Some(sample);
        } else {
            self.first.push(sample);
        }
    }

    /// Those of different kinds, and others up to the number wanted.
    pub(super) fn take(self) -> Vec<Sample> {
        let kinds = self.kinds.into_iter().flatten();
        kinds.chain(self.first).take(COUNT).collect()
    }
}

/// JSON, indented or coloured, or anything else.
fn kind(line: &[u8]) -> usize {
    match line.first() {
        Some(b'{') => 1,
        Some(first) if first.is_ascii_control() || first.is_ascii_whitespace() => 2,
        _ => 0,
    }
}

/// Text with visible signs for what a terminal or a page would act upon, and at most some length.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown = String::new();
    for c in text.trim_end_matches('\n').chars().take(LONGEST) {
        match c {
            '\t' => shown.push_str("\\t"),
            '\n' => shown.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

const COUNT: usize = 3;
/// Characters of a line that are shown.
const LONGEST: usize = 700;

#[cfg(test)]
mod tests {
    use super::super::driver::Driver;
    use super::*;

    fn kept(lines: &[&str]) -> Vec<String> {
        let container = Container::named("web");
        let mut driver = Driver::of(&container);
        let mut samples = Samples::default();
        for line in lines {
            let sent = driver.records(line.as_bytes());
            samples.see(&container, line.as_bytes(), &sent[0]);
        }
        samples
            .take()
            .into_iter()
            .map(|sample| sample.line)
            .collect()
    }

    #[test]
    fn three_lines_of_different_kinds_are_kept() {
        let lines = [
            "one",
            "two",
            "",
            "three",
            "{\"a\":1}",
            "\tat x",
            "{\"b\":1}",
        ];
        assert_eq!(kept(&lines), ["one", "{\"a\":1}", "\\tat x"]);
    }

    #[test]
    fn lines_of_one_kind_are_the_first_three() {
        assert_eq!(
            kept(&["one", "two", "three", "four"]),
            ["one", "two", "three"]
        );
        assert_eq!(kept(&["one"]), ["one"]);
    }

    #[test]
    fn what_a_terminal_would_act_upon_is_shown_as_text() {
        assert_eq!(shown(b"\x1b[31mred\0\r"), r"\u{1b}[31mred\u{0}\u{d}");
        assert_eq!(shown("ä".repeat(701).as_bytes()), "ä".repeat(700) + "…");
    }
}
