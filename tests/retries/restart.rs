//! With `resume_path`, the next process knows which events of a chunk were delivered.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use cbindings::abi::FLB_OK;
use cbindings::host::{ABANDONED, Generation};
use support::alone::alone;
use support::aws::{Account, Action, ErrorAnswer, Rule, StandIn};
use support::chunk::{Chunk, Time, map};
use support::host::{Instance, PluginHost, Verdict, flushes_yield};
use support::output::{Output, ready};

use super::{PLUGINS, Plugin, START_VARIABLE, Scratch, count, start, text};

fn output(plugin: Plugin, aws: &StandIn, directory: &Path) -> Output {
    (plugin.output)(aws).with("resume_path", text(directory))
}

/// Refuses the request with the last events and accepts all others.
fn refuse_the_last(plugin: Plugin, aws: &StandIn) {
    let denied = ErrorAnswer::new(400, "AccessDeniedException", "not now");
    let rule = Rule::on(plugin.operation, Action::Error(denied));
    aws.script(rule.contains(&plugin.last_text()).forever());
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name");
    entries
        .map(|entry| name(entry.expect("an entry")))
        .collect()
}

/// One instance delivers half of the chunk.
fn delivered_in_part(plugin: Plugin, aws: &StandIn, output: &Output) {
    refuse_the_last(plugin, aws);
    let instance = output.open();
    assert_eq!(instance.flush("a.tag", plugin.same_chunk()), Verdict::Retry);
    drop(instance.exit());
    aws.clear();
    assert_eq!((plugin.delivered)(aws).len(), plugin.first_records);
}

fn deliver_the_rest(plugin: Plugin, aws: &StandIn, instance: &Instance) {
    assert_eq!(instance.flush("a.tag", plugin.same_chunk()), Verdict::Ok);
    plugin.assert_delivered_once(aws);
}

#[test]
fn the_next_instance_sends_only_pending_events() {
    let scratch = Scratch::new("next");
    for plugin in PLUGINS {
        let (aws, directory) = (ready(), scratch.path("a/b"));
        let output = output(plugin, &aws, &directory);
        delivered_in_part(plugin, &aws, &output);
        let file = directory.join(&files(&directory)[0]);
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let instance = output.open();
        deliver_the_rest(plugin, &aws, &instance);
        let lines = instance.exit();
        assert_eq!(
            count(&lines, "only what is left of it is sent"),
            1,
            "{lines:#?}"
        );
        assert!(files(&directory).is_empty(), "{:?}", files(&directory));
    }
}

#[test]
fn a_restart_without_resume_path_sends_the_whole_chunk() {
    for plugin in PLUGINS {
        let aws = ready();
        let output = (plugin.output)(&aws);
        delivered_in_part(plugin, &aws, &output);
        let instance = output.open();
        assert_eq!(instance.flush("a.tag", plugin.same_chunk()), Verdict::Ok);
        let twice = plugin.first_records;
        assert_eq!((plugin.delivered)(&aws).len(), plugin.texts().len() + twice);
    }
}

#[test]
fn a_process_killed_during_a_chunk_duplicates_nothing() {
    if let Ok(arguments) = env::var(CHILD) {
        return child(&arguments);
    }
    let scratch = Scratch::new("killed");
    for plugin in PLUGINS {
        let (aws, directory) = (ready(), scratch.path("resume"));
        let rule = Rule::on(plugin.operation, Action::Hang);
        aws.script(rule.contains(&plugin.last_text()).forever());
        let mut child = spawn(plugin, &aws, &directory);
        let in_the_middle = |account: &Account| {
            account.count(plugin.operation) > plugin.first_requests
                && account.in_flight(plugin.operation) == 1
        };
        assert!(aws.wait_for(in_the_middle, PATIENCE));
        child.kill().expect("killed");
        child.wait().expect("gone");
        let none_is_open = |account: &Account| account.in_flight(plugin.operation) == 0;
        assert!(aws.wait_for(none_is_open, PATIENCE));
        aws.clear();
        assert_eq!((plugin.delivered)(&aws).len(), plugin.first_records);
        let instance = output(plugin, &aws, &directory).open();
        deliver_the_rest(plugin, &aws, &instance);
    }
}

/// Fluent Bit ends before its event loop resumes the flush. The chunk stays in its storage.
#[test]
fn a_result_that_fluent_bit_did_not_read_duplicates_nothing_after_a_restart() {
    let scratch = Scratch::new("untaken");
    for plugin in PLUGINS {
        let (aws, directory) = (ready(), scratch.path(plugin.name));
        let late = Action::AcceptThenDelay(Duration::from_millis(300));
        aws.script(Rule::on(plugin.operation, late));
        let chunk = || Chunk::new().v2(Time::millis(start()), map([("log", "the one event")]));
        let host = PluginHost::load(plugin.name, Generation::V5_1);
        let section = output(plugin, &aws, &directory).section();
        let instance = host.library().instance(section).expect("opens");
        let pending = instance.begin_flush("a.tag", chunk());
        assert!(aws.wait_for(|account| account.in_flight(plugin.operation) == 1, PATIENCE));
        drop(instance.exit());
        let code = pending.wait().code;
        assert_eq!((plugin.delivered)(&aws).len(), 1);
        if !flushes_yield() {
            // Its thread was in the flush, so Fluent Bit could end only once it had the answer.
            assert_eq!(code, FLB_OK);
            continue;
        }
        assert_eq!(code, ABANDONED);
        let instance = output(plugin, &aws, &directory).open();
        assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok);
        assert_eq!((plugin.delivered)(&aws).len(), 1, "{}", plugin.name);
        assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok);
        assert_eq!((plugin.delivered)(&aws).len(), 2, "an equal chunk of later");
    }
}

