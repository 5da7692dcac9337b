//! A configuration with YAML among its files: Fluent Bit includes YAML from YAML alone, so classic
//! files, such as the one that FireLens mounts, are written in YAML first.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Folder, is_classic};

/// Writes the main file, and a file in YAML for each classic one.
pub(super) fn write(
    folder: &Folder,
    included: &[PathBuf],
    streams: &Option<PathBuf>,
) -> Result<PathBuf, String> {
    let mut service = Vec::new();
    let mut includes = Vec::new();
    let mut of_yaml: Option<&Path> = None;
    for path in included {
        if !is_classic(path) {
            let text = read(path)?;
            if text.lines().any(|line| line.starts_with("service:")) {
                of_yaml = Some(path);
            }
            includes.push(path.clone());
            continue;
        }
        let sections = sections(path, 0)?;
        let (own, others): (Vec<Section>, Vec<Section>) =
            sections.into_iter().partition(|it| it.kind == "SERVICE");
        service.extend(own.into_iter().flat_map(|section| section.options));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = pipeline(&others, path)?;
        includes.push(folder.keep(&format!("{name}.yaml"), text.as_bytes())?);
    }
    let service = whole(service, of_yaml, streams)?;
    let listed: String = includes.iter().fold(String::new(), |mut text, path| {
        let path = Value::from(path.to_string_lossy());
        writeln!(text, "  - {path}").expect("a string takes every text");
        text
    });
    folder.write_main_yaml(&format!("{service}includes:\n{listed}"))
}

/// The `service` of all: Fluent Bit takes one alone.
fn whole(
    own: Vec<(String, String)>,
    of_yaml: Option<&Path>,
    streams: &Option<PathBuf>,
) -> Result<String, String> {
    let streams = streams
        .iter()
        .map(|path| ("streams_file".to_owned(), path.display().to_string()));
    if let Some(path) = of_yaml {
        let path = path.display();
        if !own.is_empty() || streams.count() > 0 {
            return Err(format!(
                "{path} has a `service`, and Fluent Bit takes one alone: leave it to that file, or to the classic one"
            ));
        }
        println!(
            "log router: {path} has a `service`, which counts whole: `grace: 30` belongs into it"
        );
        return Ok(String::new());
    }
    let defaults =
        [("flush", "1"), ("grace", "30")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in defaults.into_iter().chain(own).chain(streams) {
        let key = key.to_ascii_lowercase();
        all.retain(|(other, _)| *other != key);
        all.push((key, value));
    }
    let lines = all
        .iter()
        .map(|(key, value)| format!("  {key}: {}\n", Value::from(value.as_str())));
    Ok(format!("service:\n{}", lines.collect::<String>()))
}

#[derive(Debug, Default)]
struct Section {
    kind: String,
    options: Vec<(String, String)>,
}

/// The sections of a classic file and of those that it includes.
fn sections(path: &Path, depth: usize) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    for line in read(path)?.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| format!("{}: `{line}` {what}", path.display());
        if let Some(included) = line.strip_prefix("@INCLUDE ") {
            if depth > DEEPEST || included.contains('*') {
                return Err(wrong(
                    "cannot be written in YAML: name its file in a variable of init",
                ));
            }
            let folder = path.parent().unwrap_or(Path::new("/"));
            sections.extend(self::sections(&folder.join(included.trim()), depth + 1)?);
            // What follows begins a section of its own.
            continue;
        }
        if let Some(kind) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            sections.push(Section {
                kind: kind.trim().to_ascii_uppercase(),
                ..Section::default()
            });
            continue;
        }
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let open = sections.last_mut().filter(|_| !line.starts_with('@'));
        let open = open.ok_or_else(|| wrong("cannot be written in YAML"))?;
        open.options.push((key.to_owned(), value.trim().to_owned()));
    }
    Ok(sections)
}

