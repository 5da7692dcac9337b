//! Configurations written for both peers, with all of their options, in a real Fluent Bit.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::aws::StandIn;
use support::host::built;

/// A running Fluent Bit; it is ended with the test.
struct FluentBit(Child);

impl FluentBit {
    fn start(program: &Path, config: &str, aws: &StandIn) -> Self {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs");
        let child = Command::new(program)
            .arg("-e")
            .arg(built("cloudwatch"))
            .arg("-c")
            .arg(configs.join(config))
            .env("STAND_IN", aws.url())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|problem| panic!("{}: {problem}", program.display())))
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
#[ignore = "needs a real Fluent Bit"]
fn both_peers_configurations_start_and_deliver() {
    let program = support::demo::fluent_bit_program().unwrap();
    let program = program.expect("a Fluent Bit in $FLUENT_BIT or on PATH");
    deliver(
        &program,
        "cloudwatch-go.conf",
        ("/go/web/soup", "app.web-info"),
        "a line",
    );
    deliver(
        &program,
        "cloudwatch-c.conf",
        ("/c/info", "web.info"),
        "\"log\":\"a line\"",
    );
}

fn deliver(program: &Path, config: &str, (group, stream): (&str, &str), text: &str) {
    let aws = StandIn::start();
    let _running = FluentBit::start(program, config, &aws);
    let arrived = aws.wait_for(
        |account| account.events(group, stream).len() == 3 && has_retention(account, group),
        Duration::from_secs(60),
    );
    assert!(arrived, "{config}: {:?}", aws.streams());
    let events = aws.events(group, stream);
    assert!(
        events.iter().all(|event| event.message.contains(text)),
        "{events:?}"
    );
    assert_eq!(aws.assumed_roles()[0].external_id.as_deref(), Some("42"));
    println!("{config}: delivered");
}

fn has_retention(account: &support::aws::Account, group: &str) -> bool {
    account.groups()[group].retention_days == Some(7)
}
