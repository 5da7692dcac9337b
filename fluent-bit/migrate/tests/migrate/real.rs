//! A real Fluent Bit takes what `migrate multiline` writes, and joins lines by it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::run;

#[test]
#[ignore = "needs a real Fluent Bit"]
fn the_parser_and_filters_join_lines() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("multiline");
    fs::create_dir_all(&folder).unwrap();
    let (status, text) = run(&["multiline", "--datetime", r#"^"%Y-%m-%d"#], "", &[]);
    assert_eq!(status, 0, "{text}");
    let (parsers, filters) = text.split_once("# The configuration").unwrap();
    let lines = [
        "first",
        r#""2026-11-21 a"#,
        " at b",
        "",
        r#""2026-11-22 c"#,
        " at d",
    ];
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let parsers = file("parsers.conf", parsers);
    let input = file("lines", &(lines.join("\n") + "\n"));
    let place = folder.display();
    let config = format!(
        r"
[SERVICE]
    Flush        0.2
    Grace        1
    Log_Level    error
    Parsers_File {parsers}

[INPUT]
    Name           tail
    Path           {input}
    Read_From_Head on
    Tag            web-firelens-1
    Key            log

#{filters}
[OUTPUT]
    Name     file
    Match    *
    Path     {place}
    File     out
    Format   template
    Template <{{log}}>
"
    );
    let config = file("router.conf", &config);
    let out = folder.join("out");
    drop(fs::remove_file(&out));
    let host = std::env::var("FLUENT_BIT").expect("FLUENT_BIT names one");
    let mut host = Command::new(host).args(["-c", &config]).spawn().unwrap();
    let joined = arrives(&out, "at d");
    host.kill().unwrap();
    host.wait().unwrap();
    let events: Vec<&str> = joined.split('<').map(str::trim_end).collect();
    let expected = [
        "",
        "first>",
        "\"2026-11-21 a\n at b\n\n>",
        "\"2026-11-22 c\n at d>",
    ];
    assert_eq!(events, expected);
}

/// What a file holds once this is in it.
fn arrives(file: &Path, text: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = fs::read_to_string(file).unwrap_or_default();
        if found.contains(text) {
            return found;
        }
        assert!(Instant::now() < deadline, "`{text}` is not in `{found}`");
        thread::sleep(Duration::from_millis(20));
    }
}
