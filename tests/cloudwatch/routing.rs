//! The configuration -> names of groups and streams.

use std::time::{Duration, Instant};

use cbindings::Level;
use support::alone::alone;
use support::aws::StandIn;
use support::chunk::{Chunk, Container, Time, Value, map};
use support::host::telling;
use support::output::{Output, logs, now_ms};

use super::assert_ok;

/// The group and stream names of one record.
fn places(tag: &str, record: Value, options: &[(&str, &str)]) -> Vec<(String, String)> {
    let aws = StandIn::start();
    let output = Output::cloudwatch(&aws).with("auto_create_group", "true");
    let output = options
        .iter()
        .fold(output, |output, (key, value)| match *value {
            "" => output.without(key),
            value => output.with(key, value),
        });
    let chunk = Chunk::new().v2(Time::millis(now_ms()), record);
    assert_ok(output.open().flush(tag, chunk));
    let streams = aws.streams();
    let written = |(group, stream): &&(String, String)| aws.events(group, stream).len() == 1;
    assert!(streams.iter().all(|place| written(&place)), "{streams:?}");
    streams
}

fn place(group: &str, stream: &str) -> Vec<(String, String)> {
    vec![(group.to_owned(), stream.to_owned())]
}

#[test]
fn a_stream_is_named_by_prefix_and_tag() {
    let options = [
        ("log_stream_name", ""),
        ("log_stream_prefix", "from-fluent-bit-"),
    ];
    let found = places("app.log", map([("log", "x")]), &options);
    assert_eq!(found, place("/ecs/web", "from-fluent-bit-app.log"));
}

#[test]
fn both_languages_name_groups_and_streams_from_the_record() {
    let kubernetes = map([
        ("pod", Value::from("p1")),
        ("labels", map([("app", "shop")])),
    ]);
    let record = || map([("kubernetes", kubernetes.clone()), ("level", "warn".into())]);
    let go = [
        ("log_group_name", "/app/$(level)"),
        (
            "log_stream_name",
            "$(tag)-$(tag[1])-$(kubernetes['labels']['app'])",
        ),
    ];
    assert_eq!(
        places("a.b", record(), &go),
        place("/app/warn", "a.b-b-shop")
    );
    let c = [
        ("log_group_template", "/app/$level"),
        ("log_stream_template", "$kubernetes['pod'].$TAG[0]"),
    ];
    assert_eq!(places("a.b", record(), &c), place("/app/warn", "p1.a"));
}

#[test]
fn a_c_template_without_a_value_falls_back_to_the_name() {
    let options = [
        ("log_group_template", "/app/$level"),
        ("log_stream_template", "$pod"),
    ];
    let found = places("a.b", map([("log", "x")]), &options);
    assert_eq!(found, place("/ecs/web", "web"));
}

#[test]
fn a_fire_lens_tag_names_container_and_task() {
    let web = Container::named("web");
    let options = [
        ("log_group_name", "/ecs/$(container_name)"),
        ("log_stream_name", "$(ecs_task_id)"),
    ];
    let found = places(&web.tag(), map([("log", "x")]), &options);
    assert_eq!(found, place("/ecs/web", &web.task));
}

/// The environment names the metadata endpoint.
#[test]
fn task_metadata_supplies_names_missing_in_the_record() {
    let metadata = StandIn::start();
    let uri = metadata.task_metadata_uri();
    let test = "routing::task_metadata_supplies_names_missing_in_the_record";
    if !alone(test, &[("ECS_CONTAINER_METADATA_URI_V4", Some(&uri))]) {
        return;
    }
    let options = [
        ("log_group_name", "$(ecs_cluster)/$(ecs_task_family)"),
        ("log_stream_name", "$(ecs_task_revision)"),
    ];
    let found = places("a.b", map([("log", "x")]), &options);
    assert_eq!(found.len(), 1);
    assert_ne!(found, place("fluentbit-default", "/fluentbit-default"));
    assert!(
        found[0].0.contains('/') && !found[0].1.is_empty(),
        "{found:?}"
    );
}

