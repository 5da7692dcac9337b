//! An ECS metadata endpoint that does not respond: deliveries do not wait for it, and names use the
//! metadata once it responds.

use std::fs;
use std::time::Duration;

use support::aws::{Account, Action, Rule, StandIn, Task};

use crate::KEYS;
use crate::child::Case;
use crate::providers::File;

fn silent() -> StandIn {
    let task = Task {
        family: "demo".to_owned(),
        ..Task::default()
    };
    let aws = StandIn::builder().verify("AK", "SK").task(task);
    let aws = aws.start().unwrap();
    aws.create_stream("fluentbit-default", "s");
    aws.create_stream("/demo", "s");
    aws.script(Rule::on("EcsTask", Action::Hang).forever());
    aws
}

fn case(aws: &StandIn) -> Case {
    Case::new(&aws.url())
        .set_all(&KEYS)
        .set("ECS_CONTAINER_METADATA_URI_V4", &aws.task_metadata_uri())
        .option("log_group_name", "/$(ecs_task_family)")
}

#[test]
fn a_silent_endpoint_delays_one_delivery_and_is_retried_in_the_background() {
    let aws = silent();
    let done = File::new("metadata-done", "");
    fs::remove_file(done.path()).unwrap();
    let case = case(&aws).until(done.path()).instances(3);
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| case.run());
        // The endpoint is requested again in the background.
        let asked = |account: &Account| account.count("EcsTask") >= 3;
        assert!(aws.wait_for(asked, Duration::from_secs(20)));
        aws.clear();
        let right = |account: &Account| !account.events("/demo", "s").is_empty();
        assert!(aws.wait_for(right, Duration::from_secs(20)));
        fs::write(done.path(), "").unwrap();
        run.join().unwrap()
    });
    assert!(outcome.verdicts.iter().all(|verdict| verdict == "Ok"));
    let slow = outcome
        .took
        .iter()
        .filter(|took| **took > Duration::from_millis(700));
    assert!(slow.count() <= 3, "each section waits once: {outcome:#?}");
    let warned = outcome.count("ECS task metadata is not known");
    assert_eq!(warned, 3, "one line for each section: {outcome:#?}");
    // A section logs this with its next flush. The case may end with the first section's flush.
    let known = outcome.count("ECS task metadata is known now");
    assert!((1..=3).contains(&known), "{outcome:#?}");
}
