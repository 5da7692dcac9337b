//! Any input gets an answer: texts of the right form with random damage.

use std::fs;
use std::path::Path;

use fastrand::Rng;
use migrate::document::Document;
use migrate::multiline::{self, Begin};
use migrate::rules;

#[test]
fn no_damage_makes_it_panic() {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(0x5eed_0916);
    println!("SEED={seed}");
    let rounds = std::env::var("ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    let mut random = Rng::with_seed(seed);
    let texts = texts();
    let mut read = 0;
    for _ in 0..rounds {
        let text = damaged(&texts[random.usize(..texts.len())], &mut random);
        let Ok(document) = Document::parse(&text) else {
            continue;
        };
        read += 1;
        let report = migrate::report(&document);
        assert!(!report.to_string().is_empty(), "{text}");
        drop(document.changed(&report.changes));
        for task in document.tasks() {
            drop(rules::broken(task, rules::GRACE_SECONDS));
        }
    }
    println!("{read} of {rounds} could be read");
    assert!(read > rounds / 10 && read < rounds);
}

#[test]
fn any_pattern_is_taken_or_refused() {
    let mut random = Rng::with_seed(7);
    let characters: Vec<char> = r"\\[]{}()^$*+?|.,-&~%YmdHQEpCx<>019aé:=".chars().collect();
    for _ in 0..ROUNDS {
        let length = random.usize(..12);
        let text: String = (0..length)
            .map(|_| characters[random.usize(..characters.len())])
            .collect();
        for begin in [Begin::Pattern, Begin::Time] {
            drop(multiline::configuration(begin, &text));
        }
    }
}

/// A few bytes changed, left out, doubled or put in.
fn damaged(text: &str, random: &mut Rng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.usize(1..6) {
        let (at, other) = (random.usize(..bytes.len()), random.usize(..bytes.len()));
        match random.u8(..5) {
            0 => bytes[at] = random.u8(..),
            1 => bytes.truncate(at.max(1)),
            2 => drop(bytes.drain(at.min(other)..at.max(other).min(at.min(other) + 40))),
            3 => {
                let end = (other + 40).min(bytes.len());
                let part = bytes[other..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => drop(bytes.splice(at..at, WORDS[random.usize(..WORDS.len())].bytes())),
        }
        if bytes.is_empty() {
            bytes.push(b' ');
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = [
        "examples/ecs-task.json",
        "examples/cloudwatch.conf",
        "tests/configs/cloudwatch-go.conf",
        "tests/configs/cloudwatch-c.conf",
    ];
    let texts = files.map(|file| fs::read_to_string(root.join(file)).unwrap());
    let awslogs = r#"{"family":"a","containerDefinitions":[{"name":"b","logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"c","awslogs-datetime-format":"%Y","tag":"{{.ID}}"}}}]}"#;
    let yaml = "service: {flush: 1}\npipeline:\n  outputs:\n    - name: cloudwatch\n      match: '*'\n      log_group_name: $(a)\n      log_stream_name: s\n    - &x {name: firehose}\n    - *x\n";
    let own = [awslogs, yaml].map(str::to_owned);
    let fixtures = root.join("fluent-bit/migrate/tests/migrate/fixtures");
    let files = fs::read_dir(fixtures)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let forms =
        files.filter(|path| path.is_file() && path.extension().is_none_or(|end| end != "answer"));
    let forms = forms.map(|path| fs::read_to_string(path).unwrap());
    texts
        .into_iter()
        .chain(own)
        .chain(forms)
        .filter(|text| text.len() > 1)
        .collect()
}

const ROUNDS: usize = 400;
const WORDS: [&str; 12] = [
    "null",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "${",
    "$(",
    "tls on\n",
    "[OUTPUT]\n",
    "-1",
    "\u{feff}é",
];
