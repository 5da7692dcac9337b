//! Several instances in one process, and several threads in one instance.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use cbindings::host::{Generation, Layout, Library, stray_lines};
use support::aws::StandIn;
use support::host::built;
use support::output::{GROUP, Output, STREAM, logs, messages, ready};

use super::{OK, assert_ok};

#[test]
fn ten_instances_of_two_plugins_deliver_to_their_own_targets() {
    let aws = StandIn::start();
    let names: Vec<String> = (0..5).map(|n| format!("place-{n}")).collect();
    for name in &names {
        aws.create_stream(name, STREAM);
        aws.create_delivery_stream(name);
    }
    let open = |name: &String| {
        let logs = Output::cloudwatch(&aws).with("log_group_name", name);
        let firehose = Output::firehose(&aws).with("delivery_stream", name);
        (name.clone(), [logs.open(), firehose.open()])
    };
    let instances: Vec<_> = names.iter().map(open).collect();
    thread::scope(|scope| {
        for (name, pair) in &instances {
            for instance in pair {
                scope.spawn(move || assert_ok(instance.flush("a.tag", logs([name]))));
            }
        }
    });
    for name in &names {
        let record = format!(r#"{{"log":"{name}"}}"#);
        assert_eq!(messages(&aws, name, STREAM), [record.as_str()]);
        assert_eq!(aws.records(name), [format!("{record}\n").as_bytes()]);
    }
}

#[test]
fn eight_threads_flush_one_instance_at_once() {
    let aws = ready();
    aws.set_latency(Duration::from_millis(20));
    let instance = Output::cloudwatch(&aws).open();
    thread::scope(|scope| {
        for thread in 0..8 {
            let instance = &instance;
            scope.spawn(move || {
                for chunk in 0..10 {
                    let texts = (0..50).map(|n| format!("{thread}/{chunk}/{n}"));
                    assert_ok(instance.flush("a.tag", logs(texts)));
                }
            });
        }
    });
    let stored = messages(&aws, GROUP, STREAM);
    let distinct: BTreeSet<_> = stored.iter().collect();
    assert_eq!((stored.len(), distinct.len()), (4000, 4000));
    assert!(aws.max_in_flight("PutLogEvents") > 1, "one at a time");
}

#[test]
fn only_fluent_bit_threads_print_log_lines() {
    let aws = ready();
    let output = Output::cloudwatch(&aws)
        .with("log_stream_name", "new")
        .with("flush_timeout", "1s");
    let host = output.host();
    let section = output.section().log_level(cbindings::Level::Debug as i32);
    let instance = host.library().instance(section).expect("opens");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(instance.flush("a.tag", logs(["one"])).code, OK));
        }
    });
    let engine = instance.engine_thread();
    let lines = instance.exit().lines;
    assert!(
        lines
            .iter()
            .any(|line| line.text.contains("created log stream"))
    );
    assert!(lines.iter().all(|line| line.thread == engine));
    assert_eq!(stray_lines(), []);
}

#[test]
fn flushes_that_cannot_yield_start_threads_and_are_logged_once() {
    let aws = ready();
    for (plugin, output) in [
        ("cloudwatch", Output::cloudwatch(&aws)),
        ("firehose", Output::firehose(&aws)),
        ("kinesis", Output::kinesis(&aws)),
    ] {
        let library = Library::open_with(&built(plugin), Generation::V5_1, Layout::Unknown);
        let library = library.expect("loads");
        library.register().expect("registers");
        let instance = library.instance(output.section()).expect("opens");
        for _ in 0..3 {
            assert_eq!(instance.flush("a.tag", logs(["one"])).code, OK);
        }
        assert_eq!(instance.worker_threads(), 10, "{plugin}: `concurrency`");
        let lines = instance.exit().lines;
        let reported = lines
            .iter()
            .filter(|line| line.text.contains("stands still"));
        assert_eq!(reported.count(), 1, "{plugin}: {lines:?}");
    }
}
