//! What all connections share: settings, clock, script, throttle, keys and the account.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::account::Account;
use super::answer::{Answer, ErrorAnswer};
use super::clock::{Clock, http_date};
use super::keys::Keys;
use super::metadata::{ImdsTokens, Task};
use super::script::Script;
use super::throttle::Throttle;

/// What is fixed when the stand-in starts.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) counting: bool,
    pub(super) auto_create: bool,
    pub(super) verify: bool,
    pub(super) credentials_lifetime: Duration,
    pub(super) credentials_token: Option<String>,
    pub(super) task: Task,
    pub(super) region: String,
    pub(super) role: String,
}

pub(super) struct Service {
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) script: Mutex<Script>,
    pub(super) throttle: Mutex<Throttle>,
    /// The error type with which entities are rejected.
    pub(super) entity_rejection: Mutex<Option<String>>,
    pub(super) keys: Mutex<Keys>,
    pub(super) imds_tokens: Mutex<ImdsTokens>,
    account: Mutex<Account>,
    changed: Condvar,
    latency_ms: AtomicU64,
    requests: AtomicU64,
}

impl Service {
    pub(super) fn new(settings: Settings) -> Self {
        let account = Account::new(settings.counting, settings.auto_create);
        Self {
            settings,
            clock: Clock::default(),
            script: Mutex::default(),
            throttle: Mutex::default(),
            entity_rejection: Mutex::default(),
            keys: Mutex::default(),
            imds_tokens: Mutex::default(),
            account: Mutex::new(account),
            changed: Condvar::new(),
            latency_ms: AtomicU64::new(0),
            requests: AtomicU64::new(1),
        }
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        locked(&self.account)
    }

    /// Changes the account and wakes whoever waits for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        let result = change(&mut self.account());
        self.changed.notify_all();
        result
    }

    /// Waits until the predicate holds; false when the time has passed before.
    pub(super) fn wait_for(
        &self,
        mut predicate: impl FnMut(&Account) -> bool,
        timeout: Duration,
    ) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.account(), timeout, |account| !predicate(account));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    pub(super) fn lag(&self, latency: Duration) {
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.latency_ms.store(ms, Ordering::Relaxed);
    }

    /// Lifts all that makes calls fail: rules, rate limit, latency and a wrong clock.
    pub(super) fn heal(&self) {
        locked(&self.script).clear();
        locked(&self.throttle).limit(None);
        *locked(&self.entity_rejection) = None;
        self.lag(Duration::ZERO);
        self.clock.shift(0);
    }

    /// Whether the rate limit has room for one more call, and if not, what the API of this operation says.
    pub(super) fn throttled(&self, operation: &str) -> Result<(), ErrorAnswer> {
        if locked(&self.throttle).admits(operation, Instant::now()) {
            return Ok(());
        }
        Err(match operation {
            "PutRecordBatch" => ErrorAnswer::new(500, "ServiceUnavailableException", "Slow down."),
            "PutRecords" => ErrorAnswer::new(
                400,
                "ProvisionedThroughputExceededException",
                "Rate exceeded",
            ),
            _ => ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded"),
        })
    }

    /// Adds the headers that every answer has.
    pub(super) fn signed_off(&self, mut answer: Answer, skew_seconds: i64) -> Answer {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        answer.headers.push(("x-amzn-RequestId".to_owned(), id));
        let date = http_date(self.clock.now_ms() + skew_seconds * 1000);
        answer.headers.push(("Date".to_owned(), date));
        answer
    }
}

/// Locks, whether or not another thread panicked while it held the lock.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
