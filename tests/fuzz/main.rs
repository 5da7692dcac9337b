//! Replays the fuzz targets' corpora, so that what was found once is tried by every test run.
//!
//! `make fuzz` looks for more, with cargo-fuzz; its targets call the same checks.

pub mod checks;

use std::fs;
use std::path::Path;

/// Runs a check over each file of its corpus.
fn replay(target: &str, check: fn(&[u8])) {
    // A test of two packages, of which one is in another's folder.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/fuzz/corpus", "corpus"].map(|folder| package.join(folder).join(target));
    let folder = folders
        .iter()
        .find(|folder| folder.is_dir())
        .expect("a corpus");
    let files = fs::read_dir(folder).unwrap_or_else(|why| panic!("{target}: {why}"));
    let mut inputs = 0;
    for file in files {
        let file = file.expect("a file of the corpus").path();
        println!("{}", file.display());
        check(&fs::read(&file).expect("its bytes"));
        inputs += 1;
    }
    assert!(inputs > 0, "no corpus for {target}");
}

macro_rules! replayed {
    ($($target:ident),*) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), checks::$target);
        }
    )*};
}

replayed!(
    cloudwatch,
    decoder,
    firehose,
    json,
    kinesis,
    ledger,
    put_log_events,
    put_record_batch,
    put_records,
    template
);
