//! `Name kinesis`: the pipeline of a chunk to Kinesis Data Streams.

pub mod aggregate;
pub mod encode;
pub mod options;
pub mod pack;
pub mod partition_key;
pub mod put_records;

use std::ffi::CStr;
use std::sync::Arc;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use cbindings::{Flush, Log, Metrics, Output, Settings, Verdict};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::encode::{Counts, Encoder};
use self::options::{Config, FOREIGN, OPTIONS};
use self::put_records::Stream;
use crate::decode::Records;
use crate::firehose::pack::Packed;
use crate::instance;
use crate::metrics::table::{Id, Plugin};
use crate::pace::Pace;
use crate::permits::Permits;
use crate::pipeline::{self, AtOnce, Tracked};
use crate::resume::{Attempt, RetryLedger};
use crate::send::{Deadline, Destination, Targets, Terms};
use crate::session::Session;
use crate::watch::Watch;
use crate::worker::{Admitted, Worker};

/// One `kinesis` output section.
#[derive(Debug)]
pub struct Kinesis {
    road: Arc<Road>,
    worker: Worker,
    permits: Permits,
}

/// What a chunk needs on its way.
#[derive(Debug)]
struct Road {
    config: Config,
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
    session: Session,
}

impl Output for Kinesis {
    const NAME: &'static CStr = c"kinesis";
    const DESCRIPTION: &'static CStr = c"Amazon Kinesis Data Streams";

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
        let retries = instance::retries("kinesis", directory, settings, OPTIONS, &watch);
        Self {
            connection: OnceCell::new(),
            // The service limits the shards of a stream, and not an account's requests.
            pace: Arc::default(),
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
        let mut encoder = Encoder::new(&self.config, attempt.left());
        encoder.stop_at(deadline);
        let mut records = Records::new(flush.chunk());
        let stream = Stream::new(connection.client.clone(), &self.config);
        let whole = Arc::new(Destination::new(Tracked::new(stream.clone(), &attempt)));
        let destination = |_: &Encoder<'_>, _| match self.config.partition_key.is_random() {
            // Their order means nothing, so that none waits for another one.
            true => Arc::new(Destination::new(Tracked::new(stream.clone(), &attempt))),
            false => whole.clone(),
        };
        let terms = self.terms(limit, attempt.halvings());
        let report = pipeline::deliver(
            &mut encoder,
            &mut records,
            &attempt,
            &terms,
            REQUESTS_AT_ONCE,
            destination,
        );
        let report = report.await;
        let counts = unreported(&attempt, encoder.finish(&records));
        self.log_records(&tag, &counts);
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

    async fn connect(&self) -> Result<Connection, String> {
        let session = Session::open(&self.config.session).await?;
        let client = Builder::from(&session.config)
            .interceptor(session.agent())
            .interceptor(session.greeting(&self.watch));
        Ok(Connection {
            client: Client::from_conf(client.build()),
            session,
        })
    }

    /// Logs what happened to records before they were sent.
    fn log_records(&self, tag: &str, counts: &Counts) {
        let Counts {
            packed,
            skipped,
            keyless,
            too_deep,
            undecodable,
            torn,
        } = *counts;
        let Packed {
            truncated, split, ..
        } = packed;
        let key = self.config.partition_key.text();
        let missing = format!("they have no text under `partition_key`, which is `{key}`");
        let to = "shards chosen at random";
        instance::say_of_fallback(&self.watch, tag, 0, keyless, &missing, to);
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
                    "records cut to `max_record_bytes`",
                ),
                (
                    split,
                    Id::Split,
                    0,
                    "records sent in parts: they are larger than `max_record_bytes`",
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
fn unreported(attempt: &Attempt<'_>, mut counts: Counts) -> Counts {
    let mut fields = [
        &mut counts.skipped,
        &mut counts.packed.truncated,
        &mut counts.packed.split,
        &mut counts.too_deep,
        &mut counts.undecodable,
        &mut counts.torn,
        &mut counts.keyless,
    ];
    attempt.unreported(&mut fields);
    counts
}

/// Requests of one chunk that are sent together, where their order means nothing: as many as a chunk
/// mostly makes, which is 2 MB at most.
const REQUESTS_AT_ONCE: AtOnce = AtOnce { quick: 2, slow: 8 };

/// What is counted under names of this plugin's own.
pub const PLUGIN: Plugin = Plugin {
    operations: &["PutRecords"],
    targets: &["partition_key"],
};
