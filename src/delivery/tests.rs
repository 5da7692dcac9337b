//! Deliveries to a service of our own, which answers as it is told.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cbindings::Log;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::*;
use crate::batch::{BatchBuilder, Limits};
use crate::cloudwatch::LABELS;
use crate::delivery::error::ErrorClass;

fn batch(times: &[i64]) -> Batch {
    with_head(b"[", times)
}

fn with_head(head: &[u8], times: &[i64]) -> Batch {
    let limits = Limits {
        items: 10,
        bytes: 100,
        span_ms: Some(1000),
    };
    let mut open = BatchBuilder::new(limits, head, None);
    for (ordinal, time) in times.iter().enumerate() {
        let start = open.body().len();
        open.body().push(b'x');
        assert!(open.add(start, *time, 1, ordinal as u32).is_none());
    }
    open.finish().expect("there are items")
}

type Times = [&'static [i64]];

/// The first item's time of each batch, by lanes.
fn parted(batches: &Times) -> Vec<Vec<i64>> {
    let oldest = |batch: &Batch| batch.oldest().expect("there are items");
    let lanes = lanes(batches.iter().map(|times| batch(times))).into_iter();
    lanes
        .map(|lane| lane.iter().map(oldest).collect())
        .collect()
}

#[test]
fn only_what_is_newer_than_all_before_it_travels_beside_it() {
    let cases: [(&Times, &Times); 5] = [
        (&[&[1, 2], &[3, 4], &[5]], &[&[1], &[3], &[5]]),
        (&[&[1, 2], &[2, 4], &[5]], &[&[1, 2], &[5]]),
        (&[&[1, 9], &[10], &[5]], &[&[1, 10, 5]]),
        (&[&[1], &[10], &[5]], &[&[1], &[10, 5]]),
        (&[&[3], &[1]], &[&[3, 1]]),
    ];
    for (batches, expected) in cases {
        assert_eq!(parted(batches), expected, "{batches:?}");
    }
}

/// What a service answers to a request, after a time.
type Answers = dyn Fn(&Batch) -> (Duration, Result<Answer, SendError>) + Send + Sync;

/// Any number of targets of one service.
#[derive(Clone)]
struct Scripted {
    answers: Arc<Answers>,
    creates: Arc<Mutex<Vec<Result<(), SendError>>>>,
    puts: Arc<AtomicUsize>,
}

impl Scripted {
    fn new(
        answers: impl Fn(&Batch) -> (Duration, Result<Answer, SendError>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            answers: Arc::new(answers),
            creates: Arc::default(),
            puts: Arc::default(),
        }
    }

    fn count(&self) -> usize {
        self.puts.load(Relaxed)
    }
}

impl BatchSink for Scripted {
    const PUT: Operation = Operation::PutLogEvents;

    async fn put(&self, batch: &Batch) -> Result<Answer, SendError> {
        self.puts.fetch_add(1, Relaxed);
        let (time, answer) = (self.answers)(batch);
        sleep(time).await;
        answer
    }

    async fn create(&self, _missed: Instant) -> Result<(), SendError> {
        let next = self.creates.lock().unwrap().pop();
        next.expect("a create that is expected")
    }

    fn target(&self) -> &'static str {
        "a target"
    }

    fn retries_unanswered(&self) -> bool {
        true
    }

    fn order(&self) -> Order {
        Order::ByTime
    }
}

fn terms(time: Duration) -> DeliveryContext {
    DeliveryContext {
        at_once: 32,
        deadline: Deadline::new(Instant::now() + time),
        rate_limiter: Arc::default(),
        halvings: 0,
        targets: Arc::default(),
        telemetry: Telemetry::new(Log::muted(), LABELS),
    }
}

