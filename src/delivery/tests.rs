//! Deliveries to a scripted service.

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

/// The time of the first item of each batch, by lanes.
fn lanes_of(batches: &Times) -> Vec<Vec<i64>> {
    let oldest = |batch: &Batch| batch.oldest().expect("there are items");
    let lanes = lanes(batches.iter().map(|times| batch(times))).into_iter();
    lanes
        .map(|lane| lane.iter().map(oldest).collect())
        .collect()
}

#[test]
fn lanes_never_overlap_in_time() {
    let cases: [(&Times, &Times); 5] = [
        (&[&[1, 2], &[3, 4], &[5]], &[&[1], &[3], &[5]]),
        (&[&[1, 2], &[2, 4], &[5]], &[&[1, 2], &[5]]),
        (&[&[1, 9], &[10], &[5]], &[&[1, 10, 5]]),
        (&[&[1], &[10], &[5]], &[&[1], &[10, 5]]),
        (&[&[3], &[1]], &[&[3, 1]]),
    ];
    for (batches, expected) in cases {
        assert_eq!(lanes_of(batches), expected, "{batches:?}");
    }
}

/// The answer of a service to a request, and its delay.
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

fn context(time: Duration) -> DeliveryContext {
    DeliveryContext {
        at_once: 32,
        deadline: Deadline::new(Instant::now() + time),
        rate_limiter: Arc::default(),
        halvings: 0,
        targets: Arc::default(),
        telemetry: Telemetry::new(Log::muted(), LABELS),
    }
}

/// One batch for each of `count` targets.
fn one_batch_each(
    service: &Scripted,
    count: usize,
) -> impl Iterator<Item = (Arc<TargetHandle<Scripted>>, Batch)> {
    let target = |_| Arc::new(TargetHandle::new(service.clone()));
    (0..count).map(target).map(|one| (one, batch(&[1])))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn batches_of_100_000_targets_are_left_at_the_deadline() {
    let service = Scripted::new(|_| (SECOND / 4, Ok(Answer::default())));
    let batches: Vec<_> = one_batch_each(&service, 100_000).collect();
    let (began, context) = (Instant::now(), context(SECOND));
    let report = deliver_all(batches, &context).await;
    let took = began.elapsed();
    println!("{} requests, {took:?}", service.count());
    assert!(took < SECOND + Duration::from_millis(100), "{took:?}");
    assert_eq!(report.accepted + report.left.len(), 100_000);
    // Each request was answered.
    assert_eq!((report.accepted, report.ambiguous), (service.count(), 0));
    assert!(report.error.is_some_and(|error| error.never_began()));
}

#[tokio::test(start_paused = true)]
async fn unsent_batches_are_left_when_the_instance_closes() {
    let (close, closing) = watch::channel(false);
    let service = Scripted::new(move |_| {
        close.send_replace(true);
        (SECOND, Ok(Answer::default()))
    });
    let mut context = context(10 * SECOND);
    context.at_once = 1;
    context.deadline = context.deadline.closed_by(closing);
    let report = deliver_all(one_batch_each(&service, 100), &context).await;
    assert_eq!((report.accepted, report.left.len()), (1, 99));
}

/// A request that waits for the rate limiter or a connection cannot have stored events.
#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_sent_is_not_ambiguous() {
    let service = Scripted::new(|_| (100 * SECOND, Ok(Answer::default())));
    let report = deliver_all(one_batch_each(&service, 1), &context(10 * SECOND)).await;
    assert_eq!((report.ambiguous, report.left.len()), (0, 1));
    let context = context(10 * SECOND);
    let mut pause = SendError::new(
        ErrorClass::Transient { unanswered: false },
        "ServiceUnavailable",
        "later",
    );
    pause.retry_after = Some(30 * SECOND);
    context.rate_limiter.note(Some(&pause), false);
    let (before, began) = (service.count(), Instant::now());
    let report = deliver_all(one_batch_each(&service, 1), &context).await;
    assert_eq!((report.ambiguous, report.requests), (0, 0));
    assert_eq!(report.left.len(), 1);
    assert_eq!(service.count(), before);
    assert!(began.elapsed() <= 10 * SECOND);
}

