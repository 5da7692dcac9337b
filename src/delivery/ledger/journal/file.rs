//! One journal file, held by this instance.

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
    /// What the file had been left with, without what is expired.
    pub(super) entries: HashMap<u64, Saved>,
    /// Bytes of the entries at the last rewrite, about.
    live: usize,
    is_damaged: bool,
    /// Bytes behind the first damaged record when it was opened.
    pub(super) torn: usize,
}

/// What a file of the right name is.
#[derive(Debug)]
pub(super) enum Found {
    /// Ours now.
    Mine(JournalFile),
    /// Another instance holds it.
    Held,
    /// There is none.
    Missing,
    /// Something else, and why it is not used.
    Foreign(String),
}

impl JournalFile {
    /// Opens a file that may be there.
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

    /// Makes a file; `None` where there is one.
    ///
    /// # Errors
    ///
    /// Why it could not be made.
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

    /// Appends a change. Where that fails the file is written anew next time.
    ///
    /// # Errors
    ///
    /// Why it could not be written.
    pub(super) fn append(&mut self, change: &Change) -> io::Result<()> {
        let mut bytes = Vec::new();
        record::append(change, &mut bytes);
        let written = (&self.file).write_all(&bytes);
        self.is_damaged |= written.is_err();
        self.len += bytes.len();
        written
    }

    /// Whether a part of the file cannot be read, so that what is appended is not read either.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Whether most of the file is no longer so, or a part of it is damaged.
    pub(super) fn needs_rewrite(&self, is_empty: bool) -> bool {
        let enough = if is_empty {
            MIN_REWRITE / 4
        } else {
            MIN_REWRITE
        };
        self.is_damaged || self.len > enough.max(self.live * 4)
    }

    /// Writes the file anew, with these entries alone.
    ///
    /// # Errors
    ///
    /// Why it could not be written; the file then stays as it was.
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

    /// Puts a new file in the place of this one, which is held at every moment.
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

    /// Removes the file, of which nothing is needed.
    pub(super) fn remove(self) {
        self.remove_now();
    }

    pub(super) fn remove_now(&self) {
        // A file that cannot be removed has no current entries, and is removed when it is old.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes a file of ours that nobody holds and that has nothing current; others stay.
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

/// Neither a symbolic link is followed, nor a pipe waited for.
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

/// For the user whom Fluent Bit runs as alone.
const MODE: u32 = 0o600;
/// A file is written anew when it is larger than this and than four times its entries.
const MIN_REWRITE: usize = 256 * 1024;
/// The entries take a quarter of this at most.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
