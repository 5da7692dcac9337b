//! Configurations written for both peers, with all of their options, in a real Fluent Bit.
//!
//! `FLUENT_BIT` names its program, or several parted by colons; without it there is nothing to run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::aws::StandIn;

/// A running Fluent Bit; it is ended with the test.
struct FluentBit(Child);

impl FluentBit {
    fn start(program: &str, config: &str, aws: &StandIn) -> Self {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs");
        let child = Command::new(program)
            .arg("-e")
            .arg(plugin())
            .arg("-c")
            .arg(configs.join(config))
            .env("STAND_IN", aws.url())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|problem| panic!("{program}: {problem}")))
    }
}

impl Drop for FluentBit {
    fn drop(&mut self) {
        // One that has ended by itself needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn both_peers_configurations_start_and_deliver() {
    let Ok(programs) = env::var("FLUENT_BIT") else {
        eprintln!("skipped: FLUENT_BIT names no program");
        return;
    };
    for program in programs.split(':') {
        deliver(
            program,
            "cloudwatch-go.conf",
            ("/go/web/soup", "app.web-info"),
            "a line",
        );
        deliver(
            program,
            "cloudwatch-c.conf",
            ("/c/info", "web.info"),
            "\"log\":\"a line\"",
        );
    }
}

fn deliver(program: &str, config: &str, (group, stream): (&str, &str), text: &str) {
    let aws = StandIn::start();
    let _running = FluentBit::start(program, config, &aws);
    let arrived = aws.wait_for(
        |account| account.events(group, stream).len() == 3 && has_retention(account, group),
        Duration::from_secs(60),
    );
    assert!(arrived, "{program} {config}: {:?}", aws.streams());
    let events = aws.events(group, stream);
    assert!(
        events.iter().all(|event| event.message.contains(text)),
        "{events:?}"
    );
    assert_eq!(aws.assumed_roles()[0].external_id.as_deref(), Some("42"));
    eprintln!("{program} {config}: delivered");
}

fn has_retention(account: &support::aws::Account, group: &str) -> bool {
    account.groups()[group].retention_days == Some(7)
}

/// The plugin as Cargo built it for this test.
fn plugin() -> PathBuf {
    let test = env::current_exe().unwrap();
    let built = test
        .ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join("libcloudwatch.so"));
    built
        .into_iter()
        .find(|path| path.is_file())
        .expect("Cargo has built the plugin")
}
