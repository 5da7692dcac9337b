//! The interface of a destination: what CloudWatch Logs, Data Firehose and Kinesis Data Streams each add
//! to the common pipeline.

use std::ffi::CStr;
use std::fmt::Debug;
use std::sync::Arc;

use tokio::time::Instant;

use crate::aws::session::Session;
use crate::batch::Batch;
use crate::delivery::BatchSink;
use crate::delivery::ledger::PendingItems;
use crate::delivery::rate_limiter::RateLimiter;
use crate::naming::variables::Variables;
use crate::options::common::Common;
use crate::options::{Reader, Spec};
use crate::pipeline::Pipeline;
use crate::record::chunk_reader::Records;
use crate::runtime::RuntimeHandle;
use crate::telemetry::Telemetry;
use crate::telemetry::encode_stats::EncodeStats;
use crate::telemetry::metrics::descriptors::Plugin as Labels;

/// A service that an output section writes to.
pub trait Destination: Debug + Send + Sync + Sized + 'static {
    /// The name in a configuration (`Name cloudwatch`).
    const NAME: &'static CStr;
    /// One line for the output of `fluent-bit --help`.
    const DESCRIPTION: &'static CStr;
    /// The option that names the target.
    const TARGET_OPTION: &'static str;
    /// The options.
    const OPTIONS: &'static [Spec];
    /// Keys of other plugins and log drivers that have no effect here, and their replacements.
    const FOREIGN: &'static [(&'static str, &'static str)];
    /// The values of the metrics' labels.
    const LABELS: Labels;
    /// How many requests of a chunk are encoded ahead.
    const REQUESTS: RequestsAhead;
    /// The maximum number of requests of a chunk in flight.
    const IN_FLIGHT: usize;

    /// The parsed options of this destination.
    type Config;
    /// The SDK's client.
    type Client: Clone + Debug + Send + Sync;
    /// What batches are sent to, for example a log stream or a delivery stream.
    type Target: ?Sized;
    /// Encodes the records of one chunk.
    type Encoder<'c>: ChunkEncoder<'c, Target = Self::Target> + Send
    where
        Self: 'c;
    /// Sends the batches of one target.
    type Sink: BatchSink;

    /// Reads the options. Problems are collected in the reader.
    fn read(reader: &Reader<'_>) -> Self::Config;

    /// The destination of the output section `name`.
    fn new(config: Self::Config, common: &Common, name: &str, telemetry: &Telemetry) -> Self;

    /// Builds the SDK client of a session.
    fn client(session: &Session, telemetry: &Telemetry) -> Self::Client;

    /// The rate limiter of writes. The default is shared by account, region and operation.
    fn rate_limiter(common: &Common) -> Arc<RateLimiter> {
        RateLimiter::shared(&common.session, Self::Sink::PUT)
    }

    /// Whether a name template needs the ECS task metadata.
    fn needs_ecs_metadata(&self) -> bool {
        false
    }

    /// The chunk with its multiline records joined; `None` if records are sent unchanged.
    fn joined(&self, _chunk: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Creates an encoder of one chunk. After an earlier attempt, `left` has the events to encode.
    fn encoder<'c>(
        &'c self,
        variables: Variables<'c>,
        tag: &'c str,
        left: Option<Arc<PendingItems>>,
    ) -> Self::Encoder<'c>;

    /// Creates the sink of a target of the encoder.
    fn sink(&self, client: &Self::Client, target: &Self::Target) -> Self::Sink;

    /// Called after the output section was opened.
    fn opened(_pipeline: &Arc<Pipeline<Self>>, _runtime: &RuntimeHandle) {}

    /// Called before the output section is closed.
    fn closing(_pipeline: &Arc<Pipeline<Self>>, _runtime: &RuntimeHandle) {}
}

/// Encodes the records of a chunk as batches for their targets.
pub trait ChunkEncoder<'c> {
    /// What batches are sent to.
    type Target: ?Sized;

    /// Sets the time at which encoding stops.
    fn stop_at(&mut self, deadline: Instant);

    /// Encodes records until `requests` requests are full, the chunk ends, or the time of
    /// [`ChunkEncoder::stop_at`] is reached. Returns batches with the numbers of their targets, in order;
    /// empty when nothing is left.
    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)>;

    /// Whether the end of the chunk was reached and all batches were returned.
    fn is_done(&self) -> bool;

    /// The target with this number; valid for the last round.
    fn target(&self, number: usize) -> &Self::Target;

    /// The number of the first target that still has batches.
    fn first_target(&self) -> usize;

    /// The events that an item of the last round holds; `None` for the event of its ordinal.
    fn events(&self, _item: u32) -> Option<Vec<u32>> {
        None
    }

    /// Ends encoding and returns its counts.
    fn finish(self, records: &Records<'c>) -> EncodeStats;
}

/// How many requests of a chunk are encoded before their answers arrive.
#[derive(Clone, Copy, Debug)]
pub struct RequestsAhead {
    /// While latency is low.
    pub quick: usize,
    /// While latency is high.
    pub slow: usize,
}

impl RequestsAhead {
    /// For targets without an order of requests. While latency is high, as many requests as most chunks
    /// need; a chunk has about 2 MB at most.
    pub const UNORDERED: Self = Self { quick: 2, slow: 8 };
}

/// The description of a plugin for tools, tests and documents.
#[derive(Clone, Copy, Debug)]
pub struct PluginInfo {
    /// The name in a configuration.
    pub name: &'static str,
    /// The option that names the target.
    pub target_option: &'static str,
    /// The options.
    pub options: &'static [Spec],
    /// Keys of other plugins and log drivers that have no effect here, and their replacements.
    pub foreign: &'static [(&'static str, &'static str)],
    /// The values of the metrics' labels.
    pub labels: Labels,
    /// Reads all options and returns the common ones. Problems are collected in the reader.
    pub read: fn(&Reader<'_>, Environment) -> Common,
}

/// Looks up an environment variable.
pub type Environment = fn(&str) -> Option<String>;

impl PluginInfo {
    /// The description of a destination.
    ///
    /// # Panics
    ///
    /// When the plugin's name is not UTF-8.
    #[must_use]
    pub const fn of<D: Destination>() -> Self {
        let Ok(name) = D::NAME.to_str() else {
            panic!("a plugin's name is ASCII")
        };
        Self {
            name,
            target_option: D::TARGET_OPTION,
            options: D::OPTIONS,
            foreign: D::FOREIGN,
            labels: D::LABELS,
            read: |reader, environment| read_options::<D>(reader, environment).1,
        }
    }
}

/// Reads the options of a section. Problems are collected in the reader.
pub fn read_options<D: Destination>(
    reader: &Reader<'_>,
    environment: Environment,
) -> (D::Config, Common) {
    let config = D::read(reader);
    (config, Common::read(reader, environment))
}
