//! The directory of `resume_path`, which several instances and processes may share.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Identity;
use super::file::{Found, JournalFile, remove_if_old};

/// The directory, and whose files are looked for in it.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    identity: Identity,
}

/// What was found in the directory.
#[derive(Debug, Default)]
pub(super) struct Takeover {
    /// Files that this instance now holds.
    pub(super) files: Vec<JournalFile>,
    /// Whether another instance holds a file of this identity.
    pub(super) others_hold_some: bool,
    /// Lines about files that are not used, or not wholly.
    pub(super) problems: Vec<String>,
}

impl Directory {
    /// Makes the directory where it is missing, and removes old files of ours from it.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub(super) fn open(path: &Path, identity: Identity) -> Result<Self, String> {
        let shown = path.display();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| format!("cannot make the directory {shown}: {error}"))?;
        let metadata = fs::symlink_metadata(path);
        let metadata = metadata.map_err(|error| format!("cannot use {shown}: {error}"))?;
        if !metadata.is_dir() {
            return Err(format!(
                "cannot use {shown}: it is a symbolic link, which is not followed"
            ));
        }
        let directory = Self {
            path: path.to_owned(),
            identity,
        };
        directory
            .remove_old()
            .map_err(|error| format!("cannot read the directory {shown}: {error}"))?;
        Ok(directory)
    }

    /// Takes the files of this identity that nobody holds; `own` is held already.
    pub(super) fn take_over(&self, own: Option<&Path>) -> Takeover {
        let mut takeover = Takeover::default();
        for number in NUMBERS {
            let path = self.file(number);
            if own == Some(&*path) {
                continue;
            }
            match JournalFile::open(&path, &self.identity.hash) {
                Found::Mine(file) => {
                    if file.torn > 0 {
                        takeover.problems.push(format!(
                            "the last {} bytes of {} cannot be read; events that they note may be sent again",
                            file.torn,
                            path.display()
                        ));
                    }
                    takeover.files.push(file);
                }
                Found::Held => takeover.others_hold_some = true,
                Found::Missing => {}
                // Reported at the start, when nothing is held.
                Found::Foreign(_) if own.is_some() => {}
                Found::Foreign(why) => takeover.problems.push(format!(
                    "{} is not used and stays as it is: {why}",
                    path.display()
                )),
            }
        }
        takeover
    }

    /// Makes a file for this instance.
    ///
    /// # Errors
    ///
    /// Why it could not be made.
    pub(super) fn create(&self) -> Result<JournalFile, String> {
        for number in NUMBERS {
            let path = self.file(number);
            let created = JournalFile::create(&path, &self.identity.hash);
            let created = created
                .map_err(|error| format!("cannot make the file {}: {error}", path.display()))?;
            if let Some(file) = created {
                return Ok(file);
            }
        }
        Err(format!(
            "{} has too many files of this section that cannot be used",
            self.path.display()
        ))
    }

    fn file(&self, number: u32) -> PathBuf {
        let Identity { plugin, hash } = &self.identity;
        let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.path
            .join(format!("{plugin}-{hash}-{number}.{EXTENSION}"))
    }

    /// Files of sections that are gone have nothing current after some hours.
    fn remove_old(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == EXTENSION)
            {
                // What cannot be removed now is tried at the next start.
                let _ = remove_if_old(&path);
            }
        }
        Ok(())
    }
}

/// Several instances or processes may have one identity, while one follows the other.
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=16;
const EXTENSION: &str = "retry";
