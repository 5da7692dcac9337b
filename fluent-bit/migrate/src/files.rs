//! The report of several files, or of a folder.

use std::collections::BTreeSet;
use std::path::Path;

use migrate::document::Document;
use migrate::source::{Files, Listing, NO_TEXT, Source};

use crate::{Done, FINE, PROBLEMS, UNUSABLE, line, source, tried};

/// Reports of all files, each once.
pub(crate) fn report(names: &[String], is_tried: bool, answer: &mut String) -> Done {
    let mut files = Files::default();
    let mut left = Left::default();
    for name in names {
        if name != "-" && Path::new(name).is_dir() {
            files.is_folder = true;
            let listing = Listing::of(Path::new(name)).map_err(|why| format!("{name}: {why}"))?;
            left.links += listing.links;
            left.unread.extend(listing.unread);
            for path in &listing.files {
                match Source::read(path) {
                    Ok(source) => files.given.push(source),
                    Err(why) => left.file(path, why),
                }
            }
        } else {
            files.given.push(source(name)?);
        }
    }
    let read: Vec<Result<Document, String>> = files
        .given
        .iter()
        .map(|source| Document::read(source, &files))
        .collect();
    if let ([only], false) = (read.as_slice(), files.is_folder) {
        let document = only
            .as_ref()
            .map_err(|why| format!("{}: {why}", files.given[0].name))?;
        return one(document, is_tried, answer);
    }
    let status = several(&files, &read, is_tried, answer)?;
    Ok(status.max(left.said(answer)))
}

/// What of a folder was not read.
#[derive(Default)]
struct Left {
    /// What may matter, each with the reason.
    unread: Vec<String>,
    /// Files that are not text, such as pictures.
    binary: usize,
    links: usize,
}

impl Left {
    fn file(&mut self, path: &Path, why: String) {
        let end = path.extension().unwrap_or_default().to_string_lossy();
        let is_configuration = CONFIGURATIONS.contains(&&*end.to_ascii_lowercase());
        if why.contains(NO_TEXT) && !is_configuration {
            self.binary += 1;
        } else {
            self.unread.push(why);
        }
    }

    /// Says it; the status that it makes.
    fn said(&self, answer: &mut String) -> u8 {
        for why in &self.unread {
            line(answer, &format!("not read: {why}"));
        }
        let counted = |count: usize, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let binary = counted(self.binary, "file is not text", "files are not text");
        let links = counted(
            self.links,
            "symbolic link was not followed",
            "symbolic links were not followed",
        );
        for text in binary.iter().chain(&links) {
            line(answer, text);
        }
        match self.unread.is_empty() {
            true => FINE,
            false => UNUSABLE,
        }
    }
}

/// How the names of files end that may have a configuration.
const CONFIGURATIONS: [&str; 12] = [
    "conf", "cfg", "json", "yaml", "yml", "tf", "tofu", "tfvars", "tpl", "tftpl", "template", "env",
];

fn several(
    files: &Files,
    read: &[Result<Document, String>],
    is_tried: bool,
    answer: &mut String,
) -> Done {
    let mut followed = Vec::new();
    let documents = read.iter().flatten();
    documents.for_each(|document| names(document, &mut followed));
    let mut reported = Vec::new();
    let roots = read
        .iter()
        .flatten()
        .filter(|document| !followed.contains(&document.name));
    roots.for_each(|document| names(document, &mut reported));
    let (mut status, mut others) = (FINE, 0);
    let used: BTreeSet<&String> = read.iter().flatten().flat_map(|it| &it.used).collect();
    for (source, document) in files.given.iter().zip(read) {
        // Of files that lead to each other the first is reported with the others.
        if reported.contains(&source.name) {
            continue;
        }
        if let Ok(document) = document {
            names(document, &mut reported);
        }
        match document {
            Ok(document) => {
                line(answer, &format!("== {}", source.name));
                status = status.max(one(document, is_tried, answer)?);
            }
            // It is a part of another one.
            Err(_) if used.contains(&source.name) => {}
            // In a folder are files of every kind.
            Err(_) if files.is_folder && !speaks_of_logs(&source.text) => others += 1,
            Err(why) => {
                line(answer, &format!("== {}\nnot read: {why}", source.name));
                status = UNUSABLE;
            }
        }
    }
    if others > 0 {
        let files = if others == 1 {
            "1 file has".to_owned()
        } else {
            format!("{others} files have")
        };
        line(
            answer,
            &format!("{files} no task definition and no configuration of Fluent Bit"),
        );
    }
    Ok(status)
}

/// Names of the files that a document leads to.
fn names(document: &Document, all: &mut Vec<String>) {
    for other in &document.followed {
        all.push(other.name.clone());
        names(other, all);
    }
}

fn speaks_of_logs(text: &str) -> bool {
    let words = [
        "awsfirelens",
        "firelensConfiguration",
        "FirelensConfiguration",
        "aws-for-fluent-bit",
        "containerDefinitions",
        "ContainerDefinitions",
    ];
    words.iter().any(|word| text.contains(word))
}

fn one(document: &Document, is_tried: bool, answer: &mut String) -> Done {
    let report = migrate::report(document);
    answer.push_str(&report.to_string());
    let mut is_fine = !report.has_problems();
    if is_tried {
        is_fine &= tried(document, answer)?;
    }
    Ok(match (report.is_whole(), is_fine) {
        (false, _) => UNUSABLE,
        (true, false) => PROBLEMS,
        (true, true) => FINE,
    })
}
