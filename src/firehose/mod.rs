//! `Name firehose`: the road of a chunk to Data Firehose.

pub mod encode;
pub mod options;
pub mod pack;
pub mod route;
pub mod send;
pub mod shape;

use std::ffi::CStr;
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::config::Builder;
use cbindings::{Flush, Log, Output, Settings, Verdict};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::encode::{Counts, Encoded, Encoder};
use self::options::{Config, FOREIGN, OPTIONS};
use self::pack::Packed;
use self::route::Streams;
use self::send::DeliveryStream;
use crate::ecs::{Metadata, Task};
use crate::instance;
use crate::ledger::Left;
use crate::notice::Notice;
use crate::pace::Pace;
use crate::resume::Resume;
use crate::send::{Terms, deliver_all};
use crate::session::Session;
use crate::variables::{Fixed, Variables};
use crate::worker::Worker;

/// One `firehose` output section.
#[derive(Debug)]
pub struct Firehose {
    road: Arc<Road>,
    worker: Worker,
}

/// What a chunk needs on its way.
#[derive(Debug)]
struct Road {
    config: Config,
    metadata: Metadata,
    connection: OnceCell<Connection>,
    pace: Arc<Pace>,
    resume: Resume,
    threads: Once,
    fallbacks: Notice,
    /// Whether names are made with the ECS metadata.
    with_metadata: OnceLock<bool>,
    log: Log,
}

/// What is known once the region is.
#[derive(Debug)]
struct Connection {
    client: Client,
    fixed: Fixed,
}

impl Output for Firehose {
    const NAME: &'static CStr = c"firehose";
    const DESCRIPTION: &'static CStr = c"Amazon Data Firehose";

    fn open(settings: &Settings, log: &Log) -> Option<Self> {
        let config = instance::configure(settings, log, OPTIONS, FOREIGN, Config::read)?;
        let worker = Worker::share()
            .inspect_err(|error| log.error(format_args!("no threads to work on: {error}")))
            .ok()?;
        instance::ask_for_workers(settings, log, config.concurrency);
        let road = Arc::new(Road::new(config, log.clone()));
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
            connection: OnceCell::new(),
            pace: Pace::shared(&config.session),
            resume: Resume::new(log.clone()),
            threads: Once::new(),
            fallbacks: Notice::every(Duration::from_secs(60)),
            with_metadata: OnceLock::new(),
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
        let auto_retry = self.config.session.auto_retry;
        let destinations = encoded.streams.into_iter().flat_map(|(name, batches)| {
            let stream = move || DeliveryStream::new(connection.client.clone(), &name, auto_retry);
            batches
                .into_iter()
                .map(move |batch| (stream(), vec![batch]))
        });
        let terms = Terms {
            at_once: REQUESTS_AT_ONCE,
            deadline,
            pace: self.pace.clone(),
            log: self.log.clone(),
        };
        let report = deliver_all(destinations.collect(), &terms).await;
        instance::sum_up(&self.log, &tag, &report, began);
        self.resume.end(flush, left.is_some(), report)
    }

    fn encode(&self, fixed: &Fixed, tag: &str, chunk: &[u8], left: Option<Arc<Left>>) -> Encoded {
        let variables = Variables::new(fixed, self.task(), tag);
        let streams = Streams::new(&self.config.route, variables, tag);
        let encoded = Encoder::new(&self.config, streams, left).chunk(chunk);
        let (count, missing) = &encoded.fallbacks;
        if let Some(count) = self.fallbacks.due(*count, std::time::Instant::now()) {
            let missing = missing.as_deref().unwrap_or_default();
            self.log.warn(format_args!(
                "tag `{tag}`: {count} records went to the default delivery stream, as a variable of the name had no value: {missing}"
            ));
        }
        encoded
    }

    /// The task, as names are made with it.
    ///
    /// The first chunk decides where records are joined: were a name another one when the host brings
    /// a chunk again, other records would be joined, and what is left of it would mean other records.
    fn task(&self) -> Option<&Task> {
        let known = self.metadata.known();
        if !self.config.packing.aggregate {
            return known;
        }
        let with = *self.with_metadata.get_or_init(|| known.is_some());
        known.filter(|_| with)
    }

    async fn learn_metadata(&self, deadline: Instant) {
        if self.config.route.needs_ecs_metadata() {
            self.metadata.learn(deadline, &self.log).await;
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

    /// Writes what happened to records before they were sent.
    fn say(&self, tag: &str, counts: &Counts) {
        let Counts {
            packed,
            skipped,
            too_deep,
            undecodable,
            torn,
        } = *counts;
        let Packed {
            truncated, split, ..
        } = packed;
        instance::say_of_records(
            &self.log,
            tag,
            &[
                (skipped, "records skipped: they have no key of `log_key`"),
                (truncated, "records cut to the service's 1,000 KiB"),
                (
                    split,
                    "records sent in parts: they are larger than the service's 1,000 KiB",
                ),
                (too_deep, "values left out: they are nested too deeply"),
            ],
        );
        instance::say_of_damage(&self.log, tag, undecodable, torn);
    }
}

/// The order of requests means nothing to the service.
const REQUESTS_AT_ONCE: usize = 4;
