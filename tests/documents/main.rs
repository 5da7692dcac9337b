//! What the documents say, against what the code and the manifests are.
//!
//! `UPDATE=1 cargo test --test documents` writes the generated parts anew.

mod dependencies;
mod examples;
mod links;
mod options;
mod real;

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
