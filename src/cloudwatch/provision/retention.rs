//! `log_retention_days` with `auto_create_group true`.
//!
//! As in the Go plugin since 1.6, a group gets the retention of the options when it is created here or
//! found existing, once for each instance and process. Without `auto_create_group` no group's retention
//! is changed. The delivery does not wait for the calls and does not fail with them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::aws::deadline;
use crate::aws::session::Settings;
use crate::cloudwatch::options::CreateOptions;
use crate::cloudwatch::provision::limiter::Limiter;
use crate::delivery::backoff::Backoff;
use crate::delivery::error::{ErrorClass, SendError};
use crate::telemetry::metrics::descriptors::Operation;
use crate::telemetry::{Telemetry, log_limiter};

/// Sets the retention of groups. Dropping it cancels what is under way.
#[derive(Debug)]
pub(crate) struct Retention {
    days: Option<i32>,
    setter: Arc<Setter>,
    tasks: Mutex<JoinSet<()>>,
}

/// What the tasks share.
#[derive(Debug)]
struct Setter {
    limiter: Limiter,
    /// Groups whose retention is set, or is being set.
    settled: Mutex<HashSet<String>>,
    telemetry: Telemetry,
}

impl Retention {
    pub(crate) fn new(creation: &CreateOptions, settings: &Settings, telemetry: Telemetry) -> Self {
        let setter = Setter {
            limiter: Limiter::new(settings, OPERATION, MOST_IN_FLIGHT),
            settled: Mutex::default(),
            telemetry,
        };
        Self {
            days: creation.retention_days.filter(|_| creation.group),
            setter: Arc::new(setter),
            tasks: Mutex::default(),
        }
    }

    /// A group was written to, so it exists: the first time, its retention is set in the background.
    pub(crate) fn written(&self, client: &Client, group: &str) {
        let Some(days) = self.days else { return };
        if !self.setter.is_first(group) {
            return;
        }
        let (setter, client, group) = (self.setter.clone(), client.clone(), group.to_owned());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Tasks that have ended are removed.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move { setter.set(&client, &group, days).await });
    }

    /// A group was created, perhaps once more: whatever was set before is gone.
    pub(crate) fn created(&self, client: &Client, group: &str) {
        self.setter.settled().remove(group);
        self.written(client, group);
    }
}

impl Setter {
    async fn set(&self, client: &Client, group: &str, days: i32) {
        match self.repeat(client, group, days).await {
            Ok(()) => self.telemetry.log.info(format_args!(
                "log group `{group}` keeps its events for {days} days"
            )),
            Err(fault) => self.report(group, days, &fault),
        }
    }

    fn report(&self, group: &str, days: i32, fault: &SendError) {
        let kind = log_limiter::LogKey {
            what: "retention",
            part: &fault.code,
            unit: "groups",
        };
        let next = if can_pass(fault) {
            self.settled().remove(group);
            "it is tried again when the group is next written to"
        } else {
            "it is tried again at the next start"
        };
        self.telemetry.warn(kind, 1, format_args!(
            "log group `{group}`: the retention of {days} days was not set; {next}; events are delivered all the same: {OPERATION} failed: {fault}"
        ));
    }

    async fn repeat(&self, client: &Client, group: &str, days: i32) -> Result<(), SendError> {
        let mut backoff = Backoff::new(fastrand::Rng::new());
        for attempt in 1.. {
            let call = self
                .telemetry
                .metrics
                .counted(OPERATION, put(client, group, days));
            let Err(fault) = self.limiter.admit(call).await else {
                break;
            };
            let fault = fault.needing("logs:PutRetentionPolicy").at(attempt);
            self.telemetry.debug(format_args!(
                "log group `{group}`: {OPERATION} failed: {fault}"
            ));
            if attempt == ATTEMPTS || !can_pass(&fault) {
                return Err(fault);
            }
            // The permit is free meanwhile.
            sleep(backoff.after(&fault)).await;
        }
        Ok(())
    }

    /// Whether nothing was done for this group yet; what cannot be remembered is not done again.
    fn is_first(&self, group: &str) -> bool {
        let mut settled = self.settled();
        settled.len() < MOST_GROUPS && settled.insert(group.to_owned())
    }

    fn settled(&self) -> MutexGuard<'_, HashSet<String>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn put(client: &Client, group: &str, days: i32) -> Result<(), SendError> {
    let request = client
        .put_retention_policy()
        .log_group_name(group)
        .retention_in_days(days);
    let answer = deadline::within(Instant::now() + LONGEST_CALL, request.send()).await;
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(SendError::of(&error)),
        Err(_) => Err(SendError::unanswered()),
    }
}

fn can_pass(fault: &SendError) -> bool {
    matches!(
        fault.kind,
        ErrorClass::Transient { .. } | ErrorClass::Throttled
    )
}

const OPERATION: Operation = Operation::PutRetentionPolicy;
/// The service takes 10 such calls a second from an account.
const MOST_IN_FLIGHT: usize = 2;
const ATTEMPTS: usize = 8;
/// A call that hangs holds a permit.
const LONGEST_CALL: Duration = Duration::from_secs(10);
/// An account has a million groups at most; no configuration names nearly as many.
const MOST_GROUPS: usize = 100_000;

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
    use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Builder, Credentials, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use cbindings::Log;

    use super::*;
    use crate::cloudwatch::LABELS;

    /// A service that never answers.
    #[derive(Debug)]
    struct Silent;

    impl HttpConnector for Silent {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(std::future::pending())
        }
    }

    fn client() -> Client {
        let config = Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("r"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Silent)));
        Client::from_conf(config.build())
    }

    fn retention(group: bool) -> Retention {
        let creation = CreateOptions {
            group,
            retention_days: Some(7),
            ..CreateOptions::default()
        };
        let telemetry = Telemetry::new(Log::muted(), LABELS);
        Retention::new(&creation, &Settings::default(), telemetry)
    }

    #[tokio::test]
    async fn what_is_under_way_ends_with_the_output() {
        let (retention, client) = (retention(true), client());
        for group in 0..100 {
            retention.written(&client, &group.to_string());
        }
        tokio::task::yield_now().await;
        let setter = Arc::downgrade(&retention.setter);
        assert!(setter.strong_count() > 100, "the tasks hold it");
        drop(retention);
        while setter.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn without_auto_create_group_nothing_is_started() {
        let (retention, client) = (retention(false), client());
        retention.written(&client, "group");
        retention.created(&client, "group");
        assert_eq!(Arc::strong_count(&retention.setter), 1);
    }
}
