//! `Name firehose`: delivers to Data Firehose.

pub mod encode;
pub mod options;
pub mod pack;
pub mod put_record_batch;
pub mod route;

use std::ffi::CStr;
use std::sync::Arc;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::config::Builder;

use self::encode::Encoder;
use self::options::{Config, FOREIGN, OPTIONS};
use self::route::Streams;
use crate::aws::session::Session;
use crate::delivery::ledger::PendingItems;
use crate::destination::{Destination, RequestsAhead};
use crate::firehose::put_record_batch::DeliveryStream;
use crate::naming::variables::Variables;
use crate::options::common::Common;
use crate::options::{Reader, Spec};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::descriptors::{Operation, Plugin as Labels};

/// The destination of a `firehose` output section.
#[derive(Debug)]
pub struct Firehose {
    config: Config,
    auto_retry: bool,
}

crate::plugin::output!(
    /// A `firehose` output section.
    FirehoseOutput,
    Firehose
);

impl Destination for Firehose {
    const NAME: &'static CStr = c"firehose";
    const DESCRIPTION: &'static CStr = c"Amazon Data Firehose";
    const TARGET_OPTION: &'static str = "delivery_stream";
    const OPTIONS: &'static [Spec] = OPTIONS;
    const FOREIGN: &'static [(&'static str, &'static str)] = FOREIGN;
    const LABELS: Labels = LABELS;
    const REQUESTS: RequestsAhead = RequestsAhead::UNORDERED;
    const IN_FLIGHT: usize = Self::REQUESTS.slow;

    type Config = Config;
    type Client = Client;
    type Target = str;
    type Encoder<'c> = Encoder<'c>;
    type Sink = DeliveryStream;

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

    fn needs_ecs_metadata(&self) -> bool {
        self.config.route.needs_ecs_metadata()
    }

    fn encoder<'c>(
        &'c self,
        variables: Variables<'c>,
        tag: &'c str,
        pending: Option<Arc<PendingItems>>,
    ) -> Encoder<'c> {
        let streams = Streams::new(&self.config.route, variables, tag);
        Encoder::new(&self.config, streams, pending)
    }

    fn sink(&self, client: &Client, name: &str) -> DeliveryStream {
        DeliveryStream::new(client.clone(), name, self.auto_retry)
    }
}

/// The labels of this plugin's metrics.
pub const LABELS: Labels = Labels {
    operations: &[Operation::PutRecordBatch],
    targets: &["delivery_stream"],
};
