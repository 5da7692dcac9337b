//! Where the image keeps its files.

use std::env;
use std::path::{Path, PathBuf};

/// The image's files, below its root.
#[derive(Clone, Debug)]
pub struct Image {
    root: PathBuf,
}

impl Image {
    /// The image that this process runs in: below `/`, or below `LAUNCH_ROOT` where the files are
    /// tried outside an image.
    #[must_use]
    pub fn here() -> Self {
        Self::below(env::var_os("LAUNCH_ROOT").unwrap_or_else(|| "/".into()))
    }

    /// The image below a folder.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Fluent Bit.
    #[must_use]
    pub fn fluent_bit(&self) -> PathBuf {
        self.root.join("fluent-bit/bin/fluent-bit")
    }

    /// The plugins that are loaded when a command names none.
    #[must_use]
    pub fn plugins(&self) -> [PathBuf; 3] {
        ["cloudwatch.so", "firehose.so", "kinesis.so"]
            .map(|file| self.root.join("fluent-bit").join(file))
    }

    /// The configuration that FireLens mounts.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.root.join("fluent-bit/etc/fluent-bit.conf")
    }

    /// The same with the image's `[SERVICE]` before it. It stands beside it, as Fluent Bit finds
    /// relative paths from the folder of the first file.
    #[must_use]
    pub fn with_defaults(&self) -> PathBuf {
        self.root.join("fluent-bit/etc/with-defaults.conf")
    }

    /// The configuration for `config-file-value` that keeps chunks in files.
    #[must_use]
    pub fn filesystem_buffering(&self) -> PathBuf {
        self.root
            .join("fluent-bit/configs/filesystem-buffering.conf")
    }

    /// Where the plugins note what of those chunks is delivered: beside the chunks, on their volume.
    #[must_use]
    pub fn resume_directory(&self) -> PathBuf {
        self.root.join("fluent-bit/storage/resume")
    }

    /// The folders for what init makes, the first that can be written to: AWS's init images have
    /// these two as well.
    #[must_use]
    pub fn init_folders(&self) -> [PathBuf; 2] {
        ["init", "tmp/init"].map(|folder| self.root.join(folder))
    }

    /// The folders of the image's own configurations.
    #[must_use]
    pub fn configurations(&self) -> [PathBuf; 4] {
        [
            "fluent-bit/configs",
            "fluent-bit/etc",
            "fluent-bit/parsers",
            "ecs",
        ]
        .map(|folder| self.root.join(folder))
    }

    /// Whether a path is the configuration that FireLens mounts.
    #[must_use]
    pub fn is_configuration(&self, path: &Path) -> bool {
        path == self.configuration()
    }
}
