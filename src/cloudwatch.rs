//! `Name cloudwatch`: delivers to CloudWatch Logs.

pub mod datetime;
mod docker_tag;
pub mod emf_records;
pub mod encode;
pub mod entity;
pub mod go_regex;
mod group_settings;
pub mod multiline;
pub mod options;
pub mod provision;
pub mod put_log_events;
pub mod route;
mod self_metrics;

use std::ffi::CStr;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Builder;

use self::encode::Encoder;
use self::options::{Config, FOREIGN, OPTIONS};
use self::route::{LogStreamId, LogStreams};
use self::self_metrics::Reporter;
use crate::aws::session::Session;
use crate::cloudwatch::provision::Provisioner;
use crate::cloudwatch::put_log_events::Stream;
use crate::delivery::ledger::PendingItems;
use crate::destination::{Destination, RequestsAhead};
use crate::naming::variables::Variables;
use crate::options::common::Common;
use crate::options::{Reader, Spec};
use crate::pipeline::Pipeline;
use crate::runtime::RuntimeHandle;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::descriptors::{Operation, Plugin as Labels};

/// What a `cloudwatch` output section writes to.
#[derive(Debug)]
pub struct CloudWatch {
    config: Config,
    streams: Arc<Provisioner>,
    reporter: Option<Reporter>,
}

impl Destination for CloudWatch {
    const NAME: &'static CStr = c"cloudwatch";
    const DESCRIPTION: &'static CStr = c"Amazon CloudWatch Logs";
    const TARGET_OPTION: &'static str = "log_group_name";
    const OPTIONS: &'static [Spec] = OPTIONS;
    const FOREIGN: &'static [(&'static str, &'static str)] = FOREIGN;
    const LABELS: Labels = LABELS;
    /// As many as a chunk mostly makes, which is 2 MB at most.
    const REQUESTS: RequestsAhead = RequestsAhead { quick: 1, slow: 4 };
    /// Log streams of one chunk that are written to at the same time.
    const IN_FLIGHT: usize = 32;

    type Config = Config;
    type Client = Client;
    type Target = LogStreamId;
    type Encoder<'c> = Encoder<'c>;
    type Sink = Stream;

    fn read(reader: &Reader<'_>) -> Config {
        Config::read(reader)
    }

    fn new(config: Config, common: &Common, name: &str, telemetry: &Telemetry) -> Self {
        let streams =
            || Provisioner::new(config.creation.clone(), &common.session, telemetry.clone());
        let reporter = config.self_metrics.clone();
        let reporter =
            reporter.map(|options| Reporter::new(options, name, &config, common, telemetry));
        Self {
            streams: Arc::new(streams()),
            reporter,
            config,
        }
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

    fn joined(&self, chunk: &[u8]) -> Option<Vec<u8>> {
        self.config.join.as_ref().map(|join| join.chunk(chunk))
    }

    fn encoder<'c>(
        &'c self,
        variables: Variables<'c>,
        tag: &'c str,
        left: Option<Arc<PendingItems>>,
    ) -> Encoder<'c> {
        let entities = self.config.entities.as_ref();
        let places = LogStreams::new(&self.config.route, entities, variables, tag);
        Encoder::new(&self.config, places, left)
    }

    fn sink(&self, client: &Client, place: &LogStreamId) -> Stream {
        let (streams, way) = (self.streams.clone(), self.config.way.clone());
        Stream::new(client.clone(), place.clone(), streams, way)
    }

    fn opened(pipeline: &Arc<Pipeline<Self>>, runtime: &RuntimeHandle) {
        self_metrics::report_regularly(pipeline, runtime);
    }

    fn closing(pipeline: &Arc<Pipeline<Self>>, runtime: &RuntimeHandle) {
        self_metrics::report_at_last(pipeline, runtime);
    }
}

/// What the metrics have under names of this plugin.
pub const LABELS: Labels = Labels {
    operations: &[
        Operation::PutLogEvents,
        Operation::CreateLogGroup,
        Operation::CreateLogStream,
        Operation::PutRetentionPolicy,
    ],
    targets: &["log_group", "log_stream"],
};
