//! The awslogs driver's options: a task's own `options`, with another driver, give the same streams
//! and messages.

use support::aws::StandIn;
use support::chunk::{Chunk, Container, Time, Value, docker_record, map};
use support::host::Verdict;
use support::output::{GROUP, Output, messages, now_ms};

use crate::{Case, header, open};

pub(crate) const CASES: &[Case] = &[
    ("awslogs-group", || {
        // The message is the line, the stream the container's id, and pieces are one line.
        let lines = ["  a line ", "", r#"{"level":"info"}"#].map(|line| vec![("log", line)]);
        let pieces = [("b", "1", "false"), ("c", "2", "true")].map(|(log, ordinal, last)| {
            let piece = [("partial_message", "true"), ("partial_id", "1f")];
            let piece = piece.into_iter().chain([("partial_ordinal", ordinal)]);
            let piece = piece.chain([("partial_last", last), ("log", log)]);
            piece.collect::<Vec<_>>()
        });
        let aws = sent(&[], lines.into_iter().chain(pieces));
        let expected = ["  a line ", r#"{"level":"info"}"#, "bc"];
        assert_eq!(messages(&aws, GROUP, &container_id()), expected);
        let both = Output::cloudwatch(&aws)
            .with("awslogs-group", "x")
            .refused();
        let told = "`awslogs-group` and `log_group_name` are one option";
        assert!(
            both.iter().any(|line| line.text.contains(told)),
            "{both:#?}"
        );
    }),
    ("awslogs-region", || {
        let aws = sent(&[("region", ""), ("awslogs-region", "eu-west-1")], one());
        let signed = header(&aws, "PutLogEvents", "authorization").unwrap();
        assert!(signed.contains("/eu-west-1/logs/"), "{signed}");
    }),
    ("awslogs-stream", || {
        let aws = sent(&[("awslogs-stream", "s")], one());
        assert_eq!(messages(&aws, GROUP, "s"), ["a"]);
    }),
    ("awslogs-stream-prefix", || {
        let options = [("awslogs-stream-prefix", "p")];
        let aws = sent(&options, one());
        let stream = format!("p/web/{}", container().task);
        assert_eq!(messages(&aws, GROUP, &stream), ["a"]);
        let instance = open(&aws, &driver(&options));
        assert_eq!(instance.flush("tail.x", chunk(one())), Verdict::Ok);
        assert_eq!(messages(&aws, GROUP, "p/tail.x"), ["a"]);
        refused(
            &[("awslogs-stream", "s"), ("awslogs-stream-prefix", "p")],
            "exactly one of",
        );
    }),
    ("tag", || {
        let aws = sent(&[("tag", "x/{{.Name}}/{{.ID}}")], one());
        let stream = format!(
            "x/ecs-app-1-web-b2d8f0a1c3e597866200/{}",
            &container_id()[..12]
        );
        assert_eq!(messages(&aws, GROUP, &stream), ["a"]);
        refused(
            &[("tag", "{{.ImageName}}")],
            "does not know `{{.ImageName}}`",
        );
        let idle = open(&aws, &driver(&[("tag", "x"), ("awslogs-stream", "s")])).exit();
        let told = "`tag` has no effect here";
        assert!(
            idle.iter().any(|line| line.text.contains(told)),
            "{idle:#?}"
        );
    }),
    ("awslogs-create-group", || {
        for (value, verdict) in [("true", Verdict::Ok), ("false", Verdict::Retry)] {
            let aws = StandIn::start();
            let options = driver(&[("awslogs-create-group", value)]);
            assert_eq!(
                open(&aws, &options).flush(tag(), chunk(one())),
                verdict,
                "{value}"
            );
        }
        refused(
            &[("awslogs-create-group", "maybe")],
            "`awslogs-create-group` is `maybe`: it must be true, on",
        );
    }),
    ("awslogs-create-stream", || {
        for (value, verdict) in [("true", Verdict::Ok), ("false", Verdict::Retry)] {
            let aws = account();
            let instance = open(&aws, &driver(&[("awslogs-create-stream", value)]));
            assert_eq!(instance.flush(tag(), chunk(one())), verdict, "{value}");
        }
    }),
    ("awslogs-format", || {
        let aws = sent(&[("awslogs-format", "json/emf")], one());
        let format = header(&aws, "PutLogEvents", "x-amzn-logs-format");
        assert_eq!(format.as_deref(), Some("json/emf"));
        refused(&[("awslogs-format", "json")], "it must be json/emf");
    }),
    ("awslogs-multiline-pattern", || {
        let options = [("awslogs-multiline-pattern", "^{")];
        let aws = sent(
            &options,
            ["{", "  1", "}", "{ }"].map(|line| vec![("log", line)]),
        );
        assert_eq!(messages(&aws, GROUP, &container_id()), ["{\n  1\n}", "{ }"]);
        refused(
            &[("awslogs-multiline-pattern", r"\pL")],
            r"`\p` is not supported here",
        );
        refused(
            &[options[0], ("awslogs-format", "json/emf")],
            "joined lines are no metrics",
        );
    }),
    ("awslogs-datetime-format", || {
        let format = [("awslogs-datetime-format", "%H:%M:%S,%L")];
        let lines = ["10:00:00,123 a", " at b", "10:00:01,000 c"];
        let aws = sent(&format, lines.map(|line| vec![("log", line)]));
        let expected = ["10:00:00,123 a\n at b", "10:00:01,000 c"];
        assert_eq!(messages(&aws, GROUP, &container_id()), expected);
        refused(&[("awslogs-datetime-format", "%e")], "`%e` is none of %a");
        refused(
            &[format[0], ("awslogs-multiline-pattern", "a")],
            "are both set",
        );
    }),
    ("awslogs-endpoint", || {
        let aws = account();
        let options = [("endpoint", ""), ("awslogs-endpoint", &aws.url())];
        let instance = open(&aws, &driver(&options));
        assert_eq!(instance.flush(tag(), chunk(one())), Verdict::Ok);
        assert_eq!(messages(&aws, GROUP, &container_id()), ["a"]);
    }),
    ("awslogs-credentials-endpoint", || {
        let aws = account();
        let uri = aws.credentials_uri();
        let options = driver(&[("awslogs-credentials-endpoint", &uri)]);
        assert_eq!(open(&aws, &options).flush(tag(), chunk(one())), Verdict::Ok);
        assert_eq!(aws.count("EcsCredentials"), 1);
    }),
];

/// What arrives of a chunk of such records of a container.
fn sent<'r>(
    options: &[(&str, &str)],
    records: impl IntoIterator<Item = Vec<(&'static str, &'r str)>>,
) -> StandIn {
    let aws = account();
    let instance = open(&aws, &driver(options));
    let verdict = instance.flush(tag(), chunk(records));
    assert_eq!(verdict, Verdict::Ok, "{:#?}", instance.lines());
    aws
}

/// The driver's options alone, but for those that lead to the stand-in.
fn driver<'o>(options: &[(&'o str, &'o str)]) -> Vec<(&'o str, &'o str)> {
    let base = [
        ("log_group_name", ""),
        ("log_stream_name", ""),
        ("awslogs-group", GROUP),
    ];
    [&base, options].concat()
}