#[test]
fn records_without_a_value_use_the_default_names_with_a_warning() {
    let aws = StandIn::start();
    let instance = Output::cloudwatch(&aws)
        .with("auto_create_group", "true")
        .with("log_group_name", "/app/$(level)")
        .with("log_stream_name", "$(pod['name'])")
        .open();
    for _ in 0..3 {
        assert_ok(instance.flush("a.tag", logs(["one", "two"])));
    }
    assert_eq!(
        aws.events("fluentbit-default", "/fluentbit-default").len(),
        6
    );
    let lines = instance.exit();
    for (name, missing) in [("log group", "$(level)"), ("log stream", "$(pod['name'])")] {
        let reported = telling(&lines, &format!("another {name}"));
        assert_eq!(reported.len(), 2, "{lines:#?}");
        assert_eq!(reported[0].level, Some(Level::Warn));
        assert!(
            reported[1]
                .text
                .ends_with("(and 2 records more since the last such line)")
        );
        assert!(reported[0].text.contains("2 records") && reported[0].text.contains(missing));
    }
}

#[test]
fn the_default_names_are_configurable() {
    let options = [
        ("log_group_name", "$(level)"),
        ("log_stream_name", "$(pod)"),
        ("default_log_group_name", "g"),
        ("default_log_stream_name", "s"),
    ];
    assert_eq!(
        places("a.b", map([("log", "x")]), &options),
        place("g", "s")
    );
}

#[test]
fn invalid_characters_in_names_are_replaced() {
    let options = [
        ("log_group_name", "/app/$(level)"),
        ("log_stream_name", "$(level)"),
    ];
    let found = places("a.b", map([("level", "a: *b")]), &options);
    assert_eq!(found.len(), 1);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
    assert!(
        found[0].0.starts_with("/app/a") && found[0].0.chars().all(allowed),
        "{found:?}"
    );
    assert!(!found[0].1.contains([':', '*']), "{found:?}");
}

/// Both records would have the same name if the group and the stream were concatenated.
#[test]
fn targets_whose_concatenated_names_are_equal_are_different() {
    let aws = StandIn::start();
    aws.create_stream("ab", "c");
    aws.create_stream("a", "bc");
    let output = Output::cloudwatch(&aws).with("log_group_name", "$(group)");
    let instance = output.with("log_stream_name", "$(stream)").open();
    let now = Time::millis(now_ms());
    let chunk = [("ab", "c"), ("a", "bc"), ("ab", "c")]
        .iter()
        .fold(Chunk::new(), |chunk, (group, stream)| {
            chunk.v2(now, map([("group", *group), ("stream", *stream)]))
        });
    assert_ok(instance.flush("a.tag", chunk));
    assert_eq!(
        (aws.events("ab", "c").len(), aws.events("a", "bc").len()),
        (2, 1)
    );
    assert_eq!(aws.count("PutLogEvents"), 2);
}

#[test]
fn requests_have_the_headers_of_the_service() {
    let aws = support::output::ready();
    let output = Output::cloudwatch(&aws).with("log_format", "json/emf");
    let instance = output.with("extra_user_agent", "shop/1").open();
    assert_ok(instance.flush("a.tag", logs(["one"])));
    let calls = aws.calls();
    assert_eq!(calls[0].header("x-amzn-logs-format"), Some("json/emf"));
    let agent = calls[0].header("x-amz-user-agent").unwrap_or_default();
    assert!(
        agent.contains(&format!("aws-fluent-bit-plugin-{}-shop-1", router::VERSION)),
        "{agent}"
    );
}

/// A busy machine can delay some chunks. The first chunk without delay is measured.
#[test]
fn a_hundred_streams_of_a_chunk_are_written_concurrently() {
    let aws = StandIn::start();
    let names: Vec<String> = (0..100).map(|n| format!("stream-{n}")).collect();
    names
        .iter()
        .for_each(|name| aws.create_stream("/ecs/web", name));
    aws.set_latency(Duration::from_millis(50));
    let instance = Output::cloudwatch(&aws)
        .with("log_stream_name", "$(stream)")
        .open();
    let mut times = (0..100).map(|number| {
        let now = Time::millis(now_ms());
        let interleaved = names.iter().cycle().take(2_000);
        let chunk = interleaved.fold(Chunk::new(), |chunk, name| {
            chunk.v2(now, map([("log", "x"), ("stream", name)]))
        });
        aws.forget();
        let began = Instant::now();
        assert_ok(instance.flush(format!("tag.{number}"), chunk));
        let took = began.elapsed();
        assert_eq!(aws.count("PutLogEvents"), 100);
        took
    });
    let quick = times.find(|took| *took < Duration::from_millis(300));
    println!("a chunk of 100 streams, answers after 50 ms: {quick:?}");
    assert!(quick.is_some(), "each of 100 chunks took longer");
}
