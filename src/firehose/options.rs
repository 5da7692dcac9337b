//! Firehose's options: what they make, and their table.

mod table;

use std::path::PathBuf;
use std::time::Duration;

pub use self::table::{FOREIGN, OPTIONS, RECORD};
use crate::compress::Compression;
use crate::firehose::pack::{Oversize, Packing};
use crate::firehose::route::Route;
use crate::firehose::shape::Shape;
use crate::options::{Reader, shared};
use crate::session;

/// What one output section asks for.
#[derive(Debug)]
pub struct Config {
    /// How to reach AWS.
    pub session: session::Settings,
    /// Where a record goes.
    pub route: Route,
    /// What of it travels.
    pub shape: Shape,
    /// How texts become Firehose records.
    pub packing: Packing,
    /// How long a flush may take before the host is asked to bring the chunk again.
    pub flush_timeout: Duration,
    /// Where what is delivered of a chunk is noted for the next process.
    pub resume_path: Option<PathBuf>,
    /// Chunks in delivery at once; the host's worker threads.
    pub concurrency: u32,
}

impl Config {
    /// Reads every option; the reader has the problems.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: fn(&str) -> Option<String>) -> Self {
        let second = Duration::from_secs(1);
        Self {
            session: session::Settings::read(reader, environment),
            route: Route::read(reader),
            shape: Shape::read(reader),
            packing: packing(reader),
            flush_timeout: reader
                .duration("flush_timeout", second, second * 600)
                .unwrap_or(second),
            concurrency: reader.number("concurrency", 1, 64).unwrap_or(1),
            resume_path: shared::resume_path(reader, environment),
        }
    }
}

fn packing(reader: &Reader<'_>) -> Packing {
    let compressions = [
        ("none", None),
        ("gzip", Some(Compression::Gzip)),
        ("snappy", Some(Compression::Snappy)),
        ("zstd", Some(Compression::Zstd)),
    ];
    let oversize = [("split", Oversize::Split), ("truncate", Oversize::Truncate)];
    Packing {
        aggregate: reader.switch("simple_aggregation"),
        compression: reader.choice("compression", &compressions).flatten(),
        oversize: reader
            .choice("oversize", &oversize)
            .unwrap_or(Oversize::Split),
    }
}
