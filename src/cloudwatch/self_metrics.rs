//! `self_metrics_namespace`: sends an output's own metrics to CloudWatch.
//!
//! A metrics document uses the same steps as an event: creation of its stream, rate limiter, retries
//! and log lines. Its requests are not part of the metrics, which count users' events only.

use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use tokio::time::{Instant, sleep};

use super::encode::{self, LIMITS};
use super::options::{Config, SelfMetrics};
use super::route::LogStreamId;
use super::{CloudWatch, LABELS};
use crate::aws::ecs_metadata::Task;
use crate::batch::{Batch, BatchBuilder};
use crate::cloudwatch::provision::Provisioner;
use crate::cloudwatch::put_log_events::{RequestOptions, Stream};
use crate::delivery::{Deadline, DeliveryContext, TargetHandle, deliver_all};
use crate::naming::template;
use crate::options::common::Common;
use crate::options::env::environment;
use crate::pipeline::Pipeline;
use crate::runtime::RuntimeHandle;
use crate::telemetry::Telemetry;
use crate::telemetry::flush_stats;
use crate::telemetry::metrics::emf::{Source, Told};
use crate::telemetry::metrics::now_ms;

/// Sends the metrics of one output section.
#[derive(Debug)]
pub(super) struct Reporter {
    options: SelfMetrics,
    output: String,
    told: Told,
    streams: Arc<Provisioner>,
    telemetry: Telemetry,
}

/// Sends reports at the configured interval while the output section is open.
pub(super) fn report_regularly(pipeline: &Arc<Pipeline<CloudWatch>>, runtime: &RuntimeHandle) {
    if let Some(reporter) = &pipeline.destination.reporter {
        let (interval, pipeline) = (reporter.options.interval, Arc::downgrade(pipeline));
        runtime.spawn(move || report_every(interval, pipeline));
    }
}

/// Sends the metrics counted since the last report. Fluent Bit waits for at most [`LAST_REPORT`].
pub(super) fn report_before_close(pipeline: &Arc<Pipeline<CloudWatch>>, runtime: &RuntimeHandle) {
    if pipeline.destination.reporter.is_none() {
        return;
    }
    let (pipeline, (done, ended)) = (pipeline.clone(), mpsc::channel());
    runtime.spawn(move || async move {
        report(&pipeline, LAST_REPORT).await;
        // The receiver is gone if the report took too long.
        let _ = done.send(());
    });
    let _ = ended.recv_timeout(LAST_REPORT);
}

async fn report_every(interval: Duration, pipeline: Weak<Pipeline<CloudWatch>>) {
    loop {
        sleep(interval).await;
        let Some(pipeline) = pipeline.upgrade() else {
            return;
        };
        report(&pipeline, pipeline.common.flush_timeout).await;
    }
}

/// Sends one report within this time.
async fn report(pipeline: &Pipeline<CloudWatch>, time: Duration) {
    let deadline = Instant::now() + time;
    let Some(reporter) = &pipeline.destination.reporter else {
        return;
    };
    // A missing connection is logged by flushes.
    let Ok(connection) = pipeline.connection(deadline).await else {
        return;
    };
    let Pipeline {
        metadata,
        telemetry,
        ..
    } = pipeline;
    metadata.fetch(deadline, &telemetry.log).await;
    let (client, task) = (connection.client.clone(), metadata.known());
    let context = pipeline.context(Deadline::new(deadline), 0);
    reporter.report(telemetry, client, task, context).await;
}

impl Reporter {
    /// Reports on the output section of this name. It has its own metrics, so it does not count itself.
    pub(super) fn new(
        options: SelfMetrics,
        output: &str,
        config: &Config,
        common: &Common,
        telemetry: &Telemetry,
    ) -> Self {
        let telemetry = Telemetry::new(telemetry.log.clone(), LABELS);
        // Nothing reads these metrics.
        telemetry.metrics.shown(true);
        Self {
            options,
            output: output.to_owned(),
            told: Told::default(),
            streams: Arc::new(Provisioner::new(
                config.create_options.clone(),
                &common.session,
                telemetry.clone(),
            )),
            telemetry,
        }
    }

