//! Dockerfiles that build on AWS's image.

use crate::document::{Document, Found};
use crate::edit::Change;
use crate::report::{Part, Remark};
use crate::source::Source;
use crate::tree::Format;

pub(super) fn is_dockerfile(source: &Source) -> bool {
    let name = source.file_name();
    let mut lines = source.text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let begins = first.is_some_and(|line| {
        let line = line.to_ascii_uppercase();
        line.starts_with("FROM ") || line.starts_with("ARG ")
    });
    begins
        && (name.contains("dockerfile")
            || name.contains("containerfile")
            || source.text.contains("\nFROM ")
            || source.text.starts_with("FROM "))
}

pub(super) fn read(document: &mut Document, source: &Source) {
    let text = &source.text;
    document.layer(text, Format::Classic, None);
    let mut is_ours = false;
    for (number, at, line) in instructions(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let title = || format!("line {number}: {}", one_line(&line));
        if word.eq_ignore_ascii_case("FROM") {
            let image = rest
                .split_whitespace()
                .find(|part| !part.starts_with("--"))
                .unwrap_or_default();
            is_ours = image.contains("aws-for-fluent-bit");
            if is_ours {
                let start = at + line.find(image).unwrap_or_default();
                let change = Change {
                    at: start..start + image.len(),
                    text: crate::IMAGE.to_owned(),
                };
                let part = Part::new(title()).with(Remark::image(image));
                document.found.push(Found::Part(part, vec![(0, change)]));
            }
        } else if let Some(remark) = remark(word, rest).filter(|_| is_ours) {
            if word.eq_ignore_ascii_case("COPY") && !rest.contains("--from") {
                let files = rest
                    .split_whitespace()
                    .filter(|it| it.ends_with(".conf") || it.ends_with(".yaml"));
                document
                    .paths
                    .extend(files.map(|path| (path.to_owned(), None)));
            }
            document
                .found
                .push(Found::Part(Part::new(title()).with(remark), Vec::new()));
        }
    }
    if document.found.is_empty() {
        let nothing =
            "a Dockerfile on another image than `aws-for-fluent-bit`: there is nothing to change";
        document
            .found
            .push(Found::Part(Part::new(nothing), Vec::new()));
    }
}

/// Instructions with their lines joined; each with its first line's number and place.
fn instructions(text: &str) -> Vec<(usize, usize, String)> {
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    let (mut at, mut is_open) = (0, false);
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let line = whole.trim_end();
        let is_comment = line.trim_start().starts_with('#') || line.trim().is_empty();
        let begin = at;
        at += whole.len();
        if is_comment {
            continue;
        }
        let joined = line.strip_suffix('\\');
        match found.last_mut().filter(|_| is_open) {
            Some((_, _, open)) => {
                open.push(' ');
                open.push_str(joined.unwrap_or(line).trim());
            }
            None => found.push((index + 1, begin, joined.unwrap_or(line).to_owned())),
        }
        is_open = joined.is_some();
    }
    found
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(70) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// What an instruction needs on this image.
fn remark(word: &str, rest: &str) -> Option<Remark> {
    let has = |part: &str| rest.contains(part);
    let edit = |text: &str| Some(Remark::Edit(text.to_owned()));
    let keep = |text: &str| Some(Remark::Keep(text.to_owned()));
    match word.to_ascii_uppercase().as_str() {
        "RUN"
            if ["yum ", "dnf ", "microdnf ", "amazon-linux-extras"]
                .iter()
                .any(|tool| has(tool)) =>
        {
            edit(
                "this image is a Debian: install with `apt-get update && apt-get install -y --no-install-recommends PACKAGE`",
            )
        }
        "RUN" if has("/entrypoint.sh") => keep(
            "the entry point is a script of `sh` here too; lines may be put before its last one",
        ),
        "COPY" | "ADD" if has("/fluent-bit/etc/fluent-bit.conf") => edit(
            "FireLens mounts its configuration over /fluent-bit/etc/fluent-bit.conf: copy to another path, and name it in `config-file-value`",
        ),
        "COPY" | "ADD" if has("/entrypoint.sh") => edit(
            "leave /entrypoint.sh to the image, or end yours with `exec /fluent-bit/bin/launch \"$@\"`",
        ),
        "COPY" | "ADD" | "ENV" | "CMD" | "ENTRYPOINT" | "USER" => keep("it works here too"),
        "RUN" => keep("it works where the image has its programs: sh, curl, nc and Debian's own"),
        _ => None,
    }
}
