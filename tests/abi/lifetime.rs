//! Loading and registering plugins, and the resources after exit.

use std::hint;
use std::process::Command;
use std::time::{Duration, Instant};

use cbindings::host::{Generation, Library, fd_count, thread_count};
use support::alone::alone;
use support::aws::{Account, Action, Rule, StandIn};
use support::host::{PluginHost, built};
use support::output::{GROUP, Output, STREAM, logs, ready};

use super::{OK, PLUGINS, assert_ok};

#[test]
fn only_the_functions_of_the_abi_are_exported() {
    for plugin in PLUGINS {
        let listing = binutils("nm", &["-D", "--defined-only", "--format=posix"], plugin);
        let names = listing.lines().filter_map(|line| line.split(' ').next());
        let foreign: Vec<_> = names.filter(|name| !EXPORTS.contains(name)).collect();
        assert!(foreign.is_empty(), "{plugin} exports {foreign:?}");
        assert_eq!(listing.lines().count(), EXPORTS.len(), "{listing}");
    }
}

#[test]
fn the_libraries_are_never_unmapped() {
    for plugin in PLUGINS {
        let dynamic = binutils("readelf", &["-d"], plugin);
        let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)"));
        let flags = flags.unwrap_or_default();
        assert!(flags.contains("NODELETE"), "{plugin}: {dynamic}");
    }
}

#[test]
fn a_plugin_registers_twice_in_one_process() {
    for plugin in PLUGINS {
        let host = PluginHost::load(plugin, Generation::V5_1);
        let again = host.library().register().expect("registers again");
        let other = Library::open(&built(plugin), Generation::V5_1).expect("loads again");
        assert_eq!(other.register(), Ok(again.clone()));
        assert_eq!((again.kind, again.proxy, again.flags), (2, 11, 0));
        assert_eq!(again.name, plugin);
    }
}

/// The oldest first, each in its own process. A plugin expects one version of Fluent Bit per process and
/// detects it from the calls that it gets.
#[test]
fn the_oldest_and_newest_fluent_bit_versions_deliver() {
    if !alone(
        "lifetime::the_oldest_and_newest_fluent_bit_versions_deliver",
        &[],
    ) {
        return;
    }
    for generation in GENERATIONS {
        let aws = ready();
        for (plugin, output) in all(&aws) {
            let host = PluginHost::load(plugin, generation);
            let instance = host.library().instance(output.section()).expect("opens");
            assert_eq!(instance.flush("a.tag", logs(["one"])).code, OK);
            assert_eq!(instance.exit().code, OK);
        }
        assert_eq!(arrived(&aws), [1; 3], "{generation:?}");
    }
}

#[test]
fn no_thread_file_or_call_exists_before_the_first_chunk() {
    if !alone(
        "lifetime::no_thread_file_or_call_exists_before_the_first_chunk",
        &[],
    ) {
        return;
    }
    let aws = ready();
    let before = (thread_count(), fd_count());
    let hosts = PLUGINS.map(|plugin| PluginHost::load(plugin, Generation::V5_1));
    assert_eq!((thread_count(), fd_count()), before, "after registration");
    let instances = all(&aws).map(|(_, output)| output.open());
    assert!(aws.calls().is_empty(), "{:?}", aws.calls());
    instances
        .iter()
        .for_each(|instance| assert_ok(instance.flush("a.tag", logs(["one"]))));
    drop((instances, hosts));
}

#[test]
fn exit_leaves_no_threads_and_no_open_files() {
    if !alone("lifetime::exit_leaves_no_threads_and_no_open_files", &[]) {
        return;
    }
    let before = (thread_count(), fd_count());
    let aws = ready();
    for (_, output) in all(&aws) {
        let instances = [output.open(), output.open()];
        for instance in &instances {
            assert_ok(instance.flush("a.tag", logs(["one"])));
        }
    }
    drop(aws);
    assert!(
        settles(|| (thread_count(), fd_count()) == before),
        "threads and files were {before:?}, are {:?}",
        (thread_count(), fd_count())
    );
}

