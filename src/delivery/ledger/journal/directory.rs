//! The directory of `resume_path`, which several instances and processes may share.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Identity;
use super::file::{Found, JournalFile, remove_if_old};

/// The directory, and the identity of the files to use in it.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    identity: Identity,
}

/// The result of taking over files.
#[derive(Debug, Default)]
pub(super) struct Takeover {
    /// Files that this instance has now locked.
    pub(super) files: Vec<JournalFile>,
    /// Whether another instance has locked a file of this identity.
    pub(super) others_hold_some: bool,
    /// Texts about files that are not used, or only in part.
    pub(super) problems: Vec<String>,
}

impl Directory {
    /// Creates the directory if it is missing, and removes old journal files from it.
    ///
    /// # Errors
    ///
    /// When the directory cannot be created, used or read.
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

    /// Locks and reads the files of this identity that are not locked, except `own`.
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
                // Already reported at start-up, when `own` was `None`.
                Found::Foreign(_) if own.is_some() => {}
                Found::Foreign(why) => takeover.problems.push(format!(
                    "{} is not used and stays as it is: {why}",
                    path.display()
                )),
            }
        }
        takeover
    }

    /// Creates a file for this instance.
    ///
    /// # Errors
    ///
    /// When no file could be created, or all file names are in use.
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

    /// Removes the files of sections that no longer exist, once all their entries have expired.
    fn remove_old(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == EXTENSION)
            {
                // A file that cannot be removed now is tried again at the next start.
                let _ = remove_if_old(&path);
            }
        }
        Ok(())
    }
}

/// The numbers in file names. Several processes may have one identity, for example during a restart.
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=16;
const EXTENSION: &str = "retry";