    /// Sends what was counted since the last report. A report that fails is sent with the next document.
    async fn report(
        &self,
        counted: &Telemetry,
        client: Client,
        task: Option<&Task>,
        context: DeliveryContext,
    ) {
        let source = self.source(task);
        let now = now_ms();
        let (document, totals) = self.told.document(&counted.metrics, &source, now);
        let target = self.target(task);
        let Some(batch) = batch(&target, &document, now) else {
            return;
        };
        let request_options = RequestOptions {
            log_format: Some("json/emf".to_owned()),
            auto_retry: true,
            gzip: false,
        };
        let stream = Stream::new(client, target, self.streams.clone(), request_options);
        let context = DeliveryContext {
            telemetry: self.telemetry.clone(),
            ..context
        };
        let report = deliver_all([(Arc::new(TargetHandle::new(stream)), batch)], &context).await;
        flush_stats::log_result(
            &self.telemetry,
            None,
            "self_metrics",
            &report,
            Instant::now(),
        );
        if report.accepted > 0 {
            self.told.delivered(totals);
        }
    }

    fn source(&self, task: Option<&Task>) -> Source {
        let cluster = task.map(|task| task.cluster.rsplit('/').next().unwrap_or_default());
        let family = task.map(|task| task.family.as_str());
        let dimensions = [
            ("Cluster", cluster),
            ("Family", family),
            ("Output", Some(&self.output)),
        ];
        let known = |(name, value): (&'static str, Option<&str>)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((name, dimension(value)))
        };
        Source {
            namespace: self.options.namespace.clone(),
            dimensions: dimensions.into_iter().filter_map(known).collect(),
        }
    }

    /// The log stream of this router: named by its task, or by the host name.
    fn target(&self, task: Option<&Task>) -> LogStreamId {
        let router = task
            .map(|task| task.id().to_owned())
            .filter(|id| !id.is_empty());
        let router = router.or_else(|| environment("HOSTNAME"));
        let router = router.unwrap_or_else(|| "router".to_owned());
        let mut stream = format!("{}/{router}", self.output).into_bytes();
        template::clean_stream(&mut stream, 0);
        LogStreamId {
            group: self.options.log_group.clone(),
            stream: String::from_utf8_lossy(&stream).into_owned(),
        }
    }
}

/// Maximum time of the last report. Fluent Bit waits for it in its exit callback.
const LAST_REPORT: Duration = Duration::from_secs(1);

/// A dimension's value: CloudWatch accepts up to 1,024 ASCII characters.
fn dimension(value: &str) -> String {
    let ascii = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '.'
        }
    };
    value.chars().map(ascii).take(1024).collect()
}

fn batch(target: &LogStreamId, document: &str, now: i64) -> Option<Batch> {
    let mut open = BatchBuilder::new(LIMITS, &encode::head(target, &[]), None);
    let (body, start) = (open.body(), encode::head(target, &[]).len());
    let event = serde_json::json!({"timestamp": now, "message": document});
    body.extend_from_slice(event.to_string().as_bytes());
    let full = open.add(start, now, document.len() + encode::EVENT_OVERHEAD, 0);
    debug_assert!(full.is_none(), "the first item fits");
    open.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dimension_has_characters_that_cloudwatch_accepts() {
        assert_eq!(dimension("shop\nä"), "shop..");
        assert_eq!(dimension(&"x".repeat(2000)).len(), 1024);
    }

    #[test]
    fn a_document_is_one_event_of_its_stream() {
        let target = LogStreamId {
            group: "g".into(),
            stream: "s".into(),
        };
        let body = batch(&target, r#"{"a":1}"#, 7).unwrap().body();
        let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let expected = serde_json::json!({
            "logGroupName": "g", "logStreamName": "s",
            "logEvents": [{"timestamp": 7, "message": r#"{"a":1}"#}],
        });
        assert_eq!(request, expected);
    }
}