#[test]
fn two_hundred_sections_open_and_close_one_after_another() {
    if !alone(
        "lifetime::two_hundred_sections_open_and_close_one_after_another",
        &[],
    ) {
        return;
    }
    let before = (thread_count(), fd_count());
    let aws = ready();
    for cycle in 0..100 {
        for (_, output) in all(&aws) {
            let instance = output.open();
            if cycle % 20 == 0 {
                assert_ok(instance.flush("a.tag", logs(["one"])));
            }
            drop(instance.exit());
        }
    }
    assert_eq!(arrived(&aws), [5; 3]);
    drop(aws);
    assert!(settles(|| (thread_count(), fd_count()) == before));
}

/// Background work (a group's retention, the renewal of credentials, the metadata) ends with the last
/// section, even if it gets no response.
#[test]
fn exit_takes_less_than_two_seconds_if_endpoints_hang() {
    let aws = StandIn::builder()
        .verify("nobody", "nothing")
        .credentials_lifetime(Duration::from_secs(5))
        .start()
        .expect("starts");
    aws.create_stream(GROUP, STREAM);
    aws.script(Rule::on("PutRetentionPolicy", Action::Hang).forever());
    aws.script(Rule::on("EcsCredentials", Action::Hang).nth(2).forever());
    let instance = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .with("log_retention_days", "7")
        .with("credentials_endpoint", &aws.credentials_uri())
        .open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    for operation in ["PutRetentionPolicy", "EcsCredentials"] {
        let hangs = |account: &Account| account.in_flight(operation) == 1;
        assert!(aws.wait_for(hangs, Duration::from_secs(10)), "{operation}");
    }
    let began = Instant::now();
    drop(instance.exit());
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn callbacks_use_little_stack() {
    let aws = ready();
    for (plugin, output) in all(&aws) {
        let host = output.host();
        let instance = host.library().instance(output.section()).expect("opens");
        let used = instance.flush("a.tag", logs(["one"; 500])).stack_used;
        assert!(used < STACK_LIMIT, "{plugin}: {used} bytes of the stack");
    }
}

fn all(aws: &StandIn) -> [(&'static str, Output); 3] {
    [
        ("cloudwatch", Output::cloudwatch(aws)),
        ("firehose", Output::firehose(aws)),
        ("kinesis", Output::kinesis(aws)),
    ]
}

/// The number of records that each service has stored.
fn arrived(aws: &StandIn) -> [u64; 3] {
    aws.look(|account| {
        let tallies = [
            account.events_tally(),
            account.records_tally(),
            account.kinesis_total(),
        ];
        tallies.map(|tally| tally.count)
    })
}

/// Waits for a condition: a joined thread stays in `/proc` for a moment.
fn settles(mut settled: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while !settled() {
        if Instant::now() > end {
            return false;
        }
        hint::spin_loop();
    }
    true
}

fn binutils(tool: &str, arguments: &[&str], plugin: &str) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .arg(built(plugin))
        .output();
    let output = output.unwrap_or_else(|problem| panic!("{tool} of binutils is needed: {problem}"));
    assert!(output.status.success(), "{tool}: {}", output.status);
    String::from_utf8(output.stdout).expect("ASCII")
}

/// The stack is 24 KiB. Unoptimised code needs more.
const STACK_LIMIT: usize = if cfg!(debug_assertions) {
    12 * 1024
} else {
    4 * 1024
};

const EXPORTS: [&str; 10] = [
    "FLBPluginExit",
    "FLBPluginExitCtx",
    "FLBPluginFlush",
    "FLBPluginFlushCtx",
    "FLBPluginInit",
    "FLBPluginOutputPreExit",
    "FLBPluginOutputPreRun",
    "FLBPluginPreRegister",
    "FLBPluginRegister",
    "FLBPluginUnregister",
];

/// The oldest first.
const GENERATIONS: [Generation; 4] = [
    Generation::V1_9,
    Generation::V2_2,
    Generation::V4_2,
    Generation::V5_1,
];
