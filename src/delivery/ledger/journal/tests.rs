use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use cbindings::Log;

use super::*;
use crate::delivery::ledger::progress::About;
use crate::delivery::ledger::record;
use crate::delivery::ledger::settled::Settled;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("journal-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).expect("a directory");
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn open(&self) -> Arc<Journal> {
        Journal::open(&self.0, IDENTITY, &telemetry()).expect("opened")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const IDENTITY: Identity = Identity {
    plugin: "cloudwatch",
    hash: [7; 32],
};

fn telemetry() -> Telemetry {
    Telemetry::new(Log::muted(), crate::cloudwatch::LABELS)
}

fn saved(id: u64, events: u32) -> Saved {
    Saved {
        id,
        key: Key::of(b"tag", &id.to_be_bytes()),
        made_ms: now_ms(),
        about: About::default(),
        settled: Settled::of(0..events),
    }
}

fn entries(journal: &Journal) -> Vec<(u64, usize)> {
    let open = journal.lock();
    let entries = open.entries.values();
    let mut entries: Vec<_> = entries
        .map(|saved| (saved.id, saved.settled.count()))
        .collect();
    entries.sort_unstable();
    entries
}

#[test]
fn entries_are_read_by_the_next_process() {
    let scratch = Scratch::new("reads");
    let journal = scratch.open();
    journal.put(saved(1, 5));
    journal.put(saved(2, 5));
    journal.settle(1, Settled::of(7..9));
    journal.remove(2);
    drop(journal);
    let mode = fs::metadata(&scratch.files()[0])
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let journal = scratch.open();
    assert_eq!(entries(&journal), [(1, 7)]);
    let key = Key::of(b"tag", &1u64.to_be_bytes());
    let taken = journal.take(8, || key, Instant::now()).expect("known");
    assert_eq!((taken.id(), taken.size().1), (1, true));
    assert!(journal.take(8, || key, Instant::now()).is_none());
    taken.remove();
    drop(journal);
    assert!(scratch.files().is_empty(), "nothing is left");
}

#[test]
fn a_torn_file_keeps_the_entries_before_the_tear_and_is_rewritten() {
    let scratch = Scratch::new("torn");
    let journal = scratch.open();
    journal.put(saved(1, 5));
    journal.put(saved(2, 5));
    drop(journal);
    let file = &scratch.files()[0];
    let bytes = fs::read(file).unwrap();
    for cut in 1..60 {
        fs::write(file, &bytes[..bytes.len() - cut]).unwrap();
        let journal = scratch.open();
        assert_eq!(entries(&journal), [(1, 5)], "cut {cut}");
        journal.settle(1, Settled::of(9..10));
        drop(journal);
        let journal = scratch.open();
        assert_eq!(entries(&journal), [(1, 6)], "cut {cut}");
        drop(journal);
    }
}

#[test]
fn a_foreign_file_is_not_changed() {
    let scratch = Scratch::new("foreign");
    drop(scratch.open());
    let journal = scratch.open();
    let file = scratch.files()[0].clone();
    drop(journal);
    let other_version = {
        let mut bytes = record::header(&IDENTITY.hash);
        bytes[8] ^= 1;
        bytes
    };
    for foreign in [b"not ours".to_vec(), vec![0; 4096], other_version] {
        fs::write(&file, &foreign).unwrap();
        let journal = scratch.open();
        journal.put(saved(1, 5));
        drop(journal);
        assert_eq!(fs::read(&file).unwrap(), foreign);
        let journal = scratch.open();
        assert_eq!(entries(&journal), [(1, 5)]);
        journal.remove(1);
        drop(journal);
        assert_eq!(scratch.files(), std::slice::from_ref(&file));
    }
}

#[test]
fn symbolic_links_are_not_followed_and_pipes_do_not_block() {
    let scratch = Scratch::new("link");
    let journal = scratch.open();
    let file = scratch.files()[0].clone();
    drop(journal);
    let target = scratch.0.join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, &file).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(file.to_str().unwrap().replace("-1.retry", "-2.retry"))
        .status();
    assert!(made.expect("mkfifo").success());
    let journal = scratch.open();
    journal.put(saved(1, 5));
    drop(journal);
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert_eq!(entries(&scratch.open()), [(1, 5)]);
}

#[test]
fn a_locked_file_is_taken_over_after_its_release() {
    let scratch = Scratch::new("held");
    let old = scratch.open();
    old.put(saved(1, 5));
    let new = scratch.open();
    new.put(saved(2, 6));
    assert_eq!(scratch.files().len(), 2);
    let key = Key::of(b"tag", &1u64.to_be_bytes());
    assert!(new.take(8, || key, Instant::now()).is_none());
    drop(old);
    let later = Instant::now() + TAKEOVER_INTERVAL;
    assert_eq!(new.take(8, || key, later).expect("known").id(), 1);
    assert_eq!(scratch.files().len(), 1);
    assert_eq!(entries(&new), [(1, 5), (2, 6)]);
}

#[test]
fn files_of_one_identity_are_merged() {
    let scratch = Scratch::new("one");
    let journals = [scratch.open(), scratch.open(), scratch.open()];
    for (id, journal) in (1..).zip(&journals) {
        journal.put(saved(id, 5));
    }
    // The same entry in two files, as after a process was killed during a merge.
    let mut twice = saved(1, 0);
    twice.settled = Settled::of(3..9);
    journals[2].put(twice);
    drop(journals);
    let journal = scratch.open();
    assert_eq!(entries(&journal), [(1, 9), (2, 5), (3, 5)]);
    drop(journal);
    assert_eq!(scratch.files().len(), 1);
}

#[test]
fn the_file_size_is_bounded() {
    let scratch = Scratch::new("small");
    let journal = scratch.open();
    journal.put(saved(0, 5));
    let mut largest = 0;
    for id in 1..3_000 {
        journal.put(saved(id, 10_000));
        journal.settle(id, Settled::of((10_000..15_000).map(|n| n * 2)));
        journal.remove(id);
        largest = largest.max(fs::metadata(&scratch.files()[0]).unwrap().len());
    }
    assert!(largest < 300 * 1024, "{largest}");
    drop(journal);
    assert_eq!(entries(&scratch.open()), [(0, 5)]);
}

#[test]
fn entries_expire_and_old_journal_files_are_removed() {
    let scratch = Scratch::new("expire");
    let journal = scratch.open();
    let old = now_ms() - i64::try_from(LIFETIME.as_millis()).unwrap();
    journal.put(Saved {
        made_ms: old,
        ..saved(1, 5)
    });
    journal.put(saved(2, 5));
    drop(journal);
    assert_eq!(entries(&scratch.open()), [(2, 5)]);
    let foreign = scratch.0.join("a.retry");
    fs::write(&foreign, "foreign").unwrap();
    let then = std::time::SystemTime::now() - LIFETIME;
    for file in scratch.files() {
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(then).unwrap();
    }
    let other = Identity {
        hash: [8; 32],
        ..IDENTITY
    };
    drop(Journal::open(&scratch.0, other, &telemetry()).unwrap());
    assert_eq!(scratch.files(), [foreign]);
}

#[test]
fn a_failed_write_is_repaired_by_the_next_write() {
    let scratch = Scratch::new("fails");
    let journal = scratch.open();
    journal.put(saved(1, 5));
    let path = scratch.files()[0].clone();
    let full = fs::File::options().append(true).open("/dev/full").unwrap();
    let good = journal.lock().file.exchange(full);
    journal.settle(1, Settled::of(7..8));
    drop(good);
    journal.settle(1, Settled::of(8..9));
    drop(journal);
    assert!(path.is_file());
    assert_eq!(entries(&scratch.open()), [(1, 7)]);
}
