//! What is done to a section, for its lines.

use std::net::TcpListener;
use std::time::Duration;

use support::aws::{Action, ErrorAnswer, PartialFailure, Rule, StandIn};
use support::chunk::{Chunk, Time, Value, map};
use support::host::LogLine;
use support::output::{DELIVERY_STREAM, GROUP, Output, logs, now_ms, ready};

use super::secrets::PAYLOAD;

pub(crate) fn records(texts: &[&str]) -> Chunk {
    support::output::logs(texts)
}

pub(crate) fn chunk() -> Chunk {
    records(&[PAYLOAD, &format!("and {PAYLOAD}")])
}

/// What a section that is told so writes of a chunk.
pub(crate) fn told(output: impl Fn(Output) -> Output, chunk: &Chunk) -> Vec<LogLine> {
    let aws = ready();
    lines(&output(Output::cloudwatch(&aws)), chunk)
}

/// What a section writes of a chunk, and at its end.
pub(crate) fn lines(output: &Output, chunk: &Chunk) -> Vec<LogLine> {
    let instance = output.clone().with("flush_timeout", "1s").open();
    let _verdict = instance.flush("app.web", chunk);
    instance.exit()
}

pub(crate) fn befallen(action: Action) -> Vec<LogLine> {
    let aws = ready();
    aws.script(Rule::on("PutLogEvents", action).forever());
    lines(&Output::cloudwatch(&aws), &chunk())
}

pub(crate) fn failing(times: u64, code: &str, message: &str) -> Vec<LogLine> {
    let aws = ready();
    let status = if code == "InternalFailure" { 500 } else { 400 };
    let error = ErrorAnswer::new(status, code, message);
    aws.script(Rule::on("PutLogEvents", Action::Error(error)).times(times));
    lines(&Output::cloudwatch(&aws), &chunk())
}

/// A stream that is written to while the answers of all others take the flush's time.
pub(crate) fn many_streams() -> Vec<LogLine> {
    let aws = StandIn::start();
    let names: Vec<String> = (0..100).map(|number| format!("s{number}")).collect();
    names.iter().for_each(|name| aws.create_stream(GROUP, name));
    let slow = Action::AcceptThenDelay(Duration::from_millis(550));
    aws.script(Rule::on("PutLogEvents", slow).forever());
    let output = Output::cloudwatch(&aws).with("log_stream_name", "$(to)");
    let chunk = names.iter().fold(Chunk::new(), |chunk, name| {
        chunk.v2(Time::millis(now_ms()), map([("to", name.as_str())]))
    });
    lines(&output, &chunk)
}

/// Each request is answered with 2 MB.
pub(crate) fn too_large() -> Vec<LogLine> {
    let aws = ready();
    let error = ErrorAnswer::new(403, "Unknown", "x".repeat(2_000_000));
    aws.script(Rule::on("PutLogEvents", Action::Error(error)).forever());
    lines(&Output::cloudwatch(&aws), &chunk())
}

/// For longer than the flush lasts.
pub(crate) fn throttled() -> Vec<LogLine> {
    let aws = ready();
    let error = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded");
    let error = error.header("x-amz-retry-after", "5000");
    aws.script(Rule::on("PutLogEvents", Action::Error(error)));
    lines(&Output::cloudwatch(&aws), &chunk())
}

/// The service's own words repeat what it was sent.
pub(crate) fn refused() -> Vec<LogLine> {
    let aws = ready();
    let message = format!(
        "1 validation error detected: Value '{PAYLOAD} and more' at 'logEvents.1.member.message' failed to satisfy constraint"
    );
    let error = ErrorAnswer::new(400, "InvalidParameterException", message);
    aws.script(Rule::any(Action::Error(error)).contains(PAYLOAD).forever());
    lines(
        &Output::cloudwatch(&aws),
        &records(&["fine", PAYLOAD, "too"]),
    )
}

