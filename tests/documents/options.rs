//! `docs/options.md`: its tables are made from those that the code reads.

use std::fs;

use router::options::Spec;
use router::{cloudwatch, firehose};

use crate::{place, read};

#[test]
fn the_tables_of_options_are_those_of_the_code() {
    let written = read(DOCUMENT);
    let parts = [
        ("cloudwatch", table(cloudwatch::options::OPTIONS)),
        (
            "cloudwatch without effect",
            list(cloudwatch::options::FOREIGN),
        ),
        ("firehose", table(firehose::options::OPTIONS)),
        ("firehose without effect", list(firehose::options::FOREIGN)),
    ];
    let made = parts.iter().fold(written.clone(), |text, (name, part)| {
        with_part(&text, name, part)
    });
    if std::env::var_os("UPDATE").is_some() {
        fs::write(place(DOCUMENT), &made).expect("the document can be written");
    } else {
        assert!(
            made == written,
            "{DOCUMENT} is not up to date: run `UPDATE=1 cargo test --test documents`"
        );
    }
}

fn table(options: &[Spec]) -> String {
    let rows = options.iter().map(|option| {
        let Spec {
            key,
            form,
            default,
            help,
        } = option;
        let default = if default.is_empty() {
            String::new()
        } else {
            format!("`{default}`")
        };
        format!("| `{key}` | {form} | {default} | {help} |\n")
    });
    let head = "| Option | Value | Default | Meaning |\n|---|---|---|---|\n";
    head.to_owned() + &rows.collect::<String>()
}

fn list(keys: &[(&str, &str)]) -> String {
    keys.iter()
        .map(|(key, advice)| format!("- `{key}`: {advice}\n"))
        .collect()
}

/// Replaces what stands between a part's two marks.
fn with_part(text: &str, name: &str, part: &str) -> String {
    let [begin, end] = ["begin", "end"].map(|edge| format!("<!-- {edge}: {name} -->\n"));
    let marks = || panic!("{DOCUMENT} has no marks for `{name}`");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(marks);
    let (_, after) = rest.split_once(&end).unwrap_or_else(marks);
    [before, &begin, part, &end, after].concat()
}

const DOCUMENT: &str = "docs/options.md";
