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

/// The destination of a `cloudwatch` output section.
#[derive(Debug)]
pub struct CloudWatch {
    config: Config,
    provisioner: Arc<Provisioner>,
    reporter: Option<Reporter>,
}

crate::plugin::output!(
    /// A `cloudwatch` output section.
    CloudWatchOutput,
    CloudWatch
);

impl Destination for CloudWatch {
    const NAME: &'static CStr = c"cloudwatch";
    const DESCRIPTION: &'static CStr = c"Amazon CloudWatch Logs";
    const TARGET_OPTION: &'static str = "log_group_name";
    const OPTIONS: &'static [Spec] = OPTIONS;
    const FOREIGN: &'static [(&'static str, &'static str)] = FOREIGN;
    const LABELS: Labels = LABELS;
    /// A chunk of 2 MB, Fluent Bit's default size, rarely makes more requests.
    const REQUESTS: RequestsAhead = RequestsAhead { quick: 1, slow: 4 };
    /// Maximum number of log streams of one chunk that are written to at the same time.
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
        let provisioner = || {
            Provisioner::new(
                config.create_options.clone(),
                &common.session,
                telemetry.clone(),
            )
        };
        let reporter = config.self_metrics.clone();
        let reporter =
            reporter.map(|options| Reporter::new(options, name, &config, common, telemetry));
        Self {
            provisioner: Arc::new(provisioner()),
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
        pending: Option<Arc<PendingItems>>,
    ) -> Encoder<'c> {
        let entities = self.config.entities.as_ref();
        let log_streams = LogStreams::new(&self.config.route, entities, variables, tag);
        Encoder::new(&self.config, log_streams, pending)
    }

    fn sink(&self, client: &Client, id: &LogStreamId) -> Stream {
        let (provisioner, request_options) = (
            self.provisioner.clone(),
            self.config.request_options.clone(),
        );
        Stream::new(client.clone(), id.clone(), provisioner, request_options)
    }

    fn opened(pipeline: &Arc<Pipeline<Self>>, runtime: &RuntimeHandle) {
        self_metrics::report_regularly(pipeline, runtime);
    }

    fn closing(pipeline: &Arc<Pipeline<Self>>, runtime: &RuntimeHandle) {
        self_metrics::report_before_close(pipeline, runtime);
    }
}

/// The labels of this plugin's metrics.
pub const LABELS: Labels = Labels {
    operations: &[
        Operation::PutLogEvents,
        Operation::CreateLogGroup,
        Operation::CreateLogStream,
        Operation::PutRetentionPolicy,
    ],
    targets: &["log_group", "log_stream"],
};
