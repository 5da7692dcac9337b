//! Where an answer goes that cannot be written, and what bytes an input may have.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use crate::{run, run_in};

const OUTPUT: &str = "[OUTPUT]\nName firehose\nregion us-east-1\ndelivery_stream d\n";

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_migrate"))
}

#[test]
fn a_closed_pipe_ends_it_without_a_word() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done = program()
        .arg("--help")
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let done = done.wait_with_output().unwrap();
    assert_eq!((done.status.code(), done.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_full_disk_is_told() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = program()
        .arg("--help")
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let done = done.wait_with_output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert!(
        said.starts_with("migrate: the answer cannot be written: No space left"),
        "{said}"
    );
}

#[test]
fn utf_16_is_read_by_its_byte_order_mark() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let plain = run(&["-"], OUTPUT, &[]);
    for (name, unit) in [
        ("le", u16::to_le_bytes as fn(u16) -> [u8; 2]),
        ("be", u16::to_be_bytes),
    ] {
        let units = format!("\u{feff}{OUTPUT}")
            .encode_utf16()
            .flat_map(unit)
            .collect::<Vec<u8>>();
        std::fs::write(folder.join(name), units).unwrap();
        assert_eq!(run_in(folder, &[name], ""), plain);
    }
}

#[test]
fn several_files_are_reported_each_under_its_name() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("several");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("a.conf"),
        "@INCLUDE b.conf\n[INPUT]\nName tail\n",
    )
    .unwrap();
    std::fs::write(folder.join("b.conf"), OUTPUT).unwrap();
    std::fs::write(folder.join("notes.md"), "# Notes\n").unwrap();
    let (status, text) = run_in(&folder, &["a.conf", "b.conf"], "");
    assert_eq!(status, 0, "{text}");
    assert!(
        text.starts_with("== a.conf\n") && text.contains("b.conf, line 1: output `firehose`"),
        "{text}"
    );
    assert!(!text.contains("== b.conf"), "{text}");
    let (status, text) = run_in(&folder, &["."], "");
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("1 file has no task definition"), "{text}");
}