/// Runs this test in a child process, which delivers the chunk.
fn spawn(plugin: Plugin, aws: &StandIn, directory: &Path) -> Child {
    let test = "restart::a_process_killed_during_a_chunk_duplicates_nothing";
    Command::new(env::current_exe().expect("a test has a file"))
        .args([test, "--exact", "--nocapture"])
        .env(
            CHILD,
            format!("{} {} {}", plugin.name, aws.url(), text(directory)),
        )
        .env(START_VARIABLE, start().to_string())
        .spawn()
        .expect("a test can be run again")
}

fn child(arguments: &str) {
    let [name, url, directory] = arguments.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{arguments}");
    };
    let plugin = PLUGINS.iter().find(|plugin| plugin.name == name);
    let plugin = plugin.expect("a plugin");
    let nobody = ready();
    let output = output(*plugin, &nobody, Path::new(directory)).with("endpoint", url);
    let instance = output.open();
    let verdict = instance.flush("a.tag", plugin.same_chunk());
    unreachable!("killed before the answer {verdict:?}");
}

#[test]
fn an_unusable_resume_directory_is_a_warning_and_the_output_works() {
    let scratch = Scratch::new("unusable");
    let (file, link, target) = (
        scratch.path("file"),
        scratch.path("link"),
        scratch.path("to"),
    );
    fs::write(&file, "x").expect("written");
    fs::create_dir(&target).expect("made");
    symlink(&target, &link).expect("linked");
    for directory in [file.join("below"), file.clone(), link] {
        for plugin in PLUGINS {
            let aws = ready();
            let instance = output(plugin, &aws, &directory).open();
            assert_eq!(instance.flush("a.tag", plugin.same_chunk()), Verdict::Ok);
            plugin.assert_delivered_once(&aws);
            let lines = instance.exit();
            assert_eq!(
                count(&lines, "`resume_path` has no effect"),
                1,
                "{lines:#?}"
            );
        }
    }
    assert!(files(&target).is_empty());
    assert_eq!(fs::read_to_string(&file).expect("read"), "x");
}

#[test]
fn a_section_can_turn_off_the_resume_path_of_the_environment() {
    let test = "restart::a_section_can_turn_off_the_resume_path_of_the_environment";
    let scratch = Scratch::new("environment");
    let directory = scratch.path("resume");
    if !alone(test, &[("FLUENT_BIT_RESUME_PATH", Some(text(&directory)))]) {
        return;
    }
    let directory = env::var("FLUENT_BIT_RESUME_PATH").expect("is set");
    for plugin in PLUGINS {
        let aws = ready();
        let off = (plugin.output)(&aws).with("resume_path", "off").open();
        assert!(!Path::new(&directory).exists());
        drop(off.exit());
        let output = (plugin.output)(&aws);
        delivered_in_part(plugin, &aws, &output);
        deliver_the_rest(plugin, &aws, &output.open());
        fs::remove_dir_all(&directory).expect("removed");
    }
}

#[test]
fn a_relative_resume_path_is_an_error_at_start() {
    let lines = (PLUGINS[0].output)(&ready())
        .with("resume_path", "here")
        .refused();
    assert_eq!(
        count(
            &lines,
            "`resume_path` is `here`: it must be an absolute path, or off"
        ),
        1
    );
}

#[test]
fn a_section_with_other_options_sends_the_whole_chunk() {
    let scratch = Scratch::new("options");
    let (plugin, aws, directory) = (PLUGINS[0], ready(), scratch.path("resume"));
    let first = output(plugin, &aws, &directory);
    delivered_in_part(plugin, &aws, &first);
    let instance = first.clone().with("max_event_bytes", "2000").open();
    assert_eq!(instance.flush("a.tag", plugin.same_chunk()), Verdict::Ok);
    let twice = plugin.first_records;
    assert_eq!((plugin.delivered)(&aws).len(), plugin.texts().len() + twice);
    drop(instance.exit());
    assert_eq!(files(&directory).len(), 1, "the other section's file stays");
    let later = first.with("flush_timeout", "20s").open();
    assert_eq!(later.flush("a.tag", plugin.same_chunk()), Verdict::Ok);
    let rest = plugin.texts().len() - plugin.first_records;
    let stored = (plugin.delivered)(&aws).len();
    assert_eq!(stored, plugin.texts().len() + twice + rest);
}

#[test]
fn plugins_and_instances_share_a_resume_directory() {
    let scratch = Scratch::new("shared");
    let directory = scratch.path("resume");
    let aws = [ready(), ready()];
    let outputs = [0, 1].map(|n| output(PLUGINS[n], &aws[n], &directory));
    for n in [0, 1] {
        delivered_in_part(PLUGINS[n], &aws[n], &outputs[n]);
    }
    assert_eq!(files(&directory).len(), 2);
    for n in [0, 1] {
        let (old, new) = (outputs[n].open(), outputs[n].open());
        assert_eq!(old.flush("another", PLUGINS[n].same_chunk()), Verdict::Ok);
        drop(old.exit());
        assert_eq!(new.flush("a.tag", PLUGINS[n].same_chunk()), Verdict::Ok);
        let stored = (PLUGINS[n].delivered)(&aws[n]).len();
        assert_eq!(stored, PLUGINS[n].texts().len() * 2);
    }
}

const CHILD: &str = "RETRIES_CHILD";
const PATIENCE: Duration = Duration::from_secs(20);
