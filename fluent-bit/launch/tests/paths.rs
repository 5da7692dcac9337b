//! The image has the paths of AWS's image, by what its Dockerfile copies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_path_that_tasks_name_is_in_the_image() {
    let copied = copied();
    let missing: Vec<_> = paths().filter(|path| !copied.contains(*path)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}, of {copied:?}");
}

#[test]
fn what_a_config_includes_is_in_the_image() {
    let copied = copied();
    for file in copied.iter().filter(|path| path.ends_with(".conf")) {
        let Some(text) = source(file) else { continue };
        let named = text.split_whitespace().filter(|word| {
            word.ends_with(".conf")
                && (word.starts_with("/fluent-bit/") || word.starts_with("/ecs/"))
        });
        for path in named {
            assert!(copied.contains(path), "{file} names {path}");
        }
    }
}

#[test]
fn the_stage_of_the_plugins_has_the_plugins_and_their_notices_alone() {
    let stage: Vec<_> = instructions("plugins", "COPY").collect();
    assert_eq!(
        stage,
        [
            "--from=build /out/cloudwatch.so /out/firehose.so /out/kinesis.so /out/plugins/THIRD-PARTY-NOTICES.txt /"
        ]
    );
}

#[test]
fn every_base_image_is_an_argument_with_a_pinned_default() {
    let text = dockerfile();
    let bases = text.lines().filter_map(|line| line.strip_prefix("FROM "));
    for base in bases.filter(|base| !base.starts_with("scratch ")) {
        let argument = base
            .split("${")
            .last()
            .and_then(|rest| rest.split('}').next())
            .unwrap();
        let default = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("ARG {argument}=")));
        let (_, tag) = default
            .and_then(|default| default.split_once(':'))
            .expect(argument);
        assert!(
            tag.starts_with(|first: char| first.is_ascii_digit()),
            "{argument}: {tag}"
        );
    }
}

#[test]
fn the_version_at_awss_path_and_in_the_label_is_the_packages() {
    let version = env!("CARGO_PKG_VERSION");
    let file = fs::read_to_string(project("fluent-bit/AWS_FOR_FLUENT_BIT_VERSION")).unwrap();
    assert_eq!(file, format!("log-router {version}\n"));
    assert!(dockerfile().contains(&format!("\nARG VERSION={version}\n")));
}

/// What Dockerfiles on AWS's image do to its script.
#[test]
fn the_entry_point_survives_edits_of_its_first_line() {
    assert!(dockerfile().contains("\nENTRYPOINT [\"/bin/sh\", \"/entrypoint.sh\"]\n"));
    let script = fs::read_to_string(project("fluent-bit/entrypoint.sh")).unwrap();
    let folder = std::env::temp_dir().join(format!("entrypoint-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (first, rest) = script.split_once('\n').unwrap();
    for edited in [
        script.clone(),
        rest.to_owned(),
        format!("echo starts\n{script}"),
        format!("{first} -e\n{rest}"),
        format!("#!/bin/bash\n{rest}"),
    ] {
        let path = folder.join("entrypoint.sh");
        fs::write(&path, edited.replace("/fluent-bit/bin/launch", "echo")).unwrap();
        let done = Command::new("/bin/sh")
            .arg(&path)
            .args(["a b", "c"])
            .output()
            .unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(
            done.status.success() && said.ends_with("a b c\n"),
            "{edited}: {said}"
        );
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_dependencies_are_built_of_every_manifest() {
    let manifest = fs::read_to_string(project("Cargo.toml")).unwrap();
    let (_, members) = manifest.split_once("members = [\n").unwrap();
    let members = members.split(']').next().unwrap().lines();
    let members = members.filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    let text = dockerfile();
    let (_, stubs) = text.split_once("for crate in . ").unwrap();
    let stubs: Vec<_> = stubs
        .split(';')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    for member in members.filter(|member| *member != ".") {
        let copy = format!("COPY {member}/Cargo.toml {member}/\n");
        assert!(text.contains(&copy), "{copy}");
        assert!(stubs.contains(&member), "{member} is in no stub");
    }
}

/// What tasks, custom images and AWS's documentation name; `tests/image/paths` is the list, also
/// for the built image.
fn paths() -> impl Iterator<Item = &'static str> {
    include_str!("../../../tests/image/paths").lines()
}

/// Every file that the stage `image` copies.
fn copied() -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for instruction in instructions("image", "COPY") {
        let words = instruction
            .split_whitespace()
            .filter(|word| !word.starts_with("--"));
        let words: Vec<_> = words.collect();
        let (target, sources) = words.split_last().expect("a target");
        let names = sources.iter().flat_map(|source| names(source));
        files.extend(names.map(|name| format!("{target}{name}")));
    }
    files
}

/// The names that a source has below the target.
fn names(source: &str) -> Vec<String> {
    let last = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    match source.strip_suffix('/') {
        // What the build makes: one file for each package.
        Some("/out/sbom") => ["cloudwatch", "firehose", "kinesis", "launch", "migrate"]
            .map(|package| format!("{package}.cdx.json"))
            .to_vec(),
        Some(folder) => {
            let files = fs::read_dir(project(folder)).unwrap();
            files.map(|file| last(&file.unwrap().path())).collect()
        }
        // Of Fluent Bit's image, which has more of them.
        None => vec![last(Path::new(source)).replace('*', "")],
    }
}

/// The text of a file of the project, by its path in the image.
fn source(path: &str) -> Option<String> {
    let path = path.strip_prefix("/fluent-bit").unwrap_or(path);
    fs::read_to_string(project(&format!("fluent-bit{path}"))).ok()
}

/// The arguments of a stage's instructions of one kind, with its lines joined.
fn instructions(stage: &str, kind: &str) -> impl Iterator<Item = String> {
    let text = dockerfile();
    let (_, rest) = text.split_once(&format!(" AS {stage}\n")).expect(stage);
    let own = rest
        .split("\nFROM ")
        .next()
        .unwrap_or_default()
        .replace("\\\n", " ");
    let prefix = format!("{kind} ");
    let lines: Vec<_> = own
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
        .collect();
    lines.into_iter()
}

fn dockerfile() -> String {
    fs::read_to_string(project("Dockerfile")).unwrap()
}

fn project(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}