/// Sections of a pipeline in YAML, each value as a text.
fn pipeline(sections: &[Section], path: &Path) -> Result<String, String> {
    let mut text = "pipeline:\n".to_owned();
    for (kind, list) in [
        ("INPUT", "inputs"),
        ("FILTER", "filters"),
        ("OUTPUT", "outputs"),
    ] {
        let own: Vec<&Section> = sections
            .iter()
            .filter(|section| section.kind == kind)
            .collect();
        if !own.is_empty() {
            writeln!(text, "  {list}:").expect("a string takes every text");
        }
        for section in own {
            writeln!(text, "    - {}", mapping(section)).expect("a string takes every text");
        }
    }
    let known = ["INPUT", "FILTER", "OUTPUT"];
    match sections
        .iter()
        .find(|section| !known.contains(&section.kind.as_str()))
    {
        Some(section) => Err(format!(
            "{}: [{}] cannot be written in YAML",
            path.display(),
            section.kind
        )),
        None => Ok(text),
    }
}

/// One section; of a key that comes several times the values are a list.
fn mapping(section: &Section) -> Value {
    let mut mapping = serde_json::Map::new();
    for (key, value) in &section.options {
        let value = Value::from(value.as_str());
        match mapping.get_mut(key) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first, value]),
            None => drop(mapping.insert(key.clone(), value)),
        }
    }
    Value::Object(mapping)
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|problem| format!("{}: {problem}", path.display()))?;
    String::from_utf8(bytes)
        .map_err(|_| format!("{}: it is no UTF-8, which YAML is", path.display()))
}

const DEEPEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> (PathBuf, Folder) {
        let root = std::env::temp_dir().join(format!("yaml-{name}-{}", std::process::id()));
        let folder = Folder::writable(std::slice::from_ref(&root)).unwrap();
        (root, folder)
    }

    #[test]
    fn classic_files_are_written_in_yaml_beside_those_that_are() {
        let (root, folder) = scratch("mixed");
        let classic = folder.keep("own.conf", b"[SERVICE]\n Grace 40\n[INPUT]\n Name forward\n[FILTER]\n Name record_modifier\n Match *\n Record a 1\n Record b \"2\"\n").unwrap();
        let yaml = folder
            .keep("more.yaml", b"pipeline:\n  outputs:\n    - name: stdout\n")
            .unwrap();
        let main = write(&folder, &[classic, yaml.clone()], &None).unwrap();
        let text = fs::read_to_string(main).unwrap();
        let own = root.join("fluent-bit-init-s3-files/own.conf.yaml");
        let expected = format!(
            "service:\n  flush: \"1\"\n  grace: \"40\"\nincludes:\n  - \"{}\"\n  - \"{}\"\n",
            own.display(),
            yaml.display()
        );
        assert_eq!(text, expected);
        assert_eq!(
            fs::read_to_string(own).unwrap(),
            "pipeline:\n  inputs:\n    - {\"Name\":\"forward\"}\n  filters:\n    - {\"Match\":\"*\",\"Name\":\"record_modifier\",\"Record\":[\"a 1\",\"b \\\"2\\\"\"]}\n"
        );
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_yaml_cannot_say_is_told() {
        let (root, folder) = scratch("wrong");
        let yaml = folder.keep("a.yaml", b"service:\n  flush: 1\n").unwrap();
        for (text, told) in [
            (
                &b"[SERVICE]\n Flush 5\n"[..],
                "a.yaml has a `service`, and Fluent Bit takes one alone",
            ),
            (b"@SET a=b\n", "`@SET a=b` cannot be written in YAML"),
            (
                b"@INCLUDE x*.conf\n",
                "`@INCLUDE x*.conf` cannot be written in YAML",
            ),
            (b"[UPSTREAM]\n", "[UPSTREAM] cannot be written in YAML"),
        ] {
            let classic = folder.keep("x.conf", text).unwrap();
            let problem = write(&folder, &[classic, yaml.clone()], &None).unwrap_err();
            assert!(problem.contains(told), "{problem}");
        }
        fs::remove_dir_all(root).unwrap();
    }
}
