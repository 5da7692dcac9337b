//! `log_retention_days` for groups that exist already.
//!
//! As the Go plugin since 1.6, a group that events are written to gets the retention that the
//! options ask for, once for each instance and process. It happens beside the delivery, which neither
//! waits for it nor fails with it, and a few groups at a time, as the service takes few such calls.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::fault::{Fault, Kind};
use crate::notice;
use crate::session::deadline;
use crate::watch::Watch;

/// Sets the retention of groups.
#[derive(Clone, Debug)]
pub(super) struct Retention {
    days: Option<i32>,
    watch: Watch,
    settled: Arc<Mutex<HashSet<String>>>,
    turns: Arc<Semaphore>,
}

impl Retention {
    pub(super) fn new(days: Option<i32>, watch: Watch) -> Self {
        Self {
            days,
            watch,
            settled: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// A group was written to, so it exists: the first time, its retention is set beside the delivery.
    pub(super) fn written(&self, client: &Client, group: &str) {
        let Some(days) = self.days else { return };
        if !self.is_first(group) {
            return;
        }
        let (retention, client, group) = (self.clone(), client.clone(), group.to_owned());
        tokio::spawn(async move { retention.set(&client, &group, days).await });
    }

    /// A group was created, perhaps once more: whatever was set before is gone.
    pub(super) fn created(&self, client: &Client, group: &str) {
        self.settled().remove(group);
        self.written(client, group);
    }

    async fn set(&self, client: &Client, group: &str, days: i32) {
        let Ok(_turn) = self.turns.acquire().await else {
            return;
        };
        match self.tried(client, group, days).await {
            Ok(()) => self.watch.log.info(format_args!(
                "log group `{group}` keeps its events for {days} days"
            )),
            Err(fault) => self.say_not_set(group, days, &fault),
        }
    }

    fn say_not_set(&self, group: &str, days: i32, fault: &Fault) {
        let kind = notice::Kind {
            what: "retention",
            part: &fault.code,
            unit: "groups",
        };
        self.watch.warn(kind, 1, format_args!(
            "log group `{group}`: the retention of {days} days was not set, which takes the IAM action logs:PutRetentionPolicy; events are delivered all the same: {fault}"
        ));
    }

    async fn tried(&self, client: &Client, group: &str, days: i32) -> Result<(), Fault> {
        let mut backoff = Backoff::new(fastrand::Rng::new());
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let call = put(client, group, days);
            match self.watch.metrics.counted("PutRetentionPolicy", call).await {
                Err(fault) if left > 0 && can_pass(&fault) => sleep(backoff.after(&fault)).await,
                result => return result,
            }
        }
    }

    /// Whether nothing was done for this group yet; what cannot be remembered is not done again.
    fn is_first(&self, group: &str) -> bool {
        let mut settled = self.settled();
        settled.len() < MOST_GROUPS && settled.insert(group.to_owned())
    }

    fn settled(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn put(client: &Client, group: &str, days: i32) -> Result<(), Fault> {
    let request = client
        .put_retention_policy()
        .log_group_name(group)
        .retention_in_days(days);
    let answer = deadline::within(Instant::now() + PATIENCE, request.send()).await;
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Fault::of(&error)),
        Err(_) => Err(Fault::unanswered()),
    }
}

fn can_pass(fault: &Fault) -> bool {
    matches!(fault.kind, Kind::Passing { .. } | Kind::Throttled)
}

/// The service takes 10 such calls a second from an account.
const AT_ONCE: usize = 2;
const ATTEMPTS: usize = 8;
/// A call that hangs takes the turn of another group.
const PATIENCE: Duration = Duration::from_secs(10);
/// An account has a million groups at most; no configuration names nearly as many.
const MOST_GROUPS: usize = 100_000;
