//! `log_retention_days` with `auto_create_group true`.
//!
//! As in the Go plugin since 1.6, the retention is set when a group is created, or when the first write
//! finds that it exists: once per output section and process. Without `auto_create_group` no retention
//! is changed. The delivery does not wait for these calls and does not fail with them.

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

/// Sets the retention of groups. Dropping it cancels the calls in flight.
#[derive(Debug)]
pub(crate) struct Retention {
    days: Option<i32>,
    setter: Arc<Setter>,
    tasks: Mutex<JoinSet<()>>,
}

/// State shared by the tasks.
#[derive(Debug)]
struct Setter {
    limiter: Limiter,
    /// Groups whose retention is set or being set.
    configured: Mutex<HashSet<String>>,
    telemetry: Telemetry,
}

impl Retention {
    pub(crate) fn new(
        create_options: &CreateOptions,
        settings: &Settings,
        telemetry: Telemetry,
    ) -> Self {
        let setter = Setter {
            limiter: Limiter::new(settings, OPERATION, MAX_IN_FLIGHT),
            configured: Mutex::default(),
            telemetry,
        };
        Self {
            days: create_options
                .retention_days
                .filter(|_| create_options.group),
            setter: Arc::new(setter),
            tasks: Mutex::default(),
        }
    }

    /// Must be called after a write to a group. The first call sets the retention in the background.
    pub(crate) fn written(&self, client: &Client, group: &str) {
        let Some(days) = self.days else { return };
        if !self.setter.is_first(group) {
            return;
        }
        let (setter, client, group) = (self.setter.clone(), client.clone(), group.to_owned());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Removes the tasks that have ended.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move { setter.set(&client, &group, days).await });
    }

    /// Must be called after a group was created. An earlier retention was deleted with the group.
    pub(crate) fn created(&self, client: &Client, group: &str) {
        self.setter.configured().remove(group);
        self.written(client, group);
    }
}

impl Setter {
    async fn set(&self, client: &Client, group: &str, days: i32) {
        match self.repeat(client, group, days).await {
            Ok(()) => self.telemetry.log.info(format_args!(
                "log group `{group}` keeps its events for {days} days"
            )),
            Err(error) => self.report(group, days, &error),
        }
    }

    fn report(&self, group: &str, days: i32, error: &SendError) {
        let kind = log_limiter::LogKey {
            what: "retention",
            part: &error.code,
            unit: "groups",
        };
        let next = if is_temporary(error) {
            self.configured().remove(group);
            "it is tried again when the group is next written to"
        } else {
            "it is tried again at the next start"
        };
        self.telemetry.warn(kind, 1, format_args!(
            "log group `{group}`: the retention of {days} days was not set; {next}; events are delivered all the same: {OPERATION} failed: {error}"
        ));
    }

    async fn repeat(&self, client: &Client, group: &str, days: i32) -> Result<(), SendError> {
        let mut backoff = Backoff::new(fastrand::Rng::new());
        for attempt in 1.. {
            let call = self
                .telemetry
                .metrics
                .counted(OPERATION, put(client, group, days));
            let Err(error) = self.limiter.admit(call).await else {
                break;
            };
            let error = error.needing("logs:PutRetentionPolicy").at(attempt);
            self.telemetry.debug(format_args!(
                "log group `{group}`: {OPERATION} failed: {error}"
            ));
            if attempt == MAX_ATTEMPTS || !is_temporary(&error) {
                return Err(error);
            }
            // The permit is released during the wait.
            sleep(backoff.after(&error)).await;
        }
        Ok(())
    }

    /// Whether this is the first call for the group. Returns `false` if there are too many groups to store.
    fn is_first(&self, group: &str) -> bool {
        let mut configured = self.configured();
        configured.len() < MAX_GROUPS && configured.insert(group.to_owned())
    }

    fn configured(&self) -> MutexGuard<'_, HashSet<String>> {
        self.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn put(client: &Client, group: &str, days: i32) -> Result<(), SendError> {
    let request = client
        .put_retention_policy()
        .log_group_name(group)
        .retention_in_days(days);
    let answer = deadline::within(Instant::now() + CALL_TIMEOUT, request.send()).await;
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(SendError::of(&error)),
        Err(_) => Err(SendError::unanswered()),
    }
}

fn is_temporary(error: &SendError) -> bool {
    matches!(
        error.kind,
        ErrorClass::Transient { .. } | ErrorClass::Throttled
    )
}

const OPERATION: Operation = Operation::PutRetentionPolicy;
/// The service allows 10 PutRetentionPolicy calls a second per account.
const MAX_IN_FLIGHT: usize = 2;
const MAX_ATTEMPTS: usize = 8;
/// A call without a response must not hold its permit for longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of groups to store. An account has at most 1,000,000 log groups.
const MAX_GROUPS: usize = 100_000;

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

    /// A service that never responds.
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
        let create_options = CreateOptions {
            group,
            retention_days: Some(7),
            ..CreateOptions::default()
        };
        let telemetry = Telemetry::new(Log::muted(), LABELS);
        Retention::new(&create_options, &Settings::default(), telemetry)
    }

    #[tokio::test]
    async fn dropping_the_output_cancels_calls_in_flight() {
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
    async fn no_retention_is_set_without_auto_create_group() {
        let (retention, client) = (retention(false), client());
        retention.written(&client, "group");
        retention.created(&client, "group");
        assert_eq!(Arc::strong_count(&retention.setter), 1);
    }
}
