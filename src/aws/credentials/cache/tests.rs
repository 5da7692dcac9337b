use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::*;
use crate::delivery::error::Chain;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn kept() -> CredentialsCache {
    let from = SharedCredentialsProvider::new(credentials(Some(0)));
    CredentialsCache::new(from, Asked::default())
}

fn credentials(expiry: Option<u64>) -> Credentials {
    Credentials::new("AKIA1234WXYZ", "SK", None, expiry.map(at), "test")
}

fn failure() -> provider::Result {
    Err(CredentialsError::provider_error("HTTP 500"))
}

#[test]
fn credentials_are_renewed_five_minutes_early_or_half_way() {
    for (life, early) in [(3600, 3300), (600, 300), (60, 30), (0, 0)] {
        let renewed = kept()
            .settle(Ok(credentials(Some(1000 + life))), at(1000))
            .unwrap();
        assert_eq!(renewed.expiry(), Some(at(1000 + early)), "{life}");
    }
    let endless = kept().settle(Ok(credentials(None)), at(1000)).unwrap();
    assert_eq!(endless.expiry(), None);
}

#[test]
fn credentials_at_hand_outlive_a_failure_but_not_their_end() {
    let kept = kept();
    assert!(kept.settle(failure(), at(1000)).is_err());
    kept.settle(Ok(credentials(Some(2000))), at(1000)).unwrap();
    let still = kept.settle(failure(), at(1800)).unwrap();
    assert_eq!(still.expiry(), Some(at(1815)));
    assert!(kept.trouble().unwrap().contains("HTTP 500"));
    assert_eq!(kept.trouble(), None);
    let last = kept.settle(failure(), at(1990)).unwrap();
    assert_eq!(last.expiry(), Some(at(2000)));
    assert!(kept.settle(failure(), at(2000)).is_err());
}

#[test]
fn a_key_is_told_by_its_end() {
    let kept = kept();
    assert_eq!(kept.key(), "");
    kept.settle(Ok(credentials(None)), at(0)).unwrap();
    assert_eq!(kept.key(), "WXYZ");
}

/// The time of tokio's clock, which the tests below do not wait for.
fn now() -> SystemTime {
    thread_local! {
        static START: Instant = Instant::now();
    }
    at(1_000_000) + START.with(Instant::elapsed)
}

/// Answers late, and only some of the time.
#[derive(Debug)]
struct Unsteady {
    random: Mutex<fastrand::Rng>,
    life: Duration,
    asked: Arc<AtomicUsize>,
    at_once: AtomicUsize,
}

impl Unsteady {
    async fn answer(&self) -> provider::Result {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let others = self.at_once.fetch_add(1, Ordering::Relaxed);
        assert_eq!(others, 0, "one question at a time");
        let (fails, takes) = {
            let mut random = self.random.lock().unwrap();
            (random.u8(..4) == 0, random.u64(10..2000))
        };
        sleep(Duration::from_millis(takes)).await;
        self.at_once.fetch_sub(1, Ordering::Relaxed);
        if fails {
            return failure();
        }
        let expiry = Some(now() + self.life);
        Ok(Credentials::new("AK", "SK", None, expiry, "test"))
    }
}

impl ProvideCredentials for Unsteady {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.answer())
    }
}

/// Credentials of 60 s, from an endpoint that fails one time in four.
fn unsteady(seed: u64) -> (InUse, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let from = Unsteady {
        random: Mutex::new(fastrand::Rng::with_seed(seed)),
        life: Duration::from_secs(60),
        asked: asked.clone(),
        at_once: AtomicUsize::new(0),
    };
    let mut kept = CredentialsCache::new(SharedCredentialsProvider::new(from), Asked::default());
    kept.now = now;
    (InUse(Arc::new(kept)), asked)
}

async fn first(in_use: &InUse) {
    while in_use.provide_credentials().await.is_err() {
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_month_of_short_lives_and_failures_no_request_waits_or_fails() {
    let (in_use, asked) = unsteady(5);
    first(&in_use).await;
    let mut random = fastrand::Rng::with_seed(6);
    let end = Instant::now() + Duration::from_secs(30 * 24 * 3600);
    let mut requests = 0;
    while Instant::now() < end {
        // Also pauses that are longer than a life: nobody is there to ask, and there they are.
        sleep(Duration::from_secs(random.u64(1..600))).await;
        let began = Instant::now();
        let handed = in_use.provide_credentials().await.unwrap();
        assert_eq!(Instant::now(), began, "a request waited");
        assert!(handed.expiry().unwrap() > now(), "ended credentials");
        requests += 1;
    }
    let asked = asked.load(Ordering::Relaxed);
    assert!(requests > 8_000);
    // A life is renewed at its half, and a quarter of the questions fail.
    assert!(
        (30 * 24 * 60 * 2..30 * 24 * 3600).contains(&asked),
        "{asked}"
    );
}

#[tokio::test(start_paused = true)]
async fn those_who_need_credentials_together_ask_once() {
    let (in_use, asked) = unsteady(1);
    first(&in_use).await;
    let before = asked.load(Ordering::Relaxed);
    let all = (0..50).map(|_| {
        let in_use = in_use.clone();
        tokio::spawn(async move { in_use.0.ask().await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    // Those before it failed.
    assert!(asked.load(Ordering::Relaxed) - before < 10);
}

#[derive(Debug)]
struct Silent;

impl ProvideCredentials for Silent {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_is_told_before_the_requests_deadline() {
    let silent = SharedCredentialsProvider::new(Silent);
    let in_use = InUse(Arc::new(CredentialsCache::new(silent, Asked::default())));
    let deadline = Instant::now() + Duration::from_secs(1);
    let answer = deadline::within(deadline, in_use.provide_credentials()).await;
    let error = answer.expect("before the deadline").unwrap_err();
    assert!(
        Chain(&error).to_string().contains("no answer in 0.9 s"),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_any_more_is_not_renewed() {
    let (in_use, asked) = unsteady(2);
    first(&in_use).await;
    drop(in_use);
    let before = asked.load(Ordering::Relaxed);
    sleep(Duration::from_secs(3600)).await;
    assert!(asked.load(Ordering::Relaxed) <= before + 1);
}
