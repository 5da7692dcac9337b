//! `Name cloudwatch`: the road of a chunk to CloudWatch Logs.

pub mod datetime;
mod docker;
pub mod encode;
pub mod entity;
mod extras;
pub mod join;
mod limiter;
pub mod metrics;
pub mod options;
pub mod re2;
mod retention;
pub mod route;
mod self_metrics;
pub mod send;
pub mod streams;

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Builder;
use cbindings::{Flush, Log, Metrics, Output, Settings, Verdict};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::encode::{Counts, Encoder};
use self::options::{Config, FOREIGN, OPTIONS};
use self::route::{Fallback, Fallbacks, Place, Places};
use self::self_metrics::Reporter;
use self::send::Stream;
use self::streams::Streams;
use crate::decode::Records;
use crate::ecs::Metadata;
use crate::instance;
use crate::ledger::Left;
use crate::metrics::table::{Id, Plugin};
use crate::pace::Pace;
use crate::permits::Permits;
use crate::pipeline::{self, AtOnce, Tracked};
use crate::resume::{Attempt, RetryLedger};
use crate::send::{Deadline, Destination, Service, Targets, Terms};
use crate::session::Session;
use crate::variables::{Fixed, Variables};
use crate::watch::Watch;
use crate::worker::{Admitted, Worker};

/// One `cloudwatch` output section.
#[derive(Debug)]
pub struct CloudWatch {
    road: Arc<Road>,
    worker: Worker,
    permits: Permits,
}

/// What a chunk needs on its way.
#[derive(Debug)]
struct Road {
    config: Config,
    metadata: Metadata,
    streams: Arc<Streams>,
    connection: OnceCell<Connection>,
    pace: Arc<Pace>,
    targets: Arc<Targets>,
    retries: RetryLedger,
    watch: Watch,
    reporter: Option<Reporter>,
}

/// What is known once the region is.
#[derive(Debug)]
struct Connection {
    client: Client,
    fixed: Fixed,
    session: Session,
}

impl Output for CloudWatch {
    const NAME: &'static CStr = c"cloudwatch";
    const DESCRIPTION: &'static CStr = c"Amazon CloudWatch Logs";

    fn open(settings: &Settings, log: &Log) -> Option<Self> {
        let config = instance::configure(settings, log, OPTIONS, FOREIGN, Config::read)?;
        let worker = Worker::share()
            .inspect_err(|error| log.error(format_args!("no threads to work on: {error}")))
            .ok()?;
        let road = Arc::new(Road::new(config, settings, log.clone()));
        if road.config.route.needs_ecs_metadata() {
            let road = road.clone();
            let deadline = Instant::now() + road.config.flush_timeout;
            worker.spawn(move || async move { road.learn_metadata(deadline).await });
        }
        if let Some(reporter) = &road.reporter {
            let interval = reporter.interval();
            let road = Arc::downgrade(&road);
            worker.spawn(move || Road::report_every(interval, road));
        }
        let permits = Permits::new(road.config.concurrency, road.config.flush_timeout);
        Some(Self {
            road,
            worker,
            permits,
        })
    }

    fn flush(&self, flush: Flush) {
        let road = self.road.clone();
        let watch = road.watch.clone();
        self.worker
            .deliver(flush, &self.permits, watch, |admitted| async move {
                road.deliver(admitted).await
            });
    }

    fn worker_threads(&self) -> u32 {
        self.road.config.concurrency
    }

    fn metrics(&self) -> Option<Arc<dyn Metrics>> {
        Some(self.road.watch.metrics.clone())
    }

    fn metrics_are_shown(&self, shown: bool) {
        self.road.watch.metrics.shown(shown);
    }

    fn close(self) {
        self.report_at_last();
        self.road.watch.close();
    }
}

impl Road {
    fn new(config: Config, settings: &Settings, log: Log) -> Self {
        let (watch, name) = (Watch::new(log, PLUGIN), settings.name());
        let directory = config.resume_path.as_deref();
        let retries = instance::retries("cloudwatch", directory, settings, OPTIONS, &watch);
        let reporter = config.self_metrics.clone();
        let reporter = reporter.map(|options| Reporter::new(options, name, &config, &watch));
        Self {
            metadata: Metadata::of(instance::environment),
            streams: Arc::new(Streams::new(
                config.creation.clone(),
                &config.session,
                watch.clone(),
            )),
            connection: OnceCell::new(),
            pace: Pace::shared(&config.session, Stream::PUT),
            targets: Arc::default(),
            retries,
            config,
            watch,
            reporter,
        }
    }

