//! `credential_process`: programs that hang, leave child processes, or write too much.

use std::fs;
use std::path::Path;
use std::time::Duration;

use support::aws::StandIn;

use crate::aws;
use crate::child::{Case, Outcome};
use crate::providers::File;

/// A profile whose credential_process is a shell script that writes process ids to files.
struct Script {
    config: File,
    _script: File,
    pids: File,
    overlaps: File,
}

impl Script {
    /// The script writes its process id. If a process of an earlier run still exists, it writes an overlap.
    /// `$note` writes the id of the last child.
    fn new(name: &str, work: &str) -> Self {
        let file = |part: &str| File::new(&format!("{name}-{part}"), "");
        let (pids, overlaps) = (file("pids"), file("overlaps"));
        let text = format!(
            "for pid in $(cat {pids}); do grep -q '^State:.[^ZX]' /proc/$pid/status 2>/dev/null && echo $pid >>{overlaps}; done\n\
             echo $$ >>{pids}\n{work}\n",
            pids = pids.path(),
            overlaps = overlaps.path(),
        );
        let text = text.replace("$note", &format!("echo $! >>{}", pids.path()));
        let script = File::new(&format!("{name}-script"), &text);
        let config = format!("[default]\ncredential_process = sh {}\n", script.path());
        Self {
            config: File::new(&format!("{name}-config"), &config),
            _script: script,
            pids,
            overlaps,
        }
    }

    fn case(&self, aws: &StandIn) -> Case {
        Case::new(&aws.url()).set("AWS_CONFIG_FILE", self.config.path())
    }

    /// The process ids that the script wrote.
    fn process_ids(&self) -> Vec<String> {
        read(&self.pids)
    }

    /// The processes of these ids that still exist.
    fn alive(&self) -> Vec<String> {
        let process_ids = self.process_ids();
        process_ids
            .into_iter()
            .filter(|pid| is_alive(pid))
            .collect()
    }
}

fn read(file: &File) -> Vec<String> {
    let text = fs::read_to_string(file.path()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// A killed process may be a zombie until it is reaped. It is not alive.
fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    let status = status.unwrap_or_default();
    let state = status.lines().find(|line| line.starts_with("State:"));
    state.is_some_and(|state| !state.contains('Z') && !state.contains('X'))
}

fn answer(name: &str) -> File {
    let answer = r#"{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK"}"#;
    File::new(name, answer)
}

fn assert_exit_is_quick(outcome: &Outcome) {
    let exit = outcome.exit[0];
    assert!(exit < Duration::from_secs(2), "{exit:?} {outcome:#?}");
}

const HANGS: &str = "sleep 600 &\n$note\nsleep 600";

#[test]
fn a_hanging_process_runs_once_and_is_killed_with_its_children() {
    let aws = aws();
    let script = Script::new("hangs", HANGS);
    let case = script.case(&aws).option("flush_timeout", "2s");
    let outcome = case.instances(3).attempts(6).run();
    assert_eq!(outcome.verdicts, ["Retry"; 18]);
    outcome.line("credential_process");
    let (process_ids, alive) = (script.process_ids(), script.alive());
    assert_eq!(
        alive,
        [""; 0],
        "of {} noted: still alive",
        process_ids.len()
    );
    assert_eq!(read(&script.overlaps), [""; 0], "two at a time");
    // At most three lookups run in twelve seconds, each with a process and its child.
    assert!((2..=6).contains(&process_ids.len()), "{process_ids:?}");
    assert_exit_is_quick(&outcome);
}

#[test]
fn a_child_that_keeps_the_output_open_is_not_awaited() {
    let aws = aws();
    let answer = answer("child-answer");
    let work = format!("sleep 600 &\n$note\ncat {}", answer.path());
    let script = Script::new("child", &work);
    let outcome = script.case(&aws).run();
    outcome.delivered();
    assert!(outcome.took[0] < Duration::from_secs(4), "{outcome:#?}");
    assert_eq!(script.alive(), [""; 0]);
}

#[test]
fn a_process_that_closes_its_output_and_stays_is_killed() {
    let aws = aws();
    let script = Script::new("closes", "exec >&-\nsleep 600");
    let case = script.case(&aws).option("flush_timeout", "1s");
    let outcome = case.run();
    outcome.retried("credential_process");
    assert_eq!(script.alive(), [""; 0]);
    assert_exit_is_quick(&outcome);
}

#[test]
fn an_output_beyond_64_kib_is_an_error() {
    let aws = aws();
    let script = Script::new("endless", "cat /dev/zero");
    let outcome = script.case(&aws).option("flush_timeout", "3s").run();
    outcome.retried("wrote more than 64 KiB");
    assert_eq!(script.alive(), [""; 0]);
}
