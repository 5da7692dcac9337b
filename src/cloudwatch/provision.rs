//! Creates log groups and log streams that writes find missing.
//!
//! A write comes first: a group or a stream is created only after a write found it missing. A fleet
//! that starts on existing streams makes no call but its writes, and there is no cache of existing
//! streams that could be wrong or grow. A create that is throttled or fails for a while is repeated by
//! itself until the flush's deadline, with a rate limiter of its own; only then the write is sent again.
//! What was created stays created, so the next flush goes on from there.

mod create_call;
pub(crate) mod limiter;
pub(crate) mod retention;
mod turns;

use aws_sdk_cloudwatchlogs::Client;
use tokio::time::{Instant, timeout_at};

use self::turns::Turns;
use crate::aws::session::Settings;
use crate::cloudwatch::group_settings::{GroupSetting, GroupSettings};
use crate::cloudwatch::options::CreateOptions;
use crate::cloudwatch::provision::create_call::{CreateCall, Wanted};
use crate::cloudwatch::provision::retention::Retention;
use crate::cloudwatch::route::LogStreamId;
use crate::delivery::error::{ErrorClass, SendError};
use crate::telemetry::metrics::descriptors::Operation;
use crate::telemetry::{Telemetry, log_limiter};

/// Creates what writes find missing.
#[derive(Debug)]
pub struct Provisioner {
    creation: CreateOptions,
    telemetry: Telemetry,
    retention: Retention,
    create_group: CreateCall,
    create_stream: CreateCall,
    turns: Turns,
}

/// What a write found missing.
#[derive(Clone, Copy, Debug)]
pub struct Missing {
    /// When the write began.
    pub at: Instant,
    /// It is the group, as the answer said.
    pub group: bool,
    /// When the flush ends.
    pub deadline: Instant,
}

impl Provisioner {
    /// Creates as the options say; instances with the same settings share the rate limits.
    #[must_use]
    pub fn new(creation: CreateOptions, settings: &Settings, telemetry: Telemetry) -> Self {
        Self {
            retention: Retention::new(&creation, settings, telemetry.clone()),
            create_group: CreateCall::new(settings, Operation::CreateLogGroup),
            create_stream: CreateCall::new(settings, Operation::CreateLogStream),
            turns: Turns::default(),
            creation,
            telemetry,
        }
    }

    /// The lines and counts of the instance.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// A group was written to; its retention may have to be set.
    pub fn written(&self, client: &Client, group: &str) {
        self.retention.written(client, group);
    }

    /// Makes sure that what a write found missing has been created since.
    ///
    /// # Errors
    ///
    /// A fault of the calls, or [`ErrorClass::Denied`] when the options do not allow it.
    pub async fn create(
        &self,
        client: &Client,
        target: &LogStreamId,
        missing: Missing,
    ) -> Result<(), SendError> {
        let Missing { at, deadline, .. } = missing;
        // Requests of the SDK are large futures; in line they would add up on the thread's stack.
        let make = Box::pin(self.create_now(client, target, missing));
        let made = self.turns.once(target, at, deadline, make);
        let made = timeout_at(deadline, made).await;
        made.unwrap_or_else(|_| Err(not_in_time(target)))
    }

    async fn create_now(
        &self,
        client: &Client,
        target: &LogStreamId,
        missing: Missing,
    ) -> Result<(), SendError> {
        if !self.creation.stream {
            // The group may be what is missing; its stream is then still for someone else to create.
            if self.creation.group {
                self.group(client, target, missing).await?;
            }
            return Err(not_allowed(target, "auto_create_stream"));
        }
        let mut group_exists = missing.group;
        if missing.group {
            self.group(client, target, missing).await?;
        }
        loop {
            let wanted = Wanted {
                target,
                deadline: missing.deadline,
                group_exists,
            };
            match Box::pin(self.stream(client, wanted)).await {
                Err(fault) if fault.kind == ErrorClass::Missing && !group_exists => {
                    self.group(client, target, missing).await?;
                    group_exists = true;
                }
                result => return result,
            }
        }
    }

    /// Creates a target's group, once for all its streams.
    async fn group(
        &self,
        client: &Client,
        target: &LogStreamId,
        missing: Missing,
    ) -> Result<(), SendError> {
        if !self.creation.group {
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
        let make = Box::pin(self.create_group(client, wanted));
        self.turns.once(&group, at, deadline, make).await
    }

    async fn stream(&self, client: &Client, wanted: Wanted<'_>) -> Result<(), SendError> {
        let LogStreamId { group, stream } = wanted.target;
        let request = client
            .create_log_stream()
            .log_group_name(group)
            .log_stream_name(stream);
        let call = || {
            let request = request.clone();
            async move { request.send().await.map_err(|error| SendError::of(&error)) }
        };
        let explain = |fault: SendError| fault.needing("logs:CreateLogStream");
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
        let mut extras = GroupSettings::of(&self.creation);
        loop {
            let Err(fault) = self.ask_for_group(client, wanted, &extras).await else {
                return Ok(());
            };
            match extras.give_up(&fault) {
                Some(extra) => self.log_without(extra, wanted.target, &fault),
                None => return Err(extras.explain(fault)),
            }
        }
    }

    async fn ask_for_group(
        &self,
        client: &Client,
        wanted: Wanted<'_>,
        extras: &GroupSettings<'_>,
    ) -> Result<(), SendError> {
        let group = &wanted.target.group;
        let request = extras.add(client.create_log_group().log_group_name(group));
        let call = || {
            let request = request.clone();
            async move { request.send().await.map_err(|error| SendError::of(&error)) }
        };
        let explain = |fault| extras.explain(fault);
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

    fn log_without(&self, extra: GroupSetting, target: &LogStreamId, fault: &SendError) {
        let kind = log_limiter::LogKey {
            what: "extra",
            part: &extra.to_string(),
            unit: "groups",
        };
        let LogStreamId { group, .. } = target;
        self.telemetry.warn(kind, 1, format_args!(
            "log group `{group}` is created without {extra}, as `on_create_refused continue` allows: {fault}"
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