/// A service that rejects the batches for which `is_refused` returns true.
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

/// A batch whose items are all rejected gets its proof from the next batch.
#[tokio::test(start_paused = true)]
async fn proof_may_come_from_a_later_batch_of_the_target() {
    let service = refusing(|batch| holds(batch, &[1, 2, 3]));
    let target = Arc::new(TargetHandle::new(service));
    let batches = [&[1, 2, 3][..], &[3, 4, 5], &[5, 6]].map(|times| (target.clone(), batch(times)));
    let report = deliver_all(batches, &context(60 * SECOND)).await;
    assert_eq!((report.dropped, report.accepted), (4, 4));
}

/// The request comes from another handle of the same target; Firehose has a handle for each request.
#[tokio::test(start_paused = true)]
async fn proof_may_come_from_another_request_to_the_same_target() {
    let service = refusing(|batch| holds(batch, &[9]));
    let batches = [&[9][..], &[1, 2], &[3, 4]].map(|times| {
        let target = Arc::new(TargetHandle::new(service.clone()));
        (target, batch(times))
    });
    let mut context = context(60 * SECOND);
    context.at_once = 1;
    let first = deliver_all(batches, &context);
    let others = async {
        sleep(SECOND).await;
        let again = Arc::new(TargetHandle::new(service.clone()));
        deliver_all(
            [(again, batch(&[5]))],
            &super::DeliveryContext {
                at_once: 1,
                ..context.clone()
            },
        )
        .await
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!((first.dropped, first.accepted, others.accepted), (1, 4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_rejects_everything_drops_nothing_and_gets_few_requests() {
    let service = refusing(|_| true);
    let target = Arc::new(TargetHandle::new(service.clone()));
    let batches = [&[1, 2, 3][..], &[3, 4, 5], &[5, 6]].map(|times| (target.clone(), batch(times)));
    let report = deliver_all(batches, &context(10 * SECOND)).await;
    assert_eq!((report.dropped, report.left.len()), (0, 8));
    assert!(service.count() < 40, "{} requests", service.count());
    assert_eq!(report.error.unwrap().code, "InvalidParameterException");
}

/// For random items, and a target that rejects everything for some requests.
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
        let (failing, count, list) = (from..from + to, AtomicUsize::new(0), poisoned.clone());
        let service = refusing(move |batch| {
            failing.contains(&count.fetch_add(1, Relaxed)) || holds(batch, &list)
        });
        let mut report = FlushReport::default();
        let target = Arc::new(TargetHandle::new(service));
        let batches = times.chunks(10).map(|times| (target.clone(), batch(times)));
        report.merge(deliver_all(batches, &context(300 * SECOND)).await);
        let good = times.len() - poisoned.len();
        let case = format!("seed {seed}: {report:?}");
        assert_eq!(report.accepted, good, "{case}");
        let rest = report.dropped + report.left.len();
        assert_eq!(rest, poisoned.len(), "{case}");
    }
}

/// Accepted requests with one entity are no proof for a request with another entity.
#[tokio::test(start_paused = true)]
async fn requests_with_another_head_are_no_proof() {
    let refused = with_head(b"{\"entity\":1,[", &[1, 2]);
    let accepted = with_head(b"{\"entity\":2,[", &[1, 2]);
    let head = refused.head().to_vec();
    let service = refusing(move |batch| batch.head() == head);
    let batches = [refused, accepted.clone(), accepted]
        .map(|batch| (Arc::new(TargetHandle::new(service.clone())), batch));
    let mut context = context(10 * SECOND);
    context.at_once = 3;
    let report = deliver_all(batches, &context).await;
    assert_eq!((report.dropped, report.left.len()), (0, 2));
    assert_eq!(report.accepted, 4);
}
