//! `Name firehose`: the road of a chunk to Data Firehose.

pub mod encode;
pub mod options;
pub mod pack;
pub mod route;
pub mod send;
pub mod shape;

use std::ffi::CStr;
use std::sync::Arc;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::config::Builder;
use cbindings::{Flush, Log, Metrics, Output, Settings, Verdict};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::encode::{Counts, Encoder};
use self::options::{Config, FOREIGN, OPTIONS};
use self::pack::Packed;
use self::route::Streams;
use self::send::DeliveryStream;
use crate::decode::Records;
use crate::ecs::Metadata;
use crate::instance;
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

/// One `firehose` output section.
#[derive(Debug)]
pub struct Firehose {
    road: Arc<Road>,
    worker: Worker,
    permits: Permits,
}

/// What a chunk needs on its way.
#[derive(Debug)]
struct Road {
    config: Config,
    metadata: Metadata,
    connection: OnceCell<Connection>,
    pace: Arc<Pace>,
    targets: Arc<Targets>,
    retries: RetryLedger,
    watch: Watch,
}

/// What is known once the region is.
#[derive(Debug)]
struct Connection {
    client: Client,
    fixed: Fixed,
    session: Session,
}

impl Output for Firehose {
    const NAME: &'static CStr = c"firehose";
    const DESCRIPTION: &'static CStr = c"Amazon Data Firehose";

    fn open(settings: &Settings, log: &Log) -> Option<Self> {
        let config = instance::configure(settings, log, OPTIONS, FOREIGN, Config::read)?;
        let worker = Worker::share()
            .inspect_err(|error| log.error(format_args!("no threads to work on: {error}")))
            .ok()?;
        let road = Arc::new(Road::new(config, settings, log.clone()));
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
        self.road.watch.close();
    }
}

impl Road {
    fn new(config: Config, settings: &Settings, log: Log) -> Self {
        let watch = Watch::new(log, PLUGIN);
        let directory = config.resume_path.as_deref();
        let retries = instance::retries("firehose", directory, settings, OPTIONS, &watch);
        Self {
            metadata: Metadata::of(instance::environment),
            connection: OnceCell::new(),
            pace: Pace::shared(&config.session, DeliveryStream::PUT),
            targets: Arc::default(),
            retries,
            config,
            watch,
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
        let variables = Variables::new(&connection.fixed, self.metadata.known(), &tag);
        let streams = Streams::new(&self.config.route, variables, &tag);
        let mut encoder = Encoder::new(&self.config, streams, attempt.left());
        encoder.stop_at(deadline);
        let mut records = Records::new(flush.chunk());
        let stream = |encoder: &Encoder<'_>, number: usize| {
            self.stream(connection, encoder.name(number), &attempt)
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

    fn terms(&self, deadline: Deadline, halvings: u32) -> Terms {
        Terms {
            at_once: REQUESTS_AT_ONCE.slow,
            deadline,
            halvings,
            pace: self.pace.clone(),
            targets: self.targets.clone(),
            watch: self.watch.clone(),
        }
    }

    /// A destination of its own for each request, as their order means nothing to the service.
    fn stream(
        &self,
        connection: &Connection,
        name: &str,
        attempt: &Attempt<'_>,
    ) -> Arc<Destination<Tracked<DeliveryStream>>> {
        let auto_retry = self.config.session.auto_retry;
        let stream = DeliveryStream::new(connection.client.clone(), name, auto_retry);
        Arc::new(Destination::new(Tracked::new(stream, attempt)))
    }

    fn say_of_fallbacks(&self, tag: &str, (count, missing): &(usize, Option<String>)) {
        let missing = missing.as_deref().unwrap_or_default();
        let to = "the default delivery stream, as a variable of the name had no value";
        instance::say_of_fallback(&self.watch, tag, 0, *count, missing, to);
    }

    async fn learn_metadata(&self, deadline: Instant) {
        if self.config.route.needs_ecs_metadata() {
            self.metadata.learn(deadline, &self.watch.log).await;
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

    /// Writes what happened to records before they were sent.
    fn say(&self, tag: &str, counts: &Counts, fallbacks: &(usize, Option<String>)) {
        self.say_of_fallbacks(tag, fallbacks);
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
                    "records cut to the service's 1,000 KiB",
                ),
                (
                    split,
                    Id::Split,
                    0,
                    "records sent in parts: they are larger than the service's 1,000 KiB",
                ),
                (
                    too_deep,
                    Id::TooDeep,
                    0,
                    "values left out: they are nested too deeply",
                ),
            ],
        );
        instance::say_of_damage(&self.watch, tag, undecodable, torn);
    }
}

/// What no earlier attempt at the chunk has reported; now it is.
fn unreported(
    attempt: &Attempt<'_>,
    mut counts: Counts,
    mut fallbacks: (usize, Option<String>),
) -> (Counts, (usize, Option<String>)) {
    let mut fields = [
        &mut counts.skipped,
        &mut counts.packed.truncated,
        &mut counts.packed.split,
        &mut counts.too_deep,
        &mut counts.undecodable,
        &mut counts.torn,
        &mut fallbacks.0,
    ];
    attempt.unreported(&mut fields);
    (counts, fallbacks)
}

/// Requests of one chunk that travel together, as their order means nothing to the service: as many
/// as a chunk mostly makes, which is 2 MB at most.
const REQUESTS_AT_ONCE: AtOnce = AtOnce { quick: 2, slow: 8 };

/// What is counted under names of this plugin's own.
pub const PLUGIN: Plugin = Plugin {
    operations: &["PutRecordBatch"],
    targets: &["delivery_stream"],
};
