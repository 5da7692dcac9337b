//! The file whose lines the containers write.

use std::env;
use std::fmt::{self, Display};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::sample;

/// A file of lines.
pub(super) struct Lines {
    path: PathBuf,
    count: usize,
    bytes: usize,
}

impl Lines {
    /// The file that `LOGS` names, else a sample written into a folder.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        match env::var_os("LOGS").filter(|path| !path.is_empty()) {
            Some(path) => Self::in_file(PathBuf::from(path)),
            None => {
                let path = folder.join("sample.log");
                fs::write(&path, sample::text())?;
                Self::in_file(path)
            }
        }
    }

    fn in_file(path: PathBuf) -> io::Result<Self> {
        let mut lines = Self {
            path,
            count: 0,
            bytes: 0,
        };
        let (mut count, mut bytes) = (0, 0);
        let counted = lines.each(|line| {
            count += 1;
            bytes += line.len();
            Ok(())
        });
        (lines.count, lines.bytes) = (count, bytes);
        let found = match count {
            0 => Err(io::Error::other("there is no line in it")),
            _ => Ok(()),
        };
        let name = lines.path.display();
        let about = |problem| io::Error::other(format!("{name}: {problem}"));
        counted.and(found).map_err(about)?;
        Ok(lines)
    }

    /// How many lines there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Calls with each line, without its end, until an error.
    pub(super) fn each(&self, mut with: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut file = BufReader::new(File::open(&self.path)?);
        let mut line = Vec::new();
        while file.read_until(b'\n', &mut line)? > 0 {
            with(line.strip_suffix(b"\n").unwrap_or(&line))?;
            line.clear();
        }
        Ok(())
    }
}

impl Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, count, bytes } = self;
        write!(f, "{}, {count} in {bytes} bytes", path.display())
    }
}
