use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::*;
use crate::delivery::error::Chain;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn cache() -> CredentialsCache {
    let from = SharedCredentialsProvider::new(credentials(Some(0)));
    CredentialsCache::new(from, CurrentProvider::default())
}

fn credentials(expiry: Option<u64>) -> Credentials {
    Credentials::new("AKIA1234WXYZ", "SK", None, expiry.map(at), "test")
}

fn failure() -> provider::Result {
    Err(CredentialsError::provider_error("HTTP 500"))
}

#[test]
fn credentials_are_renewed_5_minutes_before_expiry_or_at_half_their_lifetime() {
    for (lifetime, early) in [(3600, 3300), (600, 300), (60, 30), (0, 0)] {
        let renewed = cache()
            .store(Ok(credentials(Some(1000 + lifetime))), at(1000))
            .unwrap();
        assert_eq!(renewed.expiry(), Some(at(1000 + early)), "{lifetime}");
    }
    let without_expiry = cache().store(Ok(credentials(None)), at(1000)).unwrap();
    assert_eq!(without_expiry.expiry(), None);
}

#[test]
fn cached_credentials_are_used_after_a_failed_renewal_until_they_expire() {
    let cache = cache();
    assert!(cache.store(failure(), at(1000)).is_err());
    cache.store(Ok(credentials(Some(2000))), at(1000)).unwrap();
    let still = cache.store(failure(), at(1800)).unwrap();
    assert_eq!(still.expiry(), Some(at(1815)));
    assert!(cache.take_renewal_error().unwrap().contains("HTTP 500"));
    assert_eq!(cache.take_renewal_error(), None);
    let last = cache.store(failure(), at(1990)).unwrap();
    assert_eq!(last.expiry(), Some(at(2000)));
    assert!(cache.store(failure(), at(2000)).is_err());
}

#[test]
fn key_suffix_is_the_last_four_characters() {
    let cache = cache();
    assert_eq!(cache.key_suffix(), "");
    cache.store(Ok(credentials(None)), at(0)).unwrap();
    assert_eq!(cache.key_suffix(), "WXYZ");
}

/// Wall-clock time derived from tokio's paused clock.
fn now() -> SystemTime {
    thread_local! {
        static START: Instant = Instant::now();
    }
    at(1_000_000) + START.with(Instant::elapsed)
}

/// An endpoint that answers after a random delay and fails at random.
#[derive(Debug)]
struct FlakyEndpoint {
    random: Mutex<fastrand::Rng>,
    lifetime: Duration,
    queries: Arc<AtomicUsize>,
    in_progress: AtomicUsize,
}

impl FlakyEndpoint {
    async fn answer(&self) -> provider::Result {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let concurrent = self.in_progress.fetch_add(1, Ordering::Relaxed);
        assert_eq!(concurrent, 0, "one fetch at a time");
        let (fails, delay) = {
            let mut random = self.random.lock().unwrap();
            (random.u8(..4) == 0, random.u64(10..2000))
        };
        sleep(Duration::from_millis(delay)).await;
        self.in_progress.fetch_sub(1, Ordering::Relaxed);
        if fails {
            return failure();
        }
        let expiry = Some(now() + self.lifetime);
        Ok(Credentials::new("AK", "SK", None, expiry, "test"))
    }
}

impl ProvideCredentials for FlakyEndpoint {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.answer())
    }
}

/// A cache of credentials that live 60 s, from an endpoint that fails one time in four.
fn flaky_endpoint(seed: u64) -> (CachedProvider, Arc<AtomicUsize>) {
    let queries = Arc::<AtomicUsize>::default();
    let from = FlakyEndpoint {
        random: Mutex::new(fastrand::Rng::with_seed(seed)),
        lifetime: Duration::from_secs(60),
        queries: queries.clone(),
        in_progress: AtomicUsize::new(0),
    };
    let mut cache = CredentialsCache::new(
        SharedCredentialsProvider::new(from),
        CurrentProvider::default(),
    );
    cache.now = now;
    (CachedProvider(Arc::new(cache)), queries)
}

async fn wait_for_credentials(provider: &CachedProvider) {
    while provider.provide_credentials().await.is_err() {
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_or_fails_in_30_days_of_60_s_credentials_and_failed_renewals() {
    let (provider, queries) = flaky_endpoint(5);
    wait_for_credentials(&provider).await;
    let mut random = fastrand::Rng::with_seed(6);
    let end = Instant::now() + Duration::from_secs(30 * 24 * 3600);
    let mut requests = 0;
    while Instant::now() < end {
        // Some pauses are longer than the lifetime: the background task renews meanwhile.
        sleep(Duration::from_secs(random.u64(1..600))).await;
        let began = Instant::now();
        let used = provider.provide_credentials().await.unwrap();
        assert_eq!(Instant::now(), began, "a request waited");
        assert!(used.expiry().unwrap() > now(), "expired credentials");
        requests += 1;
    }
    let queries = queries.load(Ordering::Relaxed);
    assert!(requests > 8_000);
    // Each lifetime is renewed at its half, and a quarter of the fetches fail.
    assert!(
        (30 * 24 * 60 * 2..30 * 24 * 3600).contains(&queries),
        "{queries}"
    );
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_share_one_fetch() {
    let (provider, queries) = flaky_endpoint(1);
    wait_for_credentials(&provider).await;
    let before = queries.load(Ordering::Relaxed);
    let all = (0..50).map(|_| {
        let provider = provider.clone();
        tokio::spawn(async move { provider.0.fetch().await })
    });
    for caller in all.collect::<Vec<_>>() {
        caller.await.unwrap().unwrap();
    }
    // More than one if the first fetches fail.
    assert!(queries.load(Ordering::Relaxed) - before < 10);
}

#[derive(Debug)]
struct NeverAnswers;

impl ProvideCredentials for NeverAnswers {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_an_answer_is_reported_before_the_request_deadline() {
    let never_answers = SharedCredentialsProvider::new(NeverAnswers);
    let provider = CachedProvider(Arc::new(CredentialsCache::new(
        never_answers,
        CurrentProvider::default(),
    )));
    let deadline = Instant::now() + Duration::from_secs(1);
    let answer = deadline::within(deadline, provider.provide_credentials()).await;
    let error = answer.expect("before the deadline").unwrap_err();
    assert!(
        Chain(&error).to_string().contains("no answer in 0.9 s"),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn credentials_are_not_renewed_after_the_cache_is_dropped() {
    let (provider, queries) = flaky_endpoint(2);
    wait_for_credentials(&provider).await;
    drop(provider);
    let before = queries.load(Ordering::Relaxed);
    sleep(Duration::from_secs(3600)).await;
    assert!(queries.load(Ordering::Relaxed) <= before + 1);
}
