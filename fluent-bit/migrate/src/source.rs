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
        format!("it is no UTF-8 text: see byte {at}")
    })
}

/// The files in a folder and below, in the order of their names; hidden ones are left out.
///
/// # Errors
///
/// Why a folder cannot be listed, or that it has too many files.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    list(folder, &mut found, 0)?;
    Ok(found)
}

fn list(folder: &Path, found: &mut Vec<PathBuf>, depth: usize) -> Result<(), String> {
    let wrong = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(wrong)?;
    let entries: Result<Vec<_>, _> = entries.collect();
    let mut paths: Vec<PathBuf> = entries
        .map_err(wrong)?
        .iter()
        .map(fs::DirEntry::path)
        .collect();
    paths.sort();
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
            continue;
        }
        if path.is_dir() && depth < DEEPEST {
            list(&path, found, depth + 1)?;
        } else if path.is_file() {
            found.push(path);
        }
        if found.len() > MOST {
            return Err(format!(
                "it has more than {MOST} files: name those that matter"
            ));
        }
    }
    Ok(())
}

/// The files that were given, by which others are found.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// All that were named.
    pub given: Vec<Source>,
}

impl Files {
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

/// Bytes of a file; a task definition may have 64 KiB, and a template 1 MB.
const LARGEST: u64 = 8 * 1024 * 1024;
/// Files of a folder.
const MOST: usize = 2_000;
const DEEPEST: usize = 12;

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
