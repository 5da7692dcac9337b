//! `Name firehose`: the road of a chunk to Data Firehose.

pub mod encode;
pub mod options;
pub mod send;

use std::ffi::CStr;
use std::sync::{Arc, Once};

use aws_sdk_firehose::Client;
use cbindings::{Flush, Log, Output, Settings, Verdict};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::encode::{Counts, Encoder};
use self::options::{Config, FOREIGN, OPTIONS};
use self::send::DeliveryStream;
use crate::instance;
use crate::pace::Pace;
use crate::resume::Resume;
use crate::send::{Terms, deliver_all};
use crate::session;
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
    client: OnceCell<Client>,
    pace: Arc<Pace>,
    resume: Resume,
    blocking: Once,
    log: Log,
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
        Some(Self {
            road: Arc::new(Road {
                client: OnceCell::new(),
                pace: Pace::shared(&config.session),
                resume: Resume::new(log.clone()),
                blocking: Once::new(),
                config,
                log: log.clone(),
            }),
            worker,
        })
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
    async fn deliver(&self, flush: &Flush) -> Verdict {
        let began = Instant::now();
        instance::warn_of_blocking(flush, &self.blocking, &self.log);
        let tag = String::from_utf8_lossy(flush.tag());
        let left = self.resume.begin(flush);
        let (batches, counts) = Encoder::new(&self.config, left.clone()).chunk(flush.chunk());
        if left.is_none() {
            self.say(&tag, &counts);
        }
        let client = self.client.get_or_init(|| self.connect()).await;
        let destinations = batches.into_iter().map(|batch| {
            (
                DeliveryStream::new(client.clone(), &self.config.delivery_stream),
                vec![batch],
            )
        });
        let terms = Terms {
            at_once: REQUESTS_AT_ONCE,
            deadline: began + self.config.flush_timeout,
            pace: self.pace.clone(),
            log: self.log.clone(),
        };
        let report = deliver_all(destinations.collect(), &terms).await;
        instance::sum_up(&self.log, &tag, &report, began);
        self.resume.end(flush, left.is_some(), report)
    }

    async fn connect(&self) -> Client {
        Client::new(&session::open(&self.config.session).await)
    }

    /// Writes what happened to records before they were sent.
    fn say(&self, tag: &str, counts: &Counts) {
        let Counts {
            skipped,
            truncated,
            too_deep,
            undecodable,
            torn,
            records: _,
        } = *counts;
        instance::say_of_records(
            &self.log,
            tag,
            &[
                (skipped, "records skipped: they have no key of `log_key`"),
                (truncated, "records cut to the service's 1,000 KiB"),
                (too_deep, "values left out: they are nested too deeply"),
            ],
        );
        instance::say_of_damage(&self.log, tag, undecodable, torn);
    }
}

/// The order of requests means nothing to the service.
const REQUESTS_AT_ONCE: usize = 4;
