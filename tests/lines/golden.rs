//! The golden file: lines without what differs from run to run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cbindings::Level;
use support::host::LogLine;

/// Holds the lines of the cases against the file, or writes it.
pub(crate) fn assert_same(told: &[(&str, Vec<LogLine>)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lines/golden.txt");
    let made = told.iter().fold(String::new(), |text, (name, lines)| {
        text + &format!("## {name}\n") + &section(lines) + "\n"
    });
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(&path, made).expect("the file can be written");
    }
    let written = fs::read_to_string(&path).expect("the file is there");
    let difference = made
        .lines()
        .zip(written.lines())
        .find(|(new, old)| new != old);
    let lengths = (made.lines().count(), written.lines().count());
    assert!(
        made == written,
        "{difference:#?}\n{lengths:?} lines: look at it, then `UPDATE=1 cargo test --test lines`"
    );
}

/// Lines as the host shows them, the worst first; what repeats stands once.
fn section(lines: &[LogLine]) -> String {
    let lines = lines.iter();
    let lines = lines.filter(|line| !line.text.ends_with(OF_THE_HOST));
    let shown = |line: &LogLine| format!("{} {}\n", head(line), steady(&line.text));
    // What two threads write comes in any order.
    let sorted: BTreeSet<_> = lines.map(|line| (line.level, shown(line))).collect();
    sorted.into_iter().map(|(_, line)| line).collect()
}

fn head(line: &LogLine) -> &'static str {
    match line.level {
        Some(Level::Error) => "[error]",
        Some(Level::Warn) => "[ warn]",
        Some(Level::Info) => "[ info]",
        Some(Level::Debug) => "[debug]",
        None => "[?]",
    }
}

/// The host of these tests has no workers to ask for, which says nothing of the trouble.
const OF_THE_HOST: &str = "set `workers 1` or more in this section";

/// Words with a number that differs become `N`.
fn steady(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let mut steady = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let next = words
            .get(at + 1)
            .map_or("", |next| next.trim_end_matches([',', ')', ':']));
        let before = at
            .checked_sub(1)
            .map_or("", |before| words[before].as_str());
        let only_digits = word.chars().all(|c| c.is_ascii_digit());
        let counted = only_digits && ["ms", "requests", "throttled", "unanswered"].contains(&next);
        let named = ["time", "id", "(attempt"].contains(&before);
        steady.push(if counted || named {
            number(word)
        } else {
            version(unnumbered(port(word)))
        });
    }
    steady.join(" ")
}

/// A number or an identifier; what stands around it is kept.
fn number(word: &str) -> String {
    let end = word.trim_end_matches([')', ',', ';', ':']).len();
    let (middle, end) = word.split_at(end);
    let differs = middle.chars().any(|c| c.is_ascii_digit());
    if differs {
        format!("N{end}")
    } else {
        word.to_owned()
    }
}

/// `[output:cloudwatch:cloudwatch.7]`: the number is the section's among all of the process.
fn unnumbered(word: String) -> String {
    match word
        .strip_suffix(']')
        .and_then(|word| word.rsplit_once('.'))
    {
        Some((head, number)) if head.starts_with("[output:") && !number.is_empty() => {
            format!("{head}.0]")
        }
        _ => word,
    }
}

/// The version that a line ends with is the package's.
fn version(word: String) -> String {
    if word == router::VERSION {
        "VERSION".to_owned()
    } else {
        word
    }
}

fn port(word: &str) -> String {
    let Some((before, rest)) = word.split_once("127.0.0.1:") else {
        return word.to_owned();
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}127.0.0.1:PORT{rest}")
}