/// A batch for each of so many destinations.
fn one_each(
    service: &Scripted,
    count: usize,
) -> impl Iterator<Item = (Arc<TargetHandle<Scripted>>, Batch)> {
    let destination = |_| Arc::new(TargetHandle::new(service.clone()));
    (0..count).map(destination).map(|one| (one, batch(&[1])))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_hundred_thousand_destinations_are_left_at_the_deadline() {
    let service = Scripted::new(|_| (SECOND / 4, Ok(Answer::default())));
    let batches: Vec<_> = one_each(&service, 100_000).collect();
    let (began, terms) = (Instant::now(), terms(SECOND));
    let report = deliver_all(batches, &terms).await;
    let took = began.elapsed();
    println!("{} requests, {took:?}", service.count());
    assert!(took < SECOND + Duration::from_millis(100), "{took:?}");
    assert_eq!(report.accepted + report.left.len(), 100_000);
    // Each of them was answered.
    assert_eq!((report.accepted, report.ambiguous), (service.count(), 0));
    assert!(report.fault.is_some_and(|fault| fault.never_began()));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_closes_leaves_what_was_not_sent() {
    let (close, closing) = watch::channel(false);
    let service = Scripted::new(move |_| {
        close.send_replace(true);
        (SECOND, Ok(Answer::default()))
    });
    let mut terms = terms(10 * SECOND);
    terms.at_once = 1;
    terms.deadline = terms.deadline.closed_by(closing);
    let report = deliver_all(one_each(&service, 100), &terms).await;
    assert_eq!((report.accepted, report.left.len()), (1, 99));
}

/// Neither waiting for the rate limiter nor for a connection can have stored anything.
#[tokio::test(start_paused = true)]
async fn a_request_that_never_left_is_not_ambiguous() {
    let service = Scripted::new(|_| (100 * SECOND, Ok(Answer::default())));
    let report = deliver_all(one_each(&service, 1), &terms(10 * SECOND)).await;
    assert_eq!((report.ambiguous, report.left.len()), (0, 1));
    let terms = terms(10 * SECOND);
    let mut pause = SendError::new(
        ErrorClass::Transient { unanswered: false },
        "ServiceUnavailable",
        "later",
    );
    pause.retry_after = Some(30 * SECOND);
    terms.rate_limiter.note(Some(&pause), false);
    let (before, began) = (service.count(), Instant::now());
    let report = deliver_all(one_each(&service, 1), &terms).await;
    assert_eq!((report.ambiguous, report.requests), (0, 0));
    assert_eq!(report.left.len(), 1);
    assert_eq!(service.count(), before);
    assert!(began.elapsed() <= 10 * SECOND);
}

/// Refuses batches that hold one of these items, by their times, as long as this says so.
fn refusing(is_refused: impl Fn(&Batch) -> bool + Send + Sync + 'static) -> Scripted {
    Scripted::new(move |batch| {
        let refused = || {
            Err(SendError::new(
                ErrorClass::Refused,
                "InvalidParameterException",
                "no",
            ))
        };
        let answer = match is_refused(batch) {
            true => refused(),
            false => Ok(Answer::default()),
        };
        (SECOND / 100, answer)
    })
}

fn holds(batch: &Batch, poisoned: &[i64]) -> bool {
    batch
        .items()
        .iter()
        .any(|item| poisoned.contains(&item.time))
}

/// A batch in which everything is refused gets its proof from the batch that follows.
#[tokio::test(start_paused = true)]
async fn proof_may_come_from_a_later_batch_of_the_target() {
    let service = refusing(|batch| holds(batch, &[1, 2, 3]));
    let destination = Arc::new(TargetHandle::new(service));
    let batches =
        [&[1, 2, 3][..], &[3, 4, 5], &[5, 6]].map(|times| (destination.clone(), batch(times)));
    let report = deliver_all(batches, &terms(60 * SECOND)).await;
    assert_eq!((report.dropped, report.accepted), (4, 4));
}

/// Also from another destination of the same name, as Firehose has one for each request.
#[tokio::test(start_paused = true)]
async fn proof_may_come_from_another_request_to_the_same_target() {
    let service = refusing(|batch| holds(batch, &[9]));
    let batches = [&[9][..], &[1, 2], &[3, 4]].map(|times| {
        let destination = Arc::new(TargetHandle::new(service.clone()));
        (destination, batch(times))
    });
    let mut terms = terms(60 * SECOND);
    terms.at_once = 1;
    let first = deliver_all(batches, &terms);
    let others = async {
        sleep(SECOND).await;
        let again = Arc::new(TargetHandle::new(service.clone()));
        deliver_all(
            [(again, batch(&[5]))],
            &super::DeliveryContext {
                at_once: 1,
                ..terms.clone()
            },
        )
        .await
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!((first.dropped, first.accepted, others.accepted), (1, 4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refuses_everything_drops_nothing_and_is_not_flooded() {
    let service = refusing(|_| true);
    let destination = Arc::new(TargetHandle::new(service.clone()));
    let batches =
        [&[1, 2, 3][..], &[3, 4, 5], &[5, 6]].map(|times| (destination.clone(), batch(times)));
    let report = deliver_all(batches, &terms(10 * SECOND)).await;
    assert_eq!((report.dropped, report.left.len()), (0, 8));
    assert!(service.count() < 40, "{} requests", service.count());
    assert_eq!(report.fault.unwrap().code, "InvalidParameterException");
}

/// Whatever the items are, and however often the target refuses everything in between.
#[tokio::test(start_paused = true)]
async fn only_poisoned_items_are_dropped_whenever_the_target_fails() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let times: Vec<i64> = (0..random.i64(1..60)).collect();
        let poisoned: Vec<i64> = times
            .iter()
            .copied()
            .filter(|_| random.u8(..) < 10)
            .collect();
        let (from, to) = (random.usize(..40), random.usize(..40));
        let (bad, count, list) = (from..from + to, AtomicUsize::new(0), poisoned.clone());
        let service = refusing(move |batch| {
            bad.contains(&count.fetch_add(1, Relaxed)) || holds(batch, &list)
        });
        let mut settled = FlushReport::default();
        let destination = Arc::new(TargetHandle::new(service));
        let batches = times
            .chunks(10)
            .map(|times| (destination.clone(), batch(times)));
        settled.merge(deliver_all(batches, &terms(300 * SECOND)).await);
        let good = times.len() - poisoned.len();
        let what = format!("seed {seed}: {settled:?}");
        assert_eq!(settled.accepted, good, "{what}");
        let rest = settled.dropped + settled.left.len();
        assert_eq!(rest, poisoned.len(), "{what}");
    }
}

/// What the target accepts of others says nothing of an entity that it refuses.
#[tokio::test(start_paused = true)]
async fn another_head_is_another_target() {
    let refused = with_head(b"{\"entity\":1,[", &[1, 2]);
    let accepted = with_head(b"{\"entity\":2,[", &[1, 2]);
    let head = refused.head().to_vec();
    let service = refusing(move |batch| batch.head() == head);
    let batches = [refused, accepted.clone(), accepted]
        .map(|batch| (Arc::new(TargetHandle::new(service.clone())), batch));
    let mut terms = terms(10 * SECOND);
    terms.at_once = 3;
    let report = deliver_all(batches, &terms).await;
    assert_eq!((report.dropped, report.left.len()), (0, 2));
    assert_eq!(report.accepted, 4);
}
