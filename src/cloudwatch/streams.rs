//! Missing groups and streams -> created ones.
//!
//! Writing comes first: a group or a stream is created only after a write found it missing, so a
//! fleet that starts on existing streams makes no call but its writes, and nothing needs to be
//! remembered of streams that exist: there is no cache that could be wrong or grow. Of several flushes that miss
//! the same stream one creates it and the others wait and write again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_cloudwatchlogs::Client;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::cloudwatch::extras::{Extra, Extras};
use crate::cloudwatch::options::Creation;
use crate::cloudwatch::retention::Retention;
use crate::cloudwatch::route::Place;
use crate::fault::{Fault, Kind};
use crate::notice;
use crate::watch::Watch;

/// Creates what writes find missing.
#[derive(Debug)]
pub struct Streams {
    creation: Creation,
    watch: Watch,
    retention: Retention,
    busy: Mutex<HashMap<Place, Arc<Turn>>>,
}

/// What a write found missing.
#[derive(Clone, Copy, Debug)]
pub struct Missing {
    /// When the write began.
    pub at: Instant,
    /// It is the group, as the answer said.
    pub group: bool,
}

/// Holds when the place was last created; whoever creates it holds the lock.
type Turn = AsyncMutex<Option<Instant>>;

impl Streams {
    /// Creates as the options say.
    #[must_use]
    pub fn new(creation: Creation, watch: Watch) -> Self {
        Self {
            retention: Retention::new(creation.retention_days, watch.clone()),
            creation,
            watch,
            busy: Mutex::default(),
        }
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
        // Requests of the SDK are large futures; in line they would add up on the thread's stack.
        let make = Box::pin(self.create_now(client, place, missing));
        self.once(place, missing.at, make).await
    }

    /// Makes something unless another flush has made it since it was missed, or is about to.
    async fn once(
        &self,
        what: &Place,
        missed: Instant,
        make: impl Future<Output = Result<(), Fault>>,
    ) -> Result<(), Fault> {
        let turn = self.lock().entry(what.clone()).or_default().clone();
        let mut created = turn.lock().await;
        let result = match *created {
            Some(at) if at >= missed => Ok(()),
            _ => make.await,
        };
        if result.is_ok() {
            *created = Some(Instant::now());
        }
        drop(created);
        self.forget(what, turn);
        result
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
                self.group(client, place, missing.at).await?;
            }
            return Err(not_allowed(place, "auto_create_stream"));
        }
        if missing.group && self.creation.group {
            self.group(client, place, missing.at).await?;
        }
        match Box::pin(self.create_stream(client, place)).await {
            Err(fault) if fault.kind == Kind::Missing => {
                self.group(client, place, missing.at).await?;
                Box::pin(self.create_stream(client, place)).await
            }
            result => result,
        }
    }

    /// Creates a place's group, once for all its streams.
    async fn group(&self, client: &Client, place: &Place, missed: Instant) -> Result<(), Fault> {
        let group = Place {
            group: place.group.clone(),
            stream: String::new(),
        };
        let make = Box::pin(self.create_group(client, place));
        self.once(&group, missed, make).await
    }

    async fn create_stream(&self, client: &Client, place: &Place) -> Result<(), Fault> {
        let request = client
            .create_log_stream()
            .log_group_name(&place.group)
            .log_stream_name(&place.stream);
        let call = async { request.send().await.map_err(|error| Fault::of(&error)) };
        match self.watch.metrics.counted("CreateLogStream", call).await {
            Ok(_) => {
                self.watch.log.info(format_args!(
                    "created log stream `{}` in log group `{}`",
                    place.stream, place.group
                ));
                Ok(())
            }
            Err(fault) if fault.kind == Kind::Exists => Ok(()),
            Err(fault) => {
                let fault = fault.needing("logs:CreateLogStream");
                Err(fault.within("CreateLogStream"))
            }
        }
    }

    async fn create_group(&self, client: &Client, place: &Place) -> Result<(), Fault> {
        if !self.creation.group {
            return Err(not_allowed(place, "auto_create_group"));
        }
        let mut extras = Extras::of(&self.creation);
        loop {
            let Err(fault) = self.ask_for_group(client, &place.group, &extras).await else {
                return Ok(());
            };
            match extras.give_up(&fault) {
                Some(extra) => self.say_without(extra, &place.group, &fault),
                None => return Err(fault.needing("logs:CreateLogGroup")),
            }
        }
    }

    fn say_without(&self, extra: Extra, group: &str, fault: &Fault) {
        let kind = notice::Kind {
            what: "extra",
            part: &extra.to_string(),
            unit: "groups",
        };
        self.watch.warn(kind, 1, format_args!(
            "log group `{group}` is created without {extra}, so that its events are delivered: {fault}"
        ));
    }

    async fn ask_for_group(
        &self,
        client: &Client,
        group: &str,
        extras: &Extras<'_>,
    ) -> Result<(), Fault> {
        let request = extras.add(client.create_log_group().log_group_name(group));
        let call = async { request.send().await.map_err(|error| Fault::of(&error)) };
        match self.watch.metrics.counted("CreateLogGroup", call).await {
            Ok(_) => {
                self.watch
                    .log
                    .info(format_args!("created log group `{group}`"));
                self.retention.created(client, group);
                Ok(())
            }
            Err(fault) if fault.kind == Kind::Exists => Ok(()),
            Err(fault) => Err(fault.within("CreateLogGroup")),
        }
    }

    /// Keeps no place that nobody waits for, and of groups some: those who miss one learn of it at
    /// times far apart.
    fn forget(&self, place: &Place, turn: Arc<Turn>) {
        let mut busy = self.lock();
        drop(turn);
        if place.stream.is_empty() && busy.len() < MOST_KEPT {
            return;
        }
        if busy
            .get(place)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            busy.remove(place);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Arc<Turn>>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_allowed(place: &Place, option: &str) -> Fault {
    let Place { group, stream } = place;
    let text = format_args!(
        "log group `{group}` or its log stream `{stream}` does not exist, and `{option}` is off: create it, or set `{option} true`"
    );
    Fault::new(Kind::Denied, "NotAllowed", text)
}

/// Groups whose creation is remembered, so that a chunk's many streams create theirs once.
const MOST_KEPT: usize = 1000;
