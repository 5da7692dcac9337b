//! Creates log groups and log streams that writes find missing.
//!
//! A group or a stream is created only after a write found it missing. Tasks that start on existing
//! streams make no other calls than their writes, and no cache of existing streams can be wrong or
//! grow. A create that is throttled or fails temporarily is retried with its own rate limiter until the
//! flush's deadline. The write is sent again when the create has succeeded. Resources that were created
//! stay, so the next flush continues from there.

mod create_call;
pub(crate) mod limiter;
pub(crate) mod retention;
mod turns;

use aws_sdk_cloudwatchlogs::Client;
use tokio::time::{Instant, timeout_at};

use self::turns::CreationLocks;
use crate::aws::session::Settings;
use crate::cloudwatch::group_settings::{GroupSetting, GroupSettings};
use crate::cloudwatch::options::CreateOptions;
use crate::cloudwatch::provision::create_call::{CreateCall, Wanted};
use crate::cloudwatch::provision::retention::Retention;
use crate::cloudwatch::route::LogStreamId;
use crate::delivery::error::{ErrorClass, SendError};
use crate::telemetry::metrics::descriptors::Operation;
use crate::telemetry::{Telemetry, log_limiter};

/// Creates the log groups and log streams that writes find missing.
#[derive(Debug)]
pub struct Provisioner {
    create_options: CreateOptions,
    telemetry: Telemetry,
    retention: Retention,
    create_group: CreateCall,
    create_stream: CreateCall,
    locks: CreationLocks,
}

/// A write that found its log group or log stream missing.
#[derive(Clone, Copy, Debug)]
pub struct Missing {
    /// When the write began.
    pub at: Instant,
    /// Whether the response says that the group is missing.
    pub group: bool,
    /// When the flush ends.
    pub deadline: Instant,
}

impl Provisioner {
    /// Output sections with the same settings share the rate limits.
    #[must_use]
    pub fn new(create_options: CreateOptions, settings: &Settings, telemetry: Telemetry) -> Self {
        Self {
            retention: Retention::new(&create_options, settings, telemetry.clone()),
            create_group: CreateCall::new(settings, Operation::CreateLogGroup),
            create_stream: CreateCall::new(settings, Operation::CreateLogStream),
            locks: CreationLocks::default(),
            create_options,
            telemetry,
        }
    }

    /// The log lines and metrics of the output section.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Must be called after a write to a group; sets its retention if necessary.
    pub fn written(&self, client: &Client, group: &str) {
        self.retention.written(client, group);
    }

    /// Makes sure that the missing log group and log stream have been created since the write.
    ///
    /// # Errors
    ///
    /// Returns the error of the last call, or [`ErrorClass::Denied`] if the options forbid creating it.
    pub async fn create(
        &self,
        client: &Client,
        target: &LogStreamId,
        missing: Missing,
    ) -> Result<(), SendError> {
        let Missing { at, deadline, .. } = missing;
        // Futures of SDK requests are large. They are boxed to limit the use of the thread's stack.
        let create = Box::pin(self.create_now(client, target, missing));
        let created = self.locks.once(target, at, deadline, create);
        let created = timeout_at(deadline, created).await;
        created.unwrap_or_else(|_| Err(not_in_time(target)))
    }

    async fn create_now(
        &self,
        client: &Client,
        target: &LogStreamId,
        missing: Missing,
    ) -> Result<(), SendError> {
        if !self.create_options.stream {
            // The group may be missing. It is created here; the stream must be created by another program.
            if self.create_options.group {
                self.create_group_once(client, target, missing).await?;
            }
            return Err(not_allowed(target, "auto_create_stream"));
        }
        let mut group_exists = missing.group;
        if missing.group {
            self.create_group_once(client, target, missing).await?;
        }
        loop {
            let wanted = Wanted {
                target,
                deadline: missing.deadline,
                group_exists,
            };
            match Box::pin(self.create_stream(client, wanted)).await {
                Err(error) if error.kind == ErrorClass::Missing && !group_exists => {
                    self.create_group_once(client, target, missing).await?;
                    group_exists = true;
                }
                result => return result,
            }
        }
    }