    async fn deliver(&self, admitted: Admitted) -> Verdict {
        let Admitted {
            flush,
            deadline: limit,
            arrived,
        } = admitted;
        let flush = &flush;
        let deadline = limit.at();
        let began = Instant::now();
        let attempt = self.retries.begin(flush.clone(), arrived);
        let tag = String::from_utf8_lossy(flush.tag());
        let connected = instance::connected(&self.connection, deadline, self.connect());
        let connection = match connected.await {
            Ok(connection) => connection,
            Err(why) => {
                instance::say_of_no_connection(&self.watch, flush, &tag, &why);
                return attempt.give_back();
            }
        };
        self.learn_metadata(deadline).await;
        let joined = self.config.join.as_ref();
        let joined = joined.map(|join| join.chunk(flush.chunk()));
        let mut records = Records::new(joined.as_deref().unwrap_or(flush.chunk()));
        let mut encoder = self.encoder(&connection.fixed, &tag, attempt.left());
        encoder.stop_at(deadline);
        let (mut streams, mut first) = (HashMap::new(), 0);
        let stream = |encoder: &Encoder<'_>, number: usize| {
            if first < encoder.first_place() {
                first = encoder.first_place();
                streams.retain(|number, _| *number >= first);
            }
            let new = || self.stream(connection, encoder.place(number), &attempt);
            streams.entry(number).or_insert_with(new).clone()
        };
        let terms = self.terms(limit, attempt.halvings());
        let report = pipeline::deliver(
            &mut encoder,
            &mut records,
            &attempt,
            &terms,
            REQUESTS_AT_ONCE,
            stream,
        );
        let report = report.await;
        let (counts, fallbacks) = encoder.finish(&records);
        let (counts, fallbacks) = unreported(&attempt, counts, fallbacks);
        self.say(&tag, &counts, &fallbacks);
        instance::sum_up(&self.watch, Some(flush), &tag, &report, began);
        instance::note(&self.watch, &self.pace, &connection.session);
        attempt.finish(&report)
    }

    fn encoder<'r>(
        &'r self,
        fixed: &'r Fixed,
        tag: &'r str,
        left: Option<Arc<Left>>,
    ) -> Encoder<'r> {
        let variables = Variables::new(fixed, self.metadata.known(), tag);
        let entities = self.config.entities.as_ref();
        let places = Places::new(&self.config.route, entities, variables, tag);
        Encoder::new(&self.config, places, left)
    }

    fn stream(
        &self,
        connection: &Connection,
        place: &Place,
        attempt: &Attempt<'_>,
    ) -> Arc<Destination<Tracked<Stream>>> {
        let (client, streams) = (connection.client.clone(), self.streams.clone());
        let stream = Stream::new(client, place.clone(), streams, self.config.way.clone());
        Arc::new(Destination::new(Tracked::new(stream, attempt)))
    }

    fn say_of_fallbacks(&self, tag: &str, fallbacks: &Fallbacks) {
        let Fallbacks { group, stream } = fallbacks;
        let to = [
            "another log group than the one asked for, as its name could not be made",
            "another log stream than the one asked for, as its name could not be made",
        ];
        for (series, (Fallback { count, missing }, to)) in
            [group, stream].into_iter().zip(to).enumerate()
        {
            instance::say_of_fallback(&self.watch, tag, series, *count, missing, to);
        }
    }

    fn terms(&self, deadline: Deadline, halvings: u32) -> Terms {
        Terms {
            at_once: STREAMS_AT_ONCE,
            deadline,
            halvings,
            pace: self.pace.clone(),
            targets: self.targets.clone(),
            watch: self.watch.clone(),
        }
    }

    async fn connect(&self) -> Result<Connection, String> {
        let session = Session::open(&self.config.session).await?;
        let client = Builder::from(&session.config)
            .interceptor(session.agent())
            .interceptor(session.greeting(&self.watch));
        Ok(Connection {
            client: Client::from_conf(client.build()),
            fixed: Fixed::new(&session.region),
            session,
        })
    }

    async fn learn_metadata(&self, deadline: Instant) {
        if self.config.route.needs_ecs_metadata() {
            self.metadata.learn(deadline, &self.watch.log).await;
        }
    }

    /// Writes what happened to records before they were sent.
    fn say(&self, tag: &str, counts: &Counts, fallbacks: &Fallbacks) {
        self.say_of_fallbacks(tag, fallbacks);
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
            &self.watch,
            tag,
            &[
                (
                    skipped,
                    Id::Skipped,
                    0,
                    "records skipped: they have no key of `log_key`",
                ),
                (
                    truncated,
                    Id::Truncated,
                    0,
                    "events cut to `max_event_bytes`",
                ),
                (
                    split,
                    Id::Split,
                    0,
                    "records sent in parts: they are larger than `max_event_bytes`",
                ),
                (
                    too_deep,
                    Id::TooDeep,
                    0,
                    "values left out: they are nested too deeply",
                ),
            ],
        );
        self.watch.metrics.count(Id::Skipped, EMPTY, empty);
        if empty > 0 {
            self.watch.debug(format_args!(
                "tag `{tag}`: {empty} empty events skipped, as the service takes none"
            ));
        }
        instance::say_of_damage(&self.watch, tag, undecodable, torn);
    }
}

/// What no earlier attempt at the chunk has reported; now it is.
fn unreported(
    attempt: &Attempt<'_>,
    mut counts: Counts,
    mut fallbacks: Fallbacks,
) -> (Counts, Fallbacks) {
    let mut fields = [
        &mut counts.skipped,
        &mut counts.empty,
        &mut counts.truncated,
        &mut counts.split,
        &mut counts.too_deep,
        &mut counts.undecodable,
        &mut counts.torn,
        &mut fallbacks.group.count,
        &mut fallbacks.stream.count,
    ];
    attempt.unreported(&mut fields);
    (counts, fallbacks)
}

/// Requests of one chunk that are made ready to travel together, where answers are slow: as many as a
/// chunk mostly makes, which is 2 MB at most.
const REQUESTS_AT_ONCE: AtOnce = AtOnce { quick: 1, slow: 4 };
/// Streams of one chunk that are written to at the same time.
const STREAMS_AT_ONCE: usize = 32;
/// The place in [`crate::metrics::table::SKIPPED`].
const EMPTY: usize = 1;

/// What is counted under names of this plugin's own.
pub const PLUGIN: Plugin = Plugin {
    operations: &[
        "PutLogEvents",
        "CreateLogGroup",
        "CreateLogStream",
        "PutRetentionPolicy",
    ],
    targets: &["log_group", "log_stream"],
};
