//! `Name cloudwatch`: the road of a chunk to CloudWatch Logs.

pub mod encode;
pub mod entity;
mod extras;
pub mod metrics;
pub mod options;
mod retention;
pub mod route;
pub mod send;
pub mod streams;

use std::ffi::CStr;
use std::sync::{Arc, Once};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Builder;
use cbindings::{Flush, Log, Output, Settings, Verdict};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::encode::{Counts, Encoded, Encoder};
use self::options::{Config, FOREIGN, OPTIONS};
use self::route::{Fallback, Fallbacks, Places};
use self::send::Stream;
use self::streams::Streams;
use crate::ecs::Metadata;
use crate::instance;
use crate::ledger::Left;
use crate::notice::Notice;
use crate::pace::Pace;
use crate::resume::Resume;
use crate::send::{Terms, deliver_all};
use crate::session::Session;
use crate::variables::{Fixed, Variables};
use crate::worker::Worker;

/// One `cloudwatch` output section.
#[derive(Debug)]
pub struct CloudWatch {
    road: Arc<Road>,
    worker: Worker,
}

/// What a chunk needs on its way.
#[derive(Debug)]
struct Road {
    config: Config,
    metadata: Metadata,
    streams: Arc<Streams>,
    connection: OnceCell<Connection>,
    pace: Arc<Pace>,
    resume: Resume,
    threads: Once,
    group_fallbacks: Notice,
    stream_fallbacks: Notice,
    log: Log,
}

/// What is known once the region is.
#[derive(Debug)]
struct Connection {
    client: Client,
    fixed: Fixed,
}

impl Output for CloudWatch {
    const NAME: &'static CStr = c"cloudwatch";
    const DESCRIPTION: &'static CStr = c"Amazon CloudWatch Logs";

    fn open(settings: &Settings, log: &Log) -> Option<Self> {
        let config = instance::configure(settings, log, OPTIONS, FOREIGN, Config::read)?;
        let worker = Worker::share()
            .inspect_err(|error| log.error(format_args!("no threads to work on: {error}")))
            .ok()?;
        instance::ask_for_workers(settings, log, config.concurrency);
        let road = Arc::new(Road::new(config, log.clone()));
        if road.config.route.needs_ecs_metadata() {
            let road = road.clone();
            let deadline = Instant::now() + road.config.flush_timeout;
            worker.spawn(async move { road.learn_metadata(deadline).await });
        }
        Some(Self { road, worker })
    }

    fn flush(&self, flush: Flush) {
        let road = self.road.clone();
        let log = self.road.log.clone();
        self.worker.deliver(
            flush,
            log,
            |flush| async move { road.deliver(&flush).await },
        );
    }

    fn close(self) {}
}

impl Road {
    fn new(config: Config, log: Log) -> Self {
        Self {
            metadata: Metadata::of(instance::environment),
            streams: Arc::new(Streams::new(config.creation.clone(), log.clone())),
            connection: OnceCell::new(),
            pace: Pace::shared(&config.session),
            resume: Resume::new(log.clone()),
            threads: Once::new(),
            group_fallbacks: Notice::every(FALLBACK_NOTICE),
            stream_fallbacks: Notice::every(FALLBACK_NOTICE),
            config,
            log,
        }
    }

    async fn deliver(&self, flush: &Flush) -> Verdict {
        let began = Instant::now();
        instance::warn_of_threads(flush, &self.threads, &self.log);
        let tag = String::from_utf8_lossy(flush.tag());
        let deadline = began + self.config.flush_timeout;
        let connected = instance::connected(&self.connection, deadline, self.connect());
        let connection = match connected.await {
            Ok(connection) => connection,
            Err(why) => {
                self.log.error(format_args!(
                    "tag `{tag}`: {why}; the chunk is kept for a retry"
                ));
                return Verdict::Retry;
            }
        };
        self.learn_metadata(deadline).await;
        let left = self.resume.begin(flush);
        let encoded = self.encode(&connection.fixed, &tag, flush.chunk(), left.clone());
        if left.is_none() {
            self.say(&tag, &encoded.counts);
        }
        let destinations = encoded.places.into_iter().map(|(place, batches)| {
            let (client, streams) = (connection.client.clone(), self.streams.clone());
            (
                Stream::new(client, place, streams, self.config.way.clone()),
                batches,
            )
        });
        let terms = Terms {
            at_once: STREAMS_AT_ONCE,
            deadline,
            pace: self.pace.clone(),
            log: self.log.clone(),
        };
        let report = deliver_all(destinations.collect(), &terms).await;
        instance::sum_up(&self.log, &tag, &report, began);
        self.resume.end(flush, left.is_some(), report)
    }

    fn encode(&self, fixed: &Fixed, tag: &str, chunk: &[u8], left: Option<Arc<Left>>) -> Encoded {
        let variables = Variables::new(fixed, self.metadata.known(), tag);
        let places = Places::new(
            &self.config.route,
            self.config.entities.as_ref(),
            variables,
            tag,
        );
        let (encoded, fallbacks) = Encoder::new(&self.config, places, left).chunk(chunk);
        let Fallbacks { group, stream } = fallbacks;
        self.warn_of(tag, "group", &self.group_fallbacks, &group);
        self.warn_of(tag, "stream", &self.stream_fallbacks, &stream);
        encoded
    }

    fn warn_of(&self, tag: &str, kind: &str, notice: &Notice, fallback: &Fallback) {
        if let Some(count) = notice.due(fallback.count, std::time::Instant::now()) {
            let missing = &fallback.missing;
            self.log.warn(format_args!(
                "tag `{tag}`: {count} records went to another log {kind} than the one asked for, as its name could not be made: {missing}"
            ));
        }
    }

    async fn connect(&self) -> Result<Connection, String> {
        let session = Session::open(&self.config.session).await?;
        let client = Builder::from(&session.config)
            .interceptor(session.agent())
            .interceptor(session.greeting(&self.log));
        Ok(Connection {
            client: Client::from_conf(client.build()),
            fixed: Fixed::new(&session.region),
        })
    }

    async fn learn_metadata(&self, deadline: Instant) {
        if self.config.route.needs_ecs_metadata() {
            self.metadata.learn(deadline, &self.log).await;
        }
    }

    /// Writes what happened to records before they were sent.
    fn say(&self, tag: &str, counts: &Counts) {
        let Counts {
            skipped,
            empty,
            truncated,
            split,
            too_deep,
            undecodable,
            torn,
            events: _,
        } = *counts;
        instance::say_of_records(
            &self.log,
            tag,
            &[
                (skipped, "records skipped: they have no key of `log_key`"),
                (truncated, "events cut to `max_event_bytes`"),
                (
                    split,
                    "records sent in parts: they are larger than `max_event_bytes`",
                ),
                (too_deep, "values left out: they are nested too deeply"),
            ],
        );
        if empty > 0 {
            self.log.debug(format_args!(
                "tag `{tag}`: {empty} empty events skipped, as the service takes none"
            ));
        }
        instance::say_of_damage(&self.log, tag, undecodable, torn);
    }
}

/// Streams of one chunk that are written to at the same time.
const STREAMS_AT_ONCE: usize = 16;
const FALLBACK_NOTICE: Duration = Duration::from_secs(60);
