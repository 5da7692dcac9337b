//! Credentials with a short lifetime, from an endpoint that fails sometimes.

use std::thread;
use std::time::{Duration, Instant};

use support::aws::Action;
use support::aws::{ErrorAnswer, Rule, StandIn};
use support::chunk::Random;
use support::host::{Instance, Verdict, telling};
use support::output::{GROUP, Output, STREAM, logs};

#[test]
fn short_lived_credentials_are_renewed_once_for_all_instances() {
    let aws = StandIn::builder()
        .verify("nobody", "nothing")
        .credentials_lifetime(LIFE)
        .start()
        .expect("starts");
    aws.create_stream(GROUP, STREAM);
    let mut random = Random::from_environment();
    for call in 2..100 {
        if random.once_in(3) {
            let error = ErrorAnswer::new(500, "InternalError", "as the dice fell");
            aws.script(Rule::on("EcsCredentials", Action::Error(error)).nth(call));
        }
    }
    let output = Output::cloudwatch(&aws).with("credentials_endpoint", &aws.credentials_uri());
    let instances = [output.open(), output.open(), output.open()];
    let end = Instant::now() + 3 * LIFE;
    thread::scope(|scope| {
        for instance in &instances {
            scope.spawn(move || deliver_until(instance, end));
        }
    });
    // Renewed after half of each lifetime, and once more for each failure.
    let asked = aws.count("EcsCredentials");
    assert!((4..25).contains(&asked), "{asked} questions");
    for instance in instances {
        let lines = instance.exit();
        let reported = telling(&lines, "credentials could not be renewed").len();
        assert!(
            reported <= 2,
            "one line a minute and one at the end, not {reported}"
        );
    }
}

fn deliver_until(instance: &Instance, end: Instant) {
    while Instant::now() < end {
        let began = Instant::now();
        assert_eq!(instance.flush("a.tag", logs(["a line"])), Verdict::Ok);
        let rest = Duration::from_millis(50).saturating_sub(began.elapsed());
        thread::sleep(rest);
    }
}

/// The lifetime of credentials: the shortest that leaves time for a second request.
const LIFE: Duration = Duration::from_secs(6);