    /// Creates the group of a target, once for all its streams.
    async fn create_group_once(
        &self,
        client: &Client,
        target: &LogStreamId,
        missing: Missing,
    ) -> Result<(), SendError> {
        if !self.create_options.group {
            return Err(not_allowed(target, "auto_create_group"));
        }
        let Missing { at, deadline, .. } = missing;
        let group = LogStreamId {
            group: target.group.clone(),
            stream: String::new(),
        };
        let wanted = Wanted {
            target,
            deadline,
            group_exists: false,
        };
        let create = Box::pin(self.create_group(client, wanted));
        self.locks.once(&group, at, deadline, create).await
    }

    async fn create_stream(&self, client: &Client, wanted: Wanted<'_>) -> Result<(), SendError> {
        let LogStreamId { group, stream } = wanted.target;
        let request = client
            .create_log_stream()
            .log_group_name(group)
            .log_stream_name(stream);
        let call = || {
            let request = request.clone();
            async move { request.send().await.map_err(|error| SendError::of(&error)) }
        };
        let explain = |error: SendError| error.needing("logs:CreateLogStream");
        let created = self
            .create_stream
            .repeat(wanted, &self.telemetry, call, explain)
            .await
            .map_err(explain)?;
        if created {
            self.telemetry.log.info(format_args!(
                "created log stream `{stream}` in log group `{group}`"
            ));
        }
        Ok(())
    }

    async fn create_group(&self, client: &Client, wanted: Wanted<'_>) -> Result<(), SendError> {
        let mut settings = GroupSettings::of(&self.create_options);
        loop {
            let Err(error) = self.call_create_group(client, wanted, &settings).await else {
                return Ok(());
            };
            match settings.give_up(&error) {
                Some(setting) => self.log_without(setting, wanted.target, &error),
                None => return Err(settings.explain(error)),
            }
        }
    }

    async fn call_create_group(
        &self,
        client: &Client,
        wanted: Wanted<'_>,
        settings: &GroupSettings<'_>,
    ) -> Result<(), SendError> {
        let group = &wanted.target.group;
        let request = settings.add(client.create_log_group().log_group_name(group));
        let call = || {
            let request = request.clone();
            async move { request.send().await.map_err(|error| SendError::of(&error)) }
        };
        let explain = |error| settings.explain(error);
        let created = self
            .create_group
            .repeat(wanted, &self.telemetry, call, explain)
            .await?;
        if created {
            self.telemetry
                .log
                .info(format_args!("created log group `{group}`"));
            self.retention.created(client, group);
        }
        Ok(())
    }

    fn log_without(&self, setting: GroupSetting, target: &LogStreamId, error: &SendError) {
        let kind = log_limiter::LogKey {
            what: "extra",
            part: &setting.to_string(),
            unit: "groups",
        };
        let LogStreamId { group, .. } = target;
        self.telemetry.warn(kind, 1, format_args!(
            "log group `{group}` is created without {setting}, as `on_create_refused continue` allows: {error}"
        ));
    }
}

fn not_allowed(target: &LogStreamId, option: &str) -> SendError {
    let LogStreamId { group, stream } = target;
    let text = format_args!(
        "log group `{group}` or its log stream `{stream}` does not exist, and `{option}` is off: create it, or set `{option} true`"
    );
    SendError::new(ErrorClass::Denied, "NotAllowed", text)
}

fn not_in_time(target: &LogStreamId) -> SendError {
    let LogStreamId { group, stream } = target;
    let text = format_args!(
        "log group `{group}`, log stream `{stream}`: not created before the flush's deadline (`flush_timeout`)"
    );
    SendError::new(ErrorClass::Transient { unanswered: false }, "Timeout", text)
}
