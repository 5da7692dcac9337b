//! One journal file, locked by this instance.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::super::record::{self, Change, HEADER_BYTES, Saved};
use super::{apply, is_current};

/// A file that this instance has locked.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    file: File,
    header: Vec<u8>,
    len: usize,
    /// The entries that the file had when it was opened, without expired ones.
    pub(super) entries: HashMap<u64, Saved>,
    /// The approximate size of the entries at the last rewrite, in bytes.
    live: usize,
    is_damaged: bool,
    /// Bytes from the first damaged record to the end when it was opened.
    pub(super) torn: usize,
}

/// The result of opening a file.
#[derive(Debug)]
pub(super) enum Found {
    /// The file is now locked by this instance.
    Mine(JournalFile),
    /// Another instance has locked it.
    Held,
    /// The file does not exist.
    Missing,
    /// Not a usable journal file, and why.
    Foreign(String),
}

impl JournalFile {
    /// Opens and locks a file, if it exists.
    pub(super) fn open(path: &Path, identity: &[u8; 32]) -> Found {
        match Self::try_open(path, identity) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Missing,
            Err(error) => Found::Foreign(error.to_string()),
        }
    }

    fn try_open(path: &Path, identity: &[u8; 32]) -> io::Result<Found> {
        let mut file = options().open(path)?;
        if !is_regular(&file)? {
            return Ok(Found::Foreign("it is not a regular file".to_owned()));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Found::Held),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let metadata = file.metadata()?;
        if metadata.nlink() == 0 {
            return Ok(Found::Held);
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Ok(Found::Foreign(format!(
                "it is larger than {MAX_FILE_BYTES} bytes"
            )));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let header = record::header(identity);
        if bytes.is_empty() {
            file.write_all(&header)?;
            bytes.clone_from(&header);
        }
        let Some(records) = bytes.strip_prefix(&*header) else {
            return Ok(Found::Foreign(
                "it was written by something else".to_owned(),
            ));
        };
        Ok(Found::Mine(Self::read(path, file, header.clone(), records)))
    }

    fn read(path: &Path, file: File, header: Vec<u8>, records: &[u8]) -> Self {
        let (changes, read) = record::read(records);
        let mut entries = HashMap::new();
        for change in changes {
            apply(&mut entries, change);
        }
        entries.retain(|_, saved| is_current(saved));
        let torn = records.len() - read;
        Self {
            path: path.to_owned(),
            file,
            header,
            len: HEADER_BYTES + records.len(),
            entries,
            live: 0,
            is_damaged: torn > 0,
            torn,
        }
    }

    /// Creates a file; `None` if it exists.
    ///
    /// # Errors
    ///
    /// When it could not be created, locked or written.
    pub(super) fn create(path: &Path, identity: &[u8; 32]) -> io::Result<Option<Self>> {
        let file = match options().create_new(true).mode(MODE).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let header = record::header(identity);
        (&file).write_all(&header)?;
        Ok(Some(Self::read(path, file, header, &[])))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a change. After a failure the file counts as damaged, and the next change rewrites it.
    ///
    /// # Errors
    ///
    /// When the change could not be written.
    pub(super) fn append(&mut self, change: &Change) -> io::Result<()> {
        let mut bytes = Vec::new();
        record::append(change, &mut bytes);
        let written = (&self.file).write_all(&bytes);
        self.is_damaged |= written.is_err();
        self.len += bytes.len();
        written
    }

    /// Whether a part of the file is unreadable. Records appended after that part would not be read.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Whether most of the file is obsolete, or a part of it is damaged.
    pub(super) fn needs_rewrite(&self, is_empty: bool) -> bool {
        let minimum = if is_empty {
            MIN_REWRITE / 4
        } else {
            MIN_REWRITE
        };
        self.is_damaged || self.len > minimum.max(self.live * 4)
    }

    /// Rewrites the file with only these entries.
    ///
    /// # Errors
    ///
    /// When it could not be written; the file is then unchanged.
    pub(super) fn rewrite<'s>(
        &mut self,
        entries: impl Iterator<Item = &'s Saved>,
    ) -> io::Result<()> {
        self.is_damaged = true;
        let mut bytes = self.header.clone();
        for saved in entries {
            record::append(&Change::Put(saved.clone()), &mut bytes);
        }
        if bytes.len() == HEADER_BYTES {
            self.file.set_len(HEADER_BYTES as u64)?;
        } else {
            self.replace(&bytes)?;
        }
        (self.len, self.live, self.is_damaged) = (bytes.len(), bytes.len(), false);
        Ok(())
    }

    /// Replaces this file by a new one. The path refers to a locked file at all times.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut name = OsString::from(&self.path);
        name.push(".new");
        let new = PathBuf::from(name);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = options().create_new(true).mode(MODE).open(&new)?;
        file.try_lock()?;
        (&file).write_all(bytes)?;
        fs::rename(&new, &self.path)?;
        self.file = file;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn exchange(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    /// Removes the file.
    pub(super) fn remove(self) {
        self.remove_now();
    }

    pub(super) fn remove_now(&self) {
        // A file that cannot be removed now is removed by `remove_if_old` later.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes a journal file that is not locked and is older than any current entry. Other files stay.
pub(super) fn remove_if_old(path: &Path) -> io::Result<()> {
    let mut file = options().open(path)?;
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    if !is_regular(&file)? || age < super::LIFETIME || file.try_lock().is_err() {
        return Ok(());
    }
    let mut magic = [0; record::MAGIC.len()];
    file.read_exact(&mut magic)?;
    if magic == *record::MAGIC {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Options that do not follow symbolic links and do not block on pipes.
fn options() -> OpenOptions {
    let mut options = File::options();
    options
        .read(true)
        .append(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

fn is_regular(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

/// Access for the user of the Fluent Bit process only.
const MODE: u32 = 0o600;
/// A file is rewritten when it is larger than this (bytes) and larger than four times its entries.
const MIN_REWRITE: usize = 256 * 1024;
/// The size limit of a file that is read, in bytes; entries take a quarter of it at most.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
