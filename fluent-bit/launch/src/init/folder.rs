//! The folder where init keeps what it makes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files;

/// A folder of init.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The first folder that can be made and written to; what an earlier start left is removed.
    ///
    /// # Errors
    ///
    /// Why each cannot.
    pub fn writable(candidates: &[PathBuf]) -> Result<Self, String> {
        let mut problems = Vec::new();
        for path in candidates {
            match prepared(path) {
                Ok(()) => return Ok(Self { path: path.clone() }),
                Err(problem) => problems.push(format!("{}: {problem}", path.display())),
            }
        }
        let problems = problems.join(", ");
        Err(format!(
            "there is no folder to write to ({problems}): mount a volume there"
        ))
    }

    /// Keeps a file of S3 under its name; of several with one name the later ones are numbered.
    ///
    /// # Errors
    ///
    /// Why it cannot be written.
    pub fn keep(&self, name: &str, text: &[u8]) -> Result<PathBuf, String> {
        let folder = self.path.join(DOWNLOADS);
        let names = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{n}-{name}")));
        let mut paths = names.map(|name| folder.join(name));
        let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
        let path = paths.find(is_free).expect("numbers go on");
        write(&path, text)?;
        Ok(path)
    }

    /// Writes the main configuration.
    ///
    /// # Errors
    ///
    /// Why it cannot be written.
    pub fn write_main(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.path.join("fluent-bit-init.conf");
        write(&path, text.as_bytes())?;
        Ok(path)
    }
}

impl Folder {
    /// Writes the main configuration in YAML.
    ///
    /// # Errors
    ///
    /// Why it cannot be written.
    pub fn write_main_yaml(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.path.join("fluent-bit-init.yaml");
        write(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// A folder that is a link may lead to where others write, and is left.
fn prepared(path: &Path) -> std::io::Result<()> {
    if path.is_symlink() {
        return Err(std::io::Error::other("it is a symbolic link"));
    }
    let downloads = path.join(DOWNLOADS);
    match fs::remove_dir_all(&downloads) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => return Err(problem),
        _ => {}
    }
    fs::create_dir_all(path)?;
    // It is made here, so it is no one's link.
    fs::create_dir(downloads)
}

fn write(path: &Path, text: &[u8]) -> Result<(), String> {
    files::write(path, text).map_err(|problem| format!("{}: {problem}", path.display()))
}

/// As in AWS's init images, so that a file can name another one by its path.
const DOWNLOADS: &str = "fluent-bit-init-s3-files";

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("init-{}-{name}", std::process::id()));
        // It is left from an earlier run, or was never made.
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn files_of_one_name_are_kept_apart() {
        let root = scratch("names");
        let folder = Folder::writable(slice::from_ref(&root)).unwrap();
        let paths = ["a", "b", "c"].map(|text| folder.keep("x.conf", text.as_bytes()).unwrap());
        assert!(paths[0].ends_with("fluent-bit-init-s3-files/x.conf"));
        assert_eq!(
            paths.map(|path| fs::read_to_string(path).unwrap()),
            ["a", "b", "c"]
        );
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let (root, target) = (scratch("links"), scratch("links-target"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&target).unwrap();
        fs::write(target.join("file"), "own").unwrap();
        symlink(&target, root.join(DOWNLOADS)).unwrap();
        symlink(target.join("file"), root.join("fluent-bit-init.conf")).unwrap();
        let folder = Folder::writable(slice::from_ref(&root)).unwrap();
        folder.keep("file", b"new").unwrap();
        folder.write_main("new").unwrap();
        assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "own");
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
        let link = scratch("links-folder");
        symlink(&target, &link).unwrap();
        let problem = Folder::writable(slice::from_ref(&link)).unwrap_err();
        assert!(problem.contains("it is a symbolic link"), "{problem}");
        fs::remove_file(link).unwrap();
        fs::remove_dir_all(root).unwrap();
        fs::remove_dir_all(target).unwrap();
    }

    #[test]
    fn a_restart_begins_anew() {
        let root = scratch("restart");
        let keep = || {
            Folder::writable(slice::from_ref(&root))
                .unwrap()
                .keep("x", b"")
                .unwrap()
        };
        assert_eq!(keep(), keep());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_first_folder_that_can_be_written_to_is_taken() {
        let root = scratch("second");
        let folder = Folder::writable(&["/proc/none".into(), root.clone()]).unwrap();
        assert!(folder.write_main("").unwrap().starts_with(&root));
        fs::remove_dir_all(root).unwrap();
        let problem = Folder::writable(&["/proc/none".into()]).unwrap_err();
        assert!(problem.contains("/proc/none: "), "{problem}");
    }
}
