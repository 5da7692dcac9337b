//! The demo with faults, and its report in a browser.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run with faults printed last, and its report.
struct Run {
    lines: Vec<String>,
    folder: PathBuf,
    html: String,
}

fn run() -> Run {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.env("FLUENT_BIT", "").env("LOGS", "");
    demo.env("CHAOS", "1").env("DEMO_FOLDER", &folder);
    let output = demo.output().expect("the demo starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    Run {
        lines: text.lines().map(str::to_owned).collect(),
        html: fs::read_to_string(folder.join("report.html")).expect("a report"),
        folder,
    }
}

#[test]
fn faults_lose_and_double_nothing_and_the_report_has_the_figures_of_the_account() {
    let run = &run();
    let account = run.lines.last().expect("a line");
    let account = account.strip_prefix("demo: ").expect("the account");
    assert!(account.ends_with(" lost=0 duplicated=0"), "{account}");
    assert!(run.html.contains(&format!(">{account}</p>")));
    let numbers: Vec<&str> = account.split([' ', '=']).collect();
    for pair in numbers
        .chunks(2)
        .filter(|pair| ["cloudwatch", "firehose", "kinesis"].contains(&pair[0]))
    {
        let row = run
            .html
            .lines()
            .find(|line| line.starts_with(&format!("<tr><th scope=\"row\">{}</th>", pair[0])));
        let stored = format!("<td class=\"number\">{}</td>", pair[1]);
        // As many are stored as were sent.
        assert_eq!(row.expect("a row").matches(&stored).count(), 2, "{row:?}");
    }
    each_fault_and_the_poisoned_event_is_named(run);
    nothing_is_loaded_and_everything_has_a_name(run);
    a_browser_shows_it_in_light_and_dark(run);
}

fn each_fault_and_the_poisoned_event_is_named(run: &Run) {
    let faults = [
        "throttled",
        "HTTP 500",
        "resets",
        "log stream deleted",
        "silence",
        "reload",
        "stop",
    ];
    for fault in faults {
        assert!(
            run.html.contains(&format!("<th scope=\"row\">{fault}")),
            "{fault}"
        );
    }
    let named = run.lines.iter().find(|line| line.starts_with("poisoned: "));
    let named = named.expect("the poisoned event");
    assert!(named.contains("written by web, is not stored"), "{named}");
    assert!(named.contains("dropped 1 event"), "{named}");
    let written = run.lines.iter().filter(|line| line.contains(" wrote: "));
    let stored = run
        .lines
        .iter()
        .filter(|line| line.starts_with("  stored: "));
    assert_eq!((written.count(), stored.clone().count()), (9, 9));
    assert!(
        stored
            .clone()
            .all(|line| line.contains("ecs_task_definition")),
        "{stored:?}"
    );
}

fn nothing_is_loaded_and_everything_has_a_name(run: &Run) {
    let html = run.html.replace("http://www.w3.org/2000/svg", "");
    let markup: Vec<&str> = html
        .split('<')
        .skip(1)
        .filter_map(|part| part.split('>').next())
        .collect();
    for tag in &markup {
        let loads = [
            "script", "link", "img", "iframe", "object", "@import", "url(",
        ];
        assert!(!loads.iter().any(|load| tag.starts_with(load)), "{tag}");
        assert!(
            !tag.contains("src=") && !tag.contains("href=\"http"),
            "{tag}"
        );
    }
    assert!(!html.contains("url(") && !html.contains("@import"));
    let count = |start: &str| markup.iter().filter(|tag| tag.starts_with(start)).count();
    assert_eq!(count("caption"), count("table"));
    assert!(count("table") >= 4, "{}", count("table"));
    assert!(count("html lang=") == 1 && count("h1") == 1 && count("main") == 1);
    assert!(html.contains("role=\"img\" aria-labelledby=\"chart-title chart-what\""));
    // What scrolls is reached by keyboard, and each identity is there once.
    let scrolls = |tag: &&&str| tag.starts_with("pre") || tag.starts_with("div class=\"wide\"");
    assert!(
        markup
            .iter()
            .filter(scrolls)
            .all(|tag| tag.contains("tabindex=\"0\""))
    );
    let ids: Vec<&str> = html
        .split(" id=\"")
        .skip(1)
        .filter_map(|part| part.split('"').next())
        .collect();
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "{ids:?}"
    );
}

fn a_browser_shows_it_in_light_and_dark(run: &Run) {
    let Some(browser) = chromium() else {
        println!("report: skipped, there is no chromium on PATH");
        return;
    };
    let light = corner(&screenshot(&browser, run, "light", 1));
    let dark = corner(&screenshot(&browser, run, "dark", 0));
    assert_eq!((light, dark), ([0xff, 0xff, 0xff], [0x12, 0x16, 0x1d]));
}

fn chromium() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut places = env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    places.find(|place| place.is_file())
}

/// A picture of the report, as a reader sees it who prefers one of the themes.
fn screenshot(browser: &Path, run: &Run, name: &str, theme: u8) -> PathBuf {
    let picture = run.folder.join(format!("{name}.png"));
    let profile = run.folder.join(format!("{name}-profile"));
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-background-networking",
    ]);
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND");
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.arg(format!("--blink-settings=preferredColorScheme={theme}"));
    command.arg("--window-size=1100,1400");
    command.arg(format!("--screenshot={}", picture.display()));
    command.arg(format!(
        "file://{}",
        run.folder.join("report.html").display()
    ));
    let output = command.output().expect("a browser starts");
    assert!(output.status.success(), "{output:?}");
    let size = fs::metadata(&picture).expect("a picture").len();
    // A page without its text and its chart takes 10 kB.
    assert!(size > 50_000, "{size} bytes, {output:?}");
    picture
}

/// The colour of a PNG file's first pixel, to which no filter of PNG adds anything.
fn corner(picture: &Path) -> [u8; 3] {
    let png = fs::read(picture).expect("a picture");
    let (mut data, mut rest) = (Vec::new(), &png[8..]);
    while let [a, b, c, d, kind @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        if kind.starts_with(b"IDAT") {
            data.extend_from_slice(&kind[4..4 + length]);
        }
        rest = &kind[4 + length + 4..];
    }
    let mut row = [0; 4];
    let mut pixels = flate2::read::ZlibDecoder::new(&data[..]);
    pixels.read_exact(&mut row).expect("a row");
    [row[1], row[2], row[3]]
}
