//! Hosts before 2.0.0 give a plugin no log function: lines have the form of their own lines.

use std::env;
use std::process::Command;

use cbindings::host::Generation;
use support::host::PluginHost;
use support::output::{Output, logs, ready};

const CHILD: &str = "early::a_host_of_1_9_in_a_process_of_its_own";

/// The child: a section that is opened, writes lines, and is closed.
#[test]
fn a_host_of_1_9_in_a_process_of_its_own() {
    if env::var_os("EARLY_HOST").is_none() {
        return;
    }
    let aws = ready();
    let host = PluginHost::load("cloudwatch", Generation::V1_9);
    let section = Output::cloudwatch(&aws)
        .with("log_stream_nam", "x")
        .section();
    let instance = host.library().instance(section).expect("opens");
    let _flushed = instance.flush("a.tag", logs(["one"]));
    let _exited = instance.exit();
}

#[test]
fn lines_begin_with_the_local_time_and_the_level_as_the_hosts_own() {
    let lines = |zone: &str| -> Vec<String> {
        let child = Command::new(env::current_exe().expect("a test has a file"))
            .args([CHILD, "--exact", "--nocapture"])
            .envs([("EARLY_HOST", "1"), ("TZ", zone)])
            .output()
            .expect("a test can be run again");
        assert!(child.status.success(), "{child:?}");
        let text = String::from_utf8(child.stderr).expect("text");
        let lines = text.lines().filter(|line| line.contains("[output:"));
        lines.map(str::to_owned).collect()
    };
    let here = lines("UTC0");
    assert!(
        here.iter()
            .any(|line| line.contains("[ warn] [output:cloudwatch:")),
        "{here:#?}"
    );
    assert!(
        here.iter()
            .any(|line| line.contains("[ info] [output:cloudwatch:")),
        "{here:#?}"
    );
    for line in &here {
        let shape: String = line
            .chars()
            .take(30)
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert!(shape.starts_with("[0000/00/00 00:00:00] ["), "{line}");
        assert!(
            line[22..].starts_with(['[']) && line[29..].starts_with(" [output:"),
            "{line}"
        );
    }
    // Half a day away it is another hour.
    let there = lines("XXX-12");
    assert_ne!(here[0][12..14], there[0][12..14]);
}
