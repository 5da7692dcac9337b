//! What a service that takes log records adds to the pipeline; everything else is written once.

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

/// A service, as an output section sets it up.
pub trait Destination: Debug + Send + Sync + Sized + 'static {
    /// The name in a configuration (`Name cloudwatch`).
    const NAME: &'static CStr;
    /// One line for Fluent Bit's help.
    const DESCRIPTION: &'static CStr;
    /// The option that names what is written to.
    const TARGET_OPTION: &'static str;
    /// The options.
    const OPTIONS: &'static [Spec];
    /// Keys of other plugins and drivers that have no effect here, and what has the effect.
    const FOREIGN: &'static [(&'static str, &'static str)];
    /// The values of the metrics' labels.
    const LABELS: Labels;
    /// How many requests of a chunk are encoded ahead.
    const REQUESTS: RequestsAhead;
    /// How many requests of a chunk are in flight at most.
    const IN_FLIGHT: usize;

    /// The options that this destination reads.
    type Config;
    /// The SDK's client.
    type Client: Clone + Debug + Send + Sync;
    /// What batches are sent to: a log stream, a delivery stream.
    type Target: ?Sized;
    /// Encodes the records of one chunk.
    type Encoder<'c>: ChunkEncoder<'c, Target = Self::Target> + Send
    where
        Self: 'c;
    /// Sends the batches of one target.
    type Sink: BatchSink;

    /// Reads the options; the reader collects the problems.
    fn read(reader: &Reader<'_>) -> Self::Config;

    /// The destination of an output section with this name.
    fn new(config: Self::Config, common: &Common, name: &str, telemetry: &Telemetry) -> Self;

    /// The SDK's client for a session.
    fn client(session: &Session, telemetry: &Telemetry) -> Self::Client;

    /// The rate limiter of writes: by default the one of the account, the region and the operation.
    fn rate_limiter(common: &Common) -> Arc<RateLimiter> {
        RateLimiter::shared(&common.session, Self::Sink::PUT)
    }

    /// Whether a name needs the ECS task's metadata.
    fn needs_ecs_metadata(&self) -> bool {
        false
    }

    /// The chunk's records joined to events, as a chunk; `None` if they are sent as they are.
    fn joined(&self, _chunk: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// An encoder of one chunk, of which only what is `left` is encoded if it was tried before.
    fn encoder<'c>(
        &'c self,
        variables: Variables<'c>,
        tag: &'c str,
        left: Option<Arc<PendingItems>>,
    ) -> Self::Encoder<'c>;

    /// Sends to a target of the encoder.
    fn sink(&self, client: &Self::Client, target: &Self::Target) -> Self::Sink;

    /// The output section is open.
    fn opened(_pipeline: &Arc<Pipeline<Self>>, _runtime: &RuntimeHandle) {}

    /// The output section closes.
    fn closing(_pipeline: &Arc<Pipeline<Self>>, _runtime: &RuntimeHandle) {}
}

/// Encodes the records of a chunk as batches for their targets.
pub trait ChunkEncoder<'c> {
    /// What batches are sent to.
    type Target: ?Sized;

    /// Encodes no further records from this moment on.
    fn stop_at(&mut self, deadline: Instant);

    /// Encodes records until so many requests are full, the chunk ends, or the time is up; batches with
    /// their targets' numbers, in order. Empty when nothing is left.
    fn round(&mut self, records: &mut Records<'c>, requests: usize) -> Vec<(usize, Batch)>;

    /// Whether the chunk's end was reached, so that every request was made.
    fn is_done(&self) -> bool;

    /// A target of the last round, by its number.
    fn target(&self, number: usize) -> &Self::Target;

    /// The number of the first target that still has batches.
    fn first_target(&self) -> usize;

    /// The events that an item of the last round holds; `None` for the one of its ordinal.
    fn events(&self, _item: u32) -> Option<Vec<u32>> {
        None
    }

    /// What happened to the records.
    fn finish(self, records: &Records<'c>) -> EncodeStats;
}

/// How many requests of a chunk are encoded ahead of their answers.
#[derive(Clone, Copy, Debug)]
pub struct RequestsAhead {
    /// Where answers come at once.
    pub quick: usize,
    /// Where answers take their time.
    pub slow: usize,
}

impl RequestsAhead {
    /// Where the order of requests means nothing: as many as a chunk mostly makes, which is 2 MB at
    /// most.
    pub const UNORDERED: Self = Self { quick: 2, slow: 8 };
}

/// A plugin, as the tools, the tests and the documents see it.
#[derive(Clone, Copy, Debug)]
pub struct PluginInfo {
    /// The name in a configuration.
    pub name: &'static str,
    /// The option that names what is written to.
    pub target_option: &'static str,
    /// The options.
    pub options: &'static [Spec],
    /// Keys of other plugins and drivers that have no effect here, and what has the effect.
    pub foreign: &'static [(&'static str, &'static str)],
    /// What the metrics have under names of this plugin.
    pub labels: Labels,
    /// Reads all options, for their problems, and returns those that every destination has.
    pub read: fn(&Reader<'_>, Environment) -> Common,
}

/// Looks up a variable of the environment.
pub type Environment = fn(&str) -> Option<String>;

impl PluginInfo {
    /// The row of a destination.
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

/// Reads the options of a section; the reader collects the problems.
pub fn read_options<D: Destination>(
    reader: &Reader<'_>,
    environment: Environment,
) -> (D::Config, Common) {
    let config = D::read(reader);
    (config, Common::read(reader, environment))
}
