//! The pipeline of a chunk: decode, encode, batch and deliver, for every destination.

mod retries;
mod rounds;
mod time_limit;
mod tracked;

use std::sync::Arc;

use cbindings::{Log, Settings, Verdict};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::rounds::Rounds;
pub use self::time_limit::TimeLimit;
pub use self::tracked::Tracked;
use crate::aws::deadline;
use crate::aws::ecs_metadata::Metadata;
use crate::aws::session::Session;
use crate::delivery::attempt::RetryLedger;
use crate::delivery::rate_limiter::RateLimiter;
use crate::delivery::{Deadline, DeliveryContext, Targets};
use crate::destination::{ChunkEncoder, Destination};
use crate::naming::variables::{Fixed, Variables};
use crate::options::common::Common;
use crate::options::env::environment;
use crate::record::chunk_reader::Records;
use crate::runtime::{Admitted, RuntimeHandle};
use crate::telemetry::{Telemetry, flush_stats};

/// The pipeline of an output section; its chunks share it.
#[derive(Debug)]
pub struct Pipeline<D: Destination> {
    /// The service.
    pub destination: D,
    /// The options that every destination has.
    pub common: Common,
    /// The ECS task metadata.
    pub metadata: Metadata,
    /// The log and the metrics of the section.
    pub telemetry: Telemetry,
    connection: OnceCell<Connection<D>>,
    rate_limiter: Arc<RateLimiter>,
    targets: Arc<Targets>,
    retries: RetryLedger,
}

/// The client and what depends on the region.
#[derive(Debug)]
pub struct Connection<D: Destination> {
    /// The SDK's client.
    pub client: D::Client,
    fixed: Fixed,
    session: Session,
}

impl<D: Destination> Pipeline<D> {
    /// The pipeline of a section with these options.
    #[must_use]
    pub fn new(config: D::Config, common: Common, settings: &Settings, log: Log) -> Self {
        let telemetry = Telemetry::new(log, D::LABELS);
        Self {
            metadata: Metadata::of(environment),
            connection: OnceCell::new(),
            rate_limiter: D::rate_limiter(&common),
            targets: Arc::default(),
            retries: retries::retries::<D>(common.resume_path.as_deref(), settings, &telemetry),
            destination: D::new(config, &common, settings.name(), &telemetry),
            common,
            telemetry,
        }
    }

    /// Fetches the ECS task metadata in the background, if a name template needs it.
    pub fn fetch_metadata_on(self: Arc<Self>, runtime: &RuntimeHandle) {
        if self.destination.needs_ecs_metadata() {
            let deadline = Instant::now() + self.common.flush_timeout;
            runtime.spawn(move || async move { self.fetch_metadata(deadline).await });
        }
    }

    /// Delivers a chunk, or as much of it as possible before the deadline.
    pub async fn deliver(&self, admitted: Admitted) -> Verdict {
        let Admitted {
            flush,
            deadline,
            arrived,
        } = admitted;
        let (started, flush) = (Instant::now(), &flush);
        let attempt = self.retries.begin(flush.clone(), arrived);
        let tag = String::from_utf8_lossy(flush.tag());
        let connection = match self.connection(deadline.at()).await {
            Ok(connection) => connection,
            Err(why) => {
                flush_stats::log_no_connection(&self.telemetry, flush, &tag, &why);
                return attempt.give_back();
            }
        };
        self.fetch_metadata(deadline.at()).await;
        let variables = Variables::new(&connection.fixed, self.metadata.known(), &tag);
        let joined = self.destination.joined(flush.chunk());
        let mut records = Records::new(joined.as_deref().unwrap_or(flush.chunk()));
        let mut encoder = self.destination.encoder(variables, &tag, attempt.left());
        encoder.stop_at(deadline.at());
        let context = self.context(deadline, attempt.halvings());
        let rounds = Rounds::new(&self.destination, &connection.client, &attempt, &context);
        let report = rounds.run(&mut encoder, &mut records).await;
        let mut stats = encoder.finish(&records);
        stats.subtract_reported(&attempt);
        stats.emit(&self.telemetry, &tag);
        flush_stats::log_result(&self.telemetry, Some(flush), &tag, &report, started);
        flush_stats::set_gauges(&self.telemetry, &self.rate_limiter, &connection.session);
        attempt.finish(&report)
    }

    /// The context of the requests of a flush.
    #[must_use]
    pub fn context(&self, deadline: Deadline, halvings: u32) -> DeliveryContext {
        DeliveryContext {
            at_once: D::IN_FLIGHT,
            deadline,
            halvings,
            rate_limiter: self.rate_limiter.clone(),
            targets: self.targets.clone(),
            telemetry: self.telemetry.clone(),
        }
    }

    /// Returns the connection; the first flush creates it.
    ///
    /// # Errors
    ///
    /// When it could not be created before the deadline. The next flush tries again.
    pub async fn connection(&self, deadline: Instant) -> Result<&Connection<D>, String> {
        let connected = self.connection.get_or_try_init(|| self.connect());
        let connected = deadline::within(deadline, connected).await;
        connected.unwrap_or_else(|_| {
            Err("the region and the connection were not there before the flush's deadline (`flush_timeout`)".to_owned())
        })
    }

    async fn connect(&self) -> Result<Connection<D>, String> {
        let session = Session::open(&self.common.session).await?;
        Ok(Connection {
            client: D::client(&session, &self.telemetry),
            fixed: Fixed::new(&session.region),
            session,
        })
    }

    async fn fetch_metadata(&self, deadline: Instant) {
        if self.destination.needs_ecs_metadata() {
            self.metadata.fetch(deadline, &self.telemetry.log).await;
        }
    }
}
