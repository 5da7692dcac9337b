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
use crate::cloudwatch::group_settings::{Extra, Extras};
use crate::cloudwatch::options::Creation;
use crate::cloudwatch::provision::create_call::{CreateCall, Wanted};
use crate::cloudwatch::provision::retention::Retention;
use crate::cloudwatch::route::Place;
use crate::delivery::error::{Fault, Kind};
use crate::telemetry::metrics::descriptors::Operation;
use crate::telemetry::{Watch, log_limiter};

/// Creates what writes find missing.
#[derive(Debug)]
pub struct Streams {
    creation: Creation,
    watch: Watch,
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

impl Streams {
    /// Creates as the options say; instances with the same settings share the rate limits.
    #[must_use]
    pub fn new(creation: Creation, settings: &Settings, watch: Watch) -> Self {
        Self {
            retention: Retention::new(&creation, settings, watch.clone()),
            create_group: CreateCall::new(settings, Operation::CreateLogGroup),
            create_stream: CreateCall::new(settings, Operation::CreateLogStream),
            turns: Turns::default(),
            creation,
            watch,
        }
    }

    /// The lines and counts of the instance.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// A group was written to; its retention may have to be set.
    pub fn written(&self, client: &Client, group: &str) {
        self.retention.written(client, group);
    }

    /// Makes sure that what a write found missing has been created since.
    ///
    /// # Errors
    ///
    /// A fault of the calls, or [`Kind::Denied`] when the options do not allow it.
    pub async fn create(
        &self,
        client: &Client,
        place: &Place,
        missing: Missing,
    ) -> Result<(), Fault> {
        let Missing { at, deadline, .. } = missing;
        // Requests of the SDK are large futures; in line they would add up on the thread's stack.
        let make = Box::pin(self.create_now(client, place, missing));
        let made = self.turns.once(place, at, deadline, make);
        let made = timeout_at(deadline, made).await;
        made.unwrap_or_else(|_| Err(not_in_time(place)))
    }

    async fn create_now(
        &self,
        client: &Client,
        place: &Place,
        missing: Missing,
    ) -> Result<(), Fault> {
        if !self.creation.stream {
            // The group may be what is missing; its stream is then still for someone else to create.
            if self.creation.group {
                self.group(client, place, missing).await?;
            }
            return Err(not_allowed(place, "auto_create_stream"));
        }
        let mut group_exists = missing.group;
        if missing.group {
            self.group(client, place, missing).await?;
        }
        loop {
            let wanted = Wanted {
                place,
                deadline: missing.deadline,
                group_exists,
            };
            match Box::pin(self.stream(client, wanted)).await {
                Err(fault) if fault.kind == Kind::Missing && !group_exists => {
                    self.group(client, place, missing).await?;
                    group_exists = true;
                }
                result => return result,
            }
        }
    }

    /// Creates a place's group, once for all its streams.
    async fn group(&self, client: &Client, place: &Place, missing: Missing) -> Result<(), Fault> {
        if !self.creation.group {
            return Err(not_allowed(place, "auto_create_group"));
        }
        let Missing { at, deadline, .. } = missing;
        let group = Place {
            group: place.group.clone(),
            stream: String::new(),
        };
        let wanted = Wanted {
            place,
            deadline,
            group_exists: false,
        };
        let make = Box::pin(self.create_group(client, wanted));
        self.turns.once(&group, at, deadline, make).await
    }

    async fn stream(&self, client: &Client, wanted: Wanted<'_>) -> Result<(), Fault> {
        let Place { group, stream } = wanted.place;
        let request = client
            .create_log_stream()
            .log_group_name(group)
            .log_stream_name(stream);
        let call = || {
            let request = request.clone();
            async move { request.send().await.map_err(|error| Fault::of(&error)) }
        };
        let explain = |fault: Fault| fault.needing("logs:CreateLogStream");
        let created = self
            .create_stream
            .repeat(wanted, &self.watch, call, explain)
            .await
            .map_err(explain)?;
        if created {
            self.watch.log.info(format_args!(
                "created log stream `{stream}` in log group `{group}`"
            ));
        }
        Ok(())
    }

    async fn create_group(&self, client: &Client, wanted: Wanted<'_>) -> Result<(), Fault> {
        let mut extras = Extras::of(&self.creation);
        loop {
            let Err(fault) = self.ask_for_group(client, wanted, &extras).await else {
                return Ok(());
            };
            match extras.give_up(&fault) {
                Some(extra) => self.log_without(extra, wanted.place, &fault),
                None => return Err(extras.explain(fault)),
            }
        }
    }

    async fn ask_for_group(
        &self,
        client: &Client,
        wanted: Wanted<'_>,
        extras: &Extras<'_>,
    ) -> Result<(), Fault> {
        let group = &wanted.place.group;
        let request = extras.add(client.create_log_group().log_group_name(group));
        let call = || {
            let request = request.clone();
            async move { request.send().await.map_err(|error| Fault::of(&error)) }
        };
        let explain = |fault| extras.explain(fault);
        let created = self
            .create_group
            .repeat(wanted, &self.watch, call, explain)
            .await?;
        if created {
            self.watch
                .log
                .info(format_args!("created log group `{group}`"));
            self.retention.created(client, group);
        }
        Ok(())
    }

    fn log_without(&self, extra: Extra, place: &Place, fault: &Fault) {
        let kind = log_limiter::Kind {
            what: "extra",
            part: &extra.to_string(),
            unit: "groups",
        };
        let Place { group, .. } = place;
        self.watch.warn(kind, 1, format_args!(
            "log group `{group}` is created without {extra}, as `on_create_refused continue` allows: {fault}"
        ));
    }
}

fn not_allowed(place: &Place, option: &str) -> Fault {
    let Place { group, stream } = place;
    let text = format_args!(
        "log group `{group}` or its log stream `{stream}` does not exist, and `{option}` is off: create it, or set `{option} true`"
    );
    Fault::new(Kind::Denied, "NotAllowed", text)
}

fn not_in_time(place: &Place) -> Fault {
    let Place { group, stream } = place;
    let text = format_args!(
        "log group `{group}`, log stream `{stream}`: not created before the flush's deadline (`flush_timeout`)"
    );
    Fault::new(Kind::Passing { unanswered: false }, "Timeout", text)
}
