//! `Name kinesis`: delivers to Kinesis Data Streams.

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

use self::encode::Encoder;
use self::options::{Config, FOREIGN, OPTIONS};
use self::put_records::Stream;
use crate::aws::session::Session;
use crate::delivery::ledger::PendingItems;
use crate::delivery::rate_limiter::RateLimiter;
use crate::destination::{Destination, RequestsAhead};
use crate::naming::variables::Variables;
use crate::options::common::Common;
use crate::options::{Reader, Spec};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::descriptors::{Operation, Plugin as Labels};

/// The destination of a `kinesis` output section.
#[derive(Debug)]
pub struct Kinesis {
    config: Config,
    auto_retry: bool,
}

crate::plugin::output!(
    /// A `kinesis` output section.
    KinesisOutput,
    Kinesis
);

impl Destination for Kinesis {
    const NAME: &'static CStr = c"kinesis";
    const DESCRIPTION: &'static CStr = c"Amazon Kinesis Data Streams";
    const TARGET_OPTION: &'static str = "stream";
    const OPTIONS: &'static [Spec] = OPTIONS;
    const FOREIGN: &'static [(&'static str, &'static str)] = FOREIGN;
    const LABELS: Labels = LABELS;
    const REQUESTS: RequestsAhead = RequestsAhead::UNORDERED;
    const IN_FLIGHT: usize = Self::REQUESTS.slow;

    type Config = Config;
    type Client = Client;
    type Target = str;
    type Encoder<'c> = Encoder<'c>;
    type Sink = Stream;

    fn read(reader: &Reader<'_>) -> Config {
        Config::read(reader)
    }

    fn new(config: Config, common: &Common, _name: &str, _telemetry: &Telemetry) -> Self {
        let auto_retry = common.session.auto_retry;
        Self { config, auto_retry }
    }

    fn client(session: &Session, telemetry: &Telemetry) -> Client {
        let config = Builder::from(&session.config)
            .interceptor(session.user_agent())
            .interceptor(session.identity_log(telemetry));
        Client::from_conf(config.build())
    }

    /// The service limits each shard, not the requests of an account. Therefore each output section has its
    /// own rate limiter, and a throttled stream does not slow down other streams.
    fn rate_limiter(_common: &Common) -> Arc<RateLimiter> {
        Arc::default()
    }

    fn encoder<'c>(
        &'c self,
        _variables: Variables<'c>,
        _tag: &'c str,
        pending: Option<Arc<PendingItems>>,
    ) -> Encoder<'c> {
        Encoder::new(&self.config, pending)
    }

    fn sink(&self, client: &Client, _name: &str) -> Stream {
        Stream::new(client.clone(), &self.config, self.auto_retry)
    }
}

/// The labels of this plugin's metrics.
pub const LABELS: Labels = Labels {
    operations: &[Operation::PutRecords],
    targets: &["partition_key"],
};
