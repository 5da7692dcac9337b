//! Files in the forms that people keep, each with the whole answer beside it.
//!
//! `NAME.answer` has the status, the report, and what `--write` prints where that is not the file
//! itself. `UPDATE=1 cargo test --test migrate` writes the answers: read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{parts_in, run_in};

#[test]
fn each_file_has_its_whole_answer() {
    let folder = folder();
    let names = names(&folder);
    assert!(names.len() >= LEAST, "{} fixtures", names.len());
    let is_update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for name in &names {
        let answer = answer(&folder, name);
        let file = folder.join(format!("{name}.answer"));
        if is_update {
            fs::write(&file, &answer).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if answer != expected {
            wrong.push(format!("== {name}\n{answer}-- expected\n{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is written needs no further edit that could be written.
#[test]
fn what_is_written_stays_when_it_is_written_again() {
    let folder = folder();
    for name in names(&folder) {
        let (_, once, _) = parts_in(&folder, &["--write", &name]);
        if once.is_empty() || folder.join(&name).is_dir() {
            continue;
        }
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("written");
        fs::create_dir_all(&scratch).unwrap();
        fs::write(scratch.join(&name), &once).unwrap();
        let (_, twice, _) = parts_in(&scratch, &["--write", &name]);
        assert_eq!(once, twice, "{name}");
    }
}

fn answer(folder: &Path, name: &str) -> String {
    let (status, report) = run_in(folder, &[name], "");
    let mut answer = format!("status {status}\n{report}");
    let path = folder.join(name);
    let (_, written, left) = parts_in(folder, &["--write", name]);
    // What was read in part is written, and what was not read is not.
    if path.is_file() && (status != 2 || !written.is_empty()) {
        answer.push_str(&left);
        if fs::read_to_string(&path).ok().as_ref() != Some(&written) {
            answer.push_str(&format!("-- written\n{written}"));
        }
    }
    answer
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migrate/fixtures")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".answer")).collect();
    names.sort();
    names
}

const LEAST: usize = 80;
