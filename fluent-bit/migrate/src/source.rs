//! Files: their texts, and those that lie beside them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file's text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Source {
    /// How it was named; `-` is the standard input.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// A text without a name.
    #[must_use]
    pub fn unnamed(text: &str) -> Self {
        Self {
            name: "-".to_owned(),
            text: text.to_owned(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, or that it is no text.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let size = fs::metadata(path)
            .map_err(|error| format!("{name}: {error}"))?
            .len();
        if size > LARGEST {
            return Err(format!(
                "{name}: it has {size} bytes, and at most {LARGEST} are read"
            ));
        }
        let bytes = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
        let text = decoded(&bytes).map_err(|why| format!("{name}: {why}"))?;
        Ok(Self { name, text })
    }

    /// The last part of its path, in lower case.
    #[must_use]
    pub fn file_name(&self) -> String {
        let name = Path::new(&self.name).file_name();
        name.unwrap_or_default()
            .to_string_lossy()
            .to_ascii_lowercase()
    }
}

/// The text of bytes in UTF-8, or in UTF-16 with a byte-order mark.
///
/// # Errors
///
/// That it is neither.
pub fn decoded(bytes: &[u8]) -> Result<String, String> {
    let units = |unit: fn([u8; 2]) -> u16| {
        let pairs = bytes[2..].chunks_exact(2);
        let units: Vec<u16> = pairs.map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units)
            .map_err(|_| "it is no UTF-16, as its byte-order mark says".to_owned())
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    let text = String::from_utf8(bytes.to_vec());
    text.map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{NO_TEXT}: see byte {at}")
    })
}

/// What is in a folder and below.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The files, in the order of their names; hidden ones are left out.
    pub files: Vec<PathBuf>,
    /// What is not read, each with the reason.
    pub unread: Vec<String>,
    /// Symbolic links, which are not followed.
    pub links: usize,
}

impl Listing {
    /// Lists a folder.
    ///
    /// # Errors
    ///
    /// Why the folder itself cannot be listed, or that it has too many files.
    pub fn of(folder: &Path) -> Result<Self, String> {
        let mut listing = Self::default();
        let entries = entries(folder)?;
        listing.add(entries, 0)?;
        Ok(listing)
    }

    fn add(&mut self, paths: Vec<PathBuf>, depth: usize) -> Result<(), String> {
        for path in paths {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.starts_with('.') || name == "node_modules" {
                continue;
            }
            if path.is_symlink() {
                self.links += 1;
            } else if path.is_dir() {
                match (depth < DEEPEST).then(|| entries(&path)) {
                    Some(Ok(paths)) => self.add(paths, depth + 1)?,
                    Some(Err(why)) => self.unread.push(why),
                    None => self.unread.push(format!(
                        "{}: it is more than {DEEPEST} folders below: name it by itself",
                        path.display()
                    )),
                }
            } else if path.is_file() {
                self.files.push(path);
            }
            if self.files.len() > MOST {
                return Err(format!(
                    "it has more than {MOST} files: name those that matter"
                ));
            }
        }
        Ok(())
    }
}

/// The paths in a folder, in their order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let wrong = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(wrong)?;
    let entries: Result<Vec<_>, _> = entries.collect();
    let entries = entries.map_err(wrong)?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

/// The files that were given, by which others are found.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// All that were named.
    pub given: Vec<Source>,
    /// Whether a folder was named, so that they are not all of one matter.
    pub is_folder: bool,
}