pub(crate) fn times() -> Vec<LogLine> {
    let (aws, now) = (ready(), now_ms());
    aws.set_retention(GROUP, Some(1));
    let day = 86_400_000;
    let times = [now - 15 * day, now - 2 * day, now, now + day];
    let chunk = times.into_iter().fold(Chunk::new(), |chunk, time| {
        chunk.v2(Time::millis(time), map([("log", PAYLOAD)]))
    });
    lines(&Output::cloudwatch(&aws), &chunk)
}

/// A port of this machine where nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

pub(crate) fn no_connection() -> Vec<LogLine> {
    let endpoint = format!("http://127.0.0.1:{}", closed_port());
    told(|output| output.with("endpoint", &endpoint), &chunk())
}

pub(crate) fn no_proxy() -> Vec<LogLine> {
    told(
        |output| output.with("endpoint", "https://logs.example"),
        &chunk(),
    )
}

pub(crate) fn no_credentials() -> Vec<LogLine> {
    let endpoint = format!("http://127.0.0.1:{}/creds", closed_port());
    told(
        |output| output.with("credentials_endpoint", &endpoint),
        &chunk(),
    )
}

pub(crate) fn no_region() -> Vec<LogLine> {
    told(|output| output.without("region"), &chunk())
}

pub(crate) fn missing(options: &[(&str, &str)]) -> Vec<LogLine> {
    let aws = StandIn::start();
    let with = |output: Output, (key, value): &(&str, &str)| output.with(key, value);
    lines(
        &options.iter().fold(Output::cloudwatch(&aws), with),
        &chunk(),
    )
}

pub(crate) fn denied(operation: &str) -> Vec<LogLine> {
    denied_with(operation, &[])
}

pub(crate) fn denied_with(operation: &str, options: &[(&str, &str)]) -> Vec<LogLine> {
    let aws = StandIn::start();
    let error = ErrorAnswer::new(400, "AccessDeniedException", "User is not authorized.");
    let times = if options.iter().any(|(key, _)| key.contains("tags")) {
        1
    } else {
        999
    };
    aws.script(Rule::on(operation, Action::Error(error)).times(times));
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let with = |output: Output, (key, value): &(&str, &str)| output.with(key, value);
    lines(&options.iter().fold(output, with), &chunk())
}

/// A create that fails once.
pub(crate) fn create_fails(
    operation: &str,
    error: ErrorAnswer,
    options: &[(&str, &str)],
) -> Vec<LogLine> {
    let aws = StandIn::start();
    aws.script(Rule::on(operation, Action::Error(error)));
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let with = |output: Output, (key, value): &(&str, &str)| output.with(key, value);
    lines(&options.iter().fold(output, with), &chunk())
}

pub(crate) fn rejected_entity() -> Vec<LogLine> {
    let aws = ready();
    aws.reject_entities("InvalidAttributes");
    let kubernetes = map([("aws_entity_service_name", "shop")]);
    let record = map([
        ("log", Value::from(PAYLOAD)),
        ("aws_entity_account_id", Value::from("123456789012")),
        ("kubernetes", kubernetes),
    ]);
    let chunk = Chunk::new().v2(Time::millis(now_ms()), record);
    lines(&Output::cloudwatch(&aws).with("add_entity", "on"), &chunk)
}

pub(crate) fn oversize(how: &str) -> Vec<LogLine> {
    let text = PAYLOAD.repeat(200);
    let with = |output: Output| {
        let output = output.with("oversize", how).with("log_key", "log");
        output.with("max_event_bytes", "1024")
    };
    told(with, &records(&[&text]))
}

pub(crate) fn too_deep() -> Vec<LogLine> {
    let deep = Value::nested(500, PAYLOAD.into());
    let chunk = Chunk::new().v2(Time::millis(now_ms()), map([("log", deep)]));
    told(|output| output, &chunk)
}

pub(crate) fn fallbacks() -> Vec<LogLine> {
    let aws = StandIn::start();
    let output = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .with("log_group_name", "/app/$(level)")
        .with("log_stream_name", "$(pod['name'])");
    lines(&output, &chunk())
}

pub(crate) fn no_metadata() -> Vec<LogLine> {
    let aws = StandIn::start();
    let output = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .with("log_group_name", "/app/$(ecs_cluster)");
    lines(&output, &chunk())
}

