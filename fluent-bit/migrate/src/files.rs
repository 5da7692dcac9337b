//! The report of several files, or of a folder.

use std::path::Path;

use migrate::document::Document;
use migrate::source::{Files, Source, files_below};

use crate::{Done, FINE, PROBLEMS, UNUSABLE, line, source, tried};

/// Reports of all files, each once.
pub(crate) fn report(names: &[String], is_tried: bool, answer: &mut String) -> Done {
    let mut sources = Vec::new();
    let mut is_folder = false;
    for name in names {
        if name != "-" && Path::new(name).is_dir() {
            is_folder = true;
            for path in files_below(Path::new(name)).map_err(|why| format!("{name}: {why}"))? {
                sources.extend(Source::read(&path).ok());
            }
        } else {
            sources.push(source(name)?);
        }
    }
    let files = Files { given: sources };
    let read: Vec<Result<Document, String>> = files
        .given
        .iter()
        .map(|source| Document::read(source, &files))
        .collect();
    if let ([only], false) = (read.as_slice(), is_folder) {
        let document = only
            .as_ref()
            .map_err(|why| format!("{}: {why}", files.given[0].name))?;
        return one(document, is_tried, answer);
    }
    several(&files, &read, is_tried, answer, is_folder)
}

fn several(
    files: &Files,
    read: &[Result<Document, String>],
    is_tried: bool,
    answer: &mut String,
    is_folder: bool,
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
            // In a folder are files of every kind.
            Err(_) if is_folder && !speaks_of_logs(&source.text) => others += 1,
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
    Ok(match (report.unread.is_empty(), is_fine) {
        (false, _) => UNUSABLE,
        (true, false) => PROBLEMS,
        (true, true) => FINE,
    })
}
