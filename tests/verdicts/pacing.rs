//! A rate limit of the service that starts and ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::aws::StandIn;
use support::host::{Instance, Verdict};
use support::output::{Output, logs, ready};

/// About fifty calls a second are offered: each of two instances has ten threads that deliver events one
/// by one.
#[test]
fn the_call_rate_adapts_to_a_limit_and_recovers_after_it() {
    let aws = ready();
    let instances = [
        Output::cloudwatch(&aws).open(),
        Output::cloudwatch(&aws).open(),
    ];
    let (done, delivered) = (AtomicBool::new(false), AtomicU64::new(0));
    aws.set_rate_limit(Some(5.0));
    let (limited, unlimited) = thread::scope(|scope| {
        for instance in instances.iter().cycle().take(20) {
            let (done, delivered) = (&done, &delivered);
            scope.spawn(move || offer(instance, done, delivered));
        }
        thread::sleep(Duration::from_secs(5));
        let limited = measure(&aws, Duration::from_secs(10));
        aws.set_rate_limit(None);
        thread::sleep(Duration::from_secs(9));
        let unlimited = measure(&aws, Duration::from_secs(1));
        done.store(true, Ordering::Relaxed);
        (limited, unlimited)
    });
    let (calls, throttled) = limited;
    assert!(calls > 25, "{calls} calls in 10 s");
    assert!(throttled * 20 < calls, "{throttled} of {calls} throttled");
    assert!(
        unlimited.0 > 50 && unlimited.1 == 0,
        "{unlimited:?} in the tenth second after"
    );
    let stored = aws.look(|account| account.events_tally().count);
    assert_eq!(stored, delivered.load(Ordering::Relaxed), "each event once");
}

fn offer(instance: &Instance, done: &AtomicBool, delivered: &AtomicU64) {
    while !done.load(Ordering::Relaxed) {
        let began = Instant::now();
        let chunk = logs(["an event"]);
        // The retry of Fluent Bit, repeated until the chunk is delivered.
        while instance.flush("a.tag", &chunk) != Verdict::Ok {}
        delivered.fetch_add(1, Ordering::Relaxed);
        thread::sleep(OFFERED.saturating_sub(began.elapsed()));
    }
}

/// The number of calls, and of throttled calls, in this period.
fn measure(aws: &StandIn, period: Duration) -> (u64, u64) {
    let now = || {
        aws.look(|account| {
            let throttled = account.errors().get("ThrottlingException").copied();
            (account.count("PutLogEvents"), throttled.unwrap_or_default())
        })
    };
    let before = now();
    thread::sleep(period);
    let after = now();
    (after.0 - before.0, after.1 - before.1)
}

/// The pause between two events of a thread. Twenty threads then offer more than fifty events a second.
const OFFERED: Duration = Duration::from_millis(300);
