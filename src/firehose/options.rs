//! Firehose's options: what they make, and their table.

mod table;

pub use self::table::{FOREIGN, OPTIONS, RECORD};
use crate::batch::compress::Compression;
use crate::firehose::pack::Packing;
use crate::firehose::route::Route;
use crate::json::record_text::Shape;
use crate::options::{Reader, common};

/// What one output section asks for.
#[derive(Debug)]
pub struct Config {
    /// Where a record goes.
    pub route: Route,
    /// What of it travels.
    pub shape: Shape,
    /// How texts become Firehose records.
    pub packing: Packing,
}

impl Config {
    /// Reads every option; the reader has the problems.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Self {
        Self {
            route: Route::read(reader),
            shape: Shape::read(reader),
            packing: packing(reader),
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
    Packing {
        aggregate: reader.switch("simple_aggregation"),
        compression: reader.choice("compression", &compressions).flatten(),
        oversize: common::oversize(reader),
    }
}