pub(crate) fn login() -> Vec<LogLine> {
    let aws = ready();
    let endpoint = "https://user:proxyPASSWORD@127.0.0.1:9/path";
    Output::cloudwatch(&aws)
        .with("endpoint", endpoint)
        .with("sts_endpoint", endpoint)
        .refused()
}

/// Half of the chunk goes to a stream that is denied at first.
pub(crate) fn resumed() -> Vec<LogLine> {
    let aws = ready();
    for stream in ["a", "b"] {
        aws.create_stream(GROUP, stream);
    }
    let error = ErrorAnswer::new(400, "AccessDeniedException", "User is not authorized.");
    aws.script(Rule::on("PutLogEvents", Action::Error(error)).stream("b"));
    let instance = Output::cloudwatch(&aws)
        .with("log_stream_name", "$(to)")
        .open();
    let chunk = ["a", "b"].iter().fold(Chunk::new(), |chunk, to| {
        chunk.v2(Time::millis(now_ms()), map([("to", *to), ("log", PAYLOAD)]))
    });
    for _ in 0..2 {
        let _verdict = instance.flush("app.web", &chunk);
    }
    instance.exit()
}

pub(crate) fn partial(times: u64) -> Vec<LogLine> {
    let aws = ready();
    let failure = PartialFailure::at([0]).code("InternalFailure");
    aws.script(Rule::on("PutRecordBatch", Action::PartialFailure(failure)).times(times));
    lines(&Output::firehose(&aws), &chunk())
}

pub(crate) fn no_delivery_stream() -> Vec<LogLine> {
    let aws = StandIn::start();
    lines(&Output::firehose(&aws), &chunk())
}

pub(crate) fn no_permission_for_firehose() -> Vec<LogLine> {
    let aws = ready();
    let error = ErrorAnswer::new(400, "AccessDeniedException", "User is not authorized.");
    aws.script(Rule::on("PutRecordBatch", Action::Error(error)));
    lines(&Output::firehose(&aws), &chunk())
}

pub(crate) fn firehose_fallback() -> Vec<LogLine> {
    let aws = ready();
    let output = Output::firehose(&aws)
        .with("delivery_stream", "$(app)")
        .with("default_delivery_stream", DELIVERY_STREAM);
    lines(&output, &chunk())
}

pub(crate) fn kinesis_partial(times: u64) -> Vec<LogLine> {
    let aws = ready();
    let failure = PartialFailure::at([0]).code("ProvisionedThroughputExceededException");
    aws.script(Rule::on("PutRecords", Action::PartialFailure(failure)).times(times));
    lines(&Output::kinesis(&aws), &chunk())
}

pub(crate) fn no_stream() -> Vec<LogLine> {
    let aws = StandIn::start();
    lines(&Output::kinesis(&aws), &chunk())
}

pub(crate) fn no_permission_for_kinesis() -> Vec<LogLine> {
    let aws = ready();
    let error = ErrorAnswer::new(400, "AccessDeniedException", "User is not authorized.");
    aws.script(Rule::on("PutRecords", Action::Error(error)));
    lines(&Output::kinesis(&aws), &chunk())
}

pub(crate) fn no_partition_key() -> Vec<LogLine> {
    let aws = ready();
    let output = Output::kinesis(&aws).with("partition_key", "kubernetes->pod_name");
    lines(&output, &chunk())
}

pub(crate) fn kinesis_oversize() -> Vec<LogLine> {
    let aws = ready();
    let output = Output::kinesis(&aws).with("log_key", "log");
    let chunk = logs([PAYLOAD.repeat(1 + (1 << 20) / PAYLOAD.len())]);
    [
        lines(&output, &chunk),
        lines(&output.with("oversize", "truncate"), &chunk),
    ]
    .concat()
}

pub(crate) fn wrong_options() -> Vec<LogLine> {
    let aws = ready();
    let output = Output::cloudwatch(&aws)
        .with("auto_create_group", "maybe")
        .with("log_retention_days", "15")
        .with("max_event_bytes", "7");
    output.refused()
}
