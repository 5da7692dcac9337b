//! What the documents say, against what the code and the manifests are.
//!
//! `UPDATE=1 cargo test --test documents` writes the generated parts anew.

mod dependencies;
mod examples;
mod links;
mod monitoring;
mod operations;
mod options;
mod promises;
mod real;

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// The text of a file of the project.
fn read(path: &str) -> String {
    let path = place(path);
    fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// Where a file of the project is.
fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A document has these generated parts, each between its two marks; or it gets them.
fn assert_has_parts<N: Display>(document: &str, parts: &[(N, String)]) {
    let written = read(document);
    let with = |text: String, (name, part): &(N, String)| {
        let [begin, end] = ["begin", "end"].map(|edge| format!("<!-- {edge}: {name} -->\n"));
        let marks = || panic!("{document} has no marks for `{name}`");
        let (before, rest) = text.split_once(&begin).unwrap_or_else(marks);
        let (_, after) = rest.split_once(&end).unwrap_or_else(marks);
        [before, &begin, part, &end, after].concat()
    };
    let made = parts.iter().fold(written.clone(), with);
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(place(document), &made).expect("the document can be written");
    }
    assert!(
        made == written,
        "{document} is not up to date: run `UPDATE=1 cargo test --test documents`"
    );
}