fn refused(options: &[(&str, &str)], told: &str) {
    let aws = StandIn::start();
    let options = driver(options).into_iter();
    let output = options.fold(Output::cloudwatch(&aws), |output, (key, value)| {
        output.with(key, value)
    });
    let lines = output.refused();
    assert!(
        lines.iter().any(|line| line.text.contains(told)),
        "{lines:#?}"
    );
}

fn account() -> StandIn {
    let aws = StandIn::start();
    aws.create_group(GROUP);
    aws
}

/// As Docker sends them: strings only, with the container's id and name.
fn chunk<'r>(records: impl IntoIterator<Item = Vec<(&'static str, &'r str)>>) -> Chunk {
    let now = Time::millis(now_ms());
    records.into_iter().fold(Chunk::new(), |chunk, members| {
        let sent = docker_record::<Value>(&container(), "stdout", "");
        let sent = sent.into_iter().filter(|(key, _)| *key != "log");
        let members = members.into_iter().map(|(key, text)| (key, text.into()));
        chunk.v2(now, map(sent.chain(members)))
    })
}

fn one() -> [Vec<(&'static str, &'static str)>; 1] {
    [vec![("log", "a")]]
}

fn container() -> Container {
    Container::named("web")
}

fn tag() -> String {
    container().tag()
}

fn container_id() -> String {
    let record = docker_record::<String>(&container(), "stdout", "");
    let mut members = record.into_iter();
    let id = members.find(|(key, _)| *key == "container_id");
    id.expect("Docker names the container").1
}
