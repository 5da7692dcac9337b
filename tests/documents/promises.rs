//! What the documents say is tested: each test, file and command that they name is there.

use std::fs;
use std::path::Path;

use crate::{place, read};

#[test]
fn each_test_that_a_promise_names_exists() {
    let sources = ["src", "tests", "cbindings"]
        .map(|folder| all(&place(folder)))
        .concat();
    let makefile = read("Makefile");
    for document in ["docs/reliability.md", "docs/pains.md"] {
        let text = read(document);
        let rows = text.lines().filter(|line| line.starts_with("| "));
        let named = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
        let mut count = 0;
        for name in named.flat_map(|(_, held_by)| held_by.split('`').skip(1).step_by(2)) {
            let exists = match name.strip_prefix("make ") {
                Some(goal) => makefile.contains(&format!("\n{goal}:")),
                None if name.contains(['/', '.']) => place(name).exists(),
                None if name.contains(char::is_uppercase) => true,
                None => ["fn", "def"]
                    .iter()
                    .any(|word| sources.contains(&format!("{word} {name}("))),
            };
            assert!(exists, "{document} names `{name}`");
            count += 1;
        }
        assert!(count > 20, "{document} names {count} tests");
    }
}

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