impl Files {
    /// The files of Terraform that a file is read with: those of its folder, then those that were
    /// given from elsewhere.
    #[must_use]
    pub fn of_module(&self, of: &Source) -> Vec<Source> {
        let words = ["ontainer", "irelens", "fluent", "logDriver", "log_driver"];
        let names = ["local.", "var."];
        let has = |words: &[&str]| words.iter().any(|word| of.text.contains(word));
        if !has(&words) || !has(&names) {
            return Vec::new();
        }
        let is_part = |name: &str| {
            [".tf", ".tofu", ".auto.tfvars"]
                .iter()
                .any(|end| name.ends_with(end))
                || name.rsplit('/').next() == Some("terraform.tfvars")
        };
        let folder = |name: &str| Path::new(name).parent().map(Path::to_path_buf);
        let given = self.given.iter();
        let given = given.filter(|source| source.name != of.name && is_part(&source.name));
        let (mut near, mut far): (Vec<Source>, Vec<Source>) = given
            .cloned()
            .partition(|source| folder(&source.name) == folder(&of.name));
        if of.name != "-" {
            let there = folder(&of.name).unwrap_or_default();
            let mut paths = matching(&there, "*");
            paths.retain(|path| {
                let name = path.display().to_string();
                let is_known = near.iter().any(|known| same_file(&known.name, &name));
                is_part(&name) && !is_known && !same_file(&of.name, &name)
            });
            let read = paths.iter().take(MOST_OF_MODULE);
            near.extend(read.filter_map(|path| Source::read(path).ok()));
        }
        // Of a folder with all below it, a folder is a module by itself.
        far.retain(|_| !self.is_folder);
        near.into_iter().chain(far).collect()
    }

    /// The files that a path in another file means: one given by that name, or beside that file.
    #[must_use]
    pub fn near(&self, of: &Source, path: &str) -> Vec<Source> {
        let path = path
            .replace("${path.module}/", "")
            .replace("${path.root}/", "");
        let wanted = Path::new(&path).file_name().unwrap_or_default();
        let wanted = wanted.to_string_lossy().into_owned();
        if wanted.is_empty() || wanted.contains("${") {
            return Vec::new();
        }
        let is_it = |source: &&Source| {
            let name = Path::new(&source.name).file_name().unwrap_or_default();
            source.name != of.name && fits(&wanted, &name.to_string_lossy())
        };
        let given: Vec<Source> = self.given.iter().filter(is_it).cloned().collect();
        if !given.is_empty() || of.name == "-" {
            return given;
        }
        let folder = Path::new(&of.name).parent().unwrap_or(Path::new("."));
        let relative = folder.join(path.trim_start_matches('/'));
        let folders = [relative.parent().unwrap_or(folder), folder];
        let mut found = folders.into_iter().map(|folder| matching(folder, &wanted));
        let found = found.find(|paths| !paths.is_empty()).unwrap_or_default();
        let found = found.iter().filter(|path| **path != Path::new(&of.name));
        found.filter_map(|path| Source::read(path).ok()).collect()
    }
}

/// Whether two paths that may begin with `./` are one.
fn same_file(one: &str, other: &str) -> bool {
    one.trim_start_matches("./") == other.trim_start_matches("./")
}

fn matching(folder: &Path, wanted: &str) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.is_file() && fits(wanted, &name)
        })
        .collect();
    paths.sort();
    paths
}

/// Whether a name is the wanted one, in which one `*` may be any text.
fn fits(wanted: &str, name: &str) -> bool {
    match wanted.split_once('*') {
        Some((begin, end)) => {
            name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
        }
        None => wanted == name,
    }
}

/// How the reason begins why a file without a byte-order mark is not read.
pub const NO_TEXT: &str = "it is no UTF-8 text";
/// Bytes of a file; a task definition may have 64 KiB, and a template 1 MB.
const LARGEST: u64 = 8 * 1024 * 1024;
/// Files of a folder.
const MOST: usize = 2_000;
const DEEPEST: usize = 12;
/// Files of Terraform in a folder that are read for the names in them.
const MOST_OF_MODULE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_order_mark_says_how_to_read() {
        let utf16 = |unit: fn(u16) -> [u8; 2], text: &str| {
            text.encode_utf16().flat_map(unit).collect::<Vec<u8>>()
        };
        for bytes in [
            b"a\xc3\xa9".to_vec(),
            b"\xef\xbb\xbfa\xc3\xa9".to_vec(),
            utf16(u16::to_le_bytes, "\u{feff}aé"),
            utf16(u16::to_be_bytes, "\u{feff}aé"),
        ] {
            assert_eq!(decoded(&bytes).as_deref(), Ok("aé"));
        }
        assert!(decoded(b"ab\xff").unwrap_err().contains("byte 2"));
        assert!(decoded(b"\xff\xfe\x00\xd8").is_err());
    }

    #[test]
    fn a_star_is_any_text() {
        assert!(fits("a*.conf", "a.b.conf") && fits("a.conf", "a.conf"));
        assert!(!fits("a*a", "a") && !fits("a", "b"));
    }
}
