//! What the documents say is tested: each test, file and command that they name is there, and each
//! test asserts something.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::{place, read};

#[test]
fn each_test_that_a_promise_names_exists_and_asserts_something() {
    let sources = ["src", "tests", "cbindings", "fluent-bit"].map(|folder| all(&place(folder)));
    let functions = functions(&sources.concat());
    let makefile = read("Makefile");
    for document in ["docs/reliability.md", "docs/pains.md"] {
        let text = read(document);
        let rows = text.lines().filter(|line| line.starts_with("| "));
        let named = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
        let mut count = 0;
        for name in named.flat_map(|(_, held_by)| held_by.split('`').skip(1).step_by(2)) {
            match name.strip_prefix("make ") {
                Some(goal) => {
                    let goal = goal.split(' ').next().unwrap_or(goal);
                    let known = makefile.contains(&format!("\n{goal}:"));
                    assert!(known, "{document} names `{name}`");
                }
                None if name.contains(['/', '.']) => {
                    assert!(place(name).exists(), "{document} names `{name}`");
                }
                None if name.contains(char::is_uppercase) => {}
                None => {
                    let known = functions.contains_key(name);
                    assert!(known, "{document} names `{name}`, which is nowhere");
                    let asserts = asserts(name, &functions, DEPTH);
                    assert!(asserts, "{document} names `{name}`, which asserts nothing");
                }
            }
            count += 1;
        }
        assert!(count > 20, "{document} names {count} tests");
    }
}

#[test]
fn each_filter_of_nextest_is_part_of_a_test_name() {
    let sources = ["src", "tests", "cbindings"].map(|folder| all(&place(folder)));
    let functions = functions(&sources.concat());
    let text = read(".config/nextest.toml");
    let filters: Vec<_> = text
        .split("test(")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(!filters.is_empty());
    for filter in filters {
        let known = functions.keys().any(|name| name.contains(filter));
        assert!(known, "no test has `{filter}` in its name");
    }
}

#[test]
fn a_test_that_only_runs_asserts_nothing() {
    let source = "fn empty() {\n    call();\n}\nfn call() {\n    run(1);\n}\nfn full() {\n    held();\n}\n\
                  fn held() {\n    assert_eq!(1, 1);\n}\ndef in_python():\n    assert aws.count() == 3\n";
    let functions = functions(source);
    let found = ["empty", "full", "in_python"].map(|name| asserts(name, &functions, DEPTH));
    assert_eq!(found, [false, true, true]);
}

/// Whether a function asserts or panics, or one that it calls does.
fn asserts(name: &str, functions: &BTreeMap<String, Vec<String>>, depth: usize) -> bool {
    let Some(bodies) = functions.get(name) else {
        return false;
    };
    let is_direct = |body: &String| ASSERTIONS.iter().any(|word| body.contains(word));
    let calls = |body: &String| {
        let words = body.split(|c: char| !c.is_alphanumeric() && c != '_');
        let mut known = words.filter(|word| *word != name && functions.contains_key(*word));
        known.any(|word| asserts(word, functions, depth - 1))
    };
    bodies
        .iter()
        .any(|body| is_direct(body) || (depth > 0 && calls(body)))
}

/// The functions of Rust and Python sources by name, with what follows up to the next function.
fn functions(sources: &str) -> BTreeMap<String, Vec<String>> {
    let mut functions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = None;
    for line in sources.lines() {
        if let Some(head) = head(line) {
            functions
                .entry(head.clone())
                .or_default()
                .push(String::new());
            name = Some(head);
        } else if let Some(body) = name.as_ref().and_then(|name| functions.get_mut(name)) {
            let body = body.last_mut().expect("one was begun");
            body.push_str(line);
            body.push('\n');
        }
    }
    functions
}

/// The name of the function that begins in this line.
fn head(line: &str) -> Option<String> {
    let rest = line.trim_start();
    let words = [
        "pub(crate) ",
        "pub(super) ",
        "pub ",
        "async ",
        "unsafe ",
        "const ",
    ];
    let rest = words
        .iter()
        .fold(rest, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
    let rest = rest
        .strip_prefix("fn ")
        .or_else(|| rest.strip_prefix("def "))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(rest[..end].to_owned())
}

/// What makes a test fail.
const ASSERTIONS: [&str; 3] = ["assert", "panic!(", "pytest.raises"];
/// Calls that are followed from a test to its assertion.
const DEPTH: usize = 3;

/// The text of every source file below a folder.
fn all(folder: &Path) -> String {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path());
    let text = entries.map(|path| match path.extension().and_then(|end| end.to_str()) {
        _ if path.is_dir() => all(&path),
        Some("rs" | "py") => fs::read_to_string(&path).expect("a text"),
        _ => String::new(),
    });
    text.collect()
}
