//! Records that are skipped or damaged are reported once, by the attempt that decodes them first.

use std::time::{Duration, Instant};
use std::{fs, thread};

use support::alone::alone;
use support::aws::{Action, Rule};
use support::chunk::{Chunk, Time, map};
use support::host::Verdict;
use support::output::{logs, now_ms, ready};

use super::{PLUGINS, Scratch, count, text};

/// Records without `log`, and a value that is not a record.
fn without_log(chunk: Chunk, records: usize) -> Chunk {
    let now = Time::millis(now_ms());
    let chunk = (0..records).fold(chunk, |chunk, _| chunk.v2(now, map([("other", "x")])));
    chunk.raw(&[0x93, 1, 2, 3])
}

#[test]
fn a_chunk_first_flushed_without_a_session_is_reported_once() {
    let test = "reported::a_chunk_first_flushed_without_a_session_is_reported_once";
    let scratch = Scratch::new("session");
    let file = scratch.path("config");
    let path = std::env::var("AWS_CONFIG_FILE").unwrap_or_default();
    let unset = [
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "ECS_CONTAINER_METADATA_URI_V4",
    ];
    let mut environment: Vec<_> = unset.map(|name| (name, None)).into();
    environment.push(("AWS_CONFIG_FILE", Some(text(&file))));
    if !alone(test, &environment) {
        return;
    }
    for plugin in PLUGINS {
        let aws = ready();
        let instance = (plugin.output)(&aws).without("region").open();
        let chunk = without_log(logs(["one"]), 2).raw(&[0x92]);
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
        assert_eq!(count(&instance.lines(), "no region"), 1);
        fs::create_dir_all(std::path::Path::new(&path).parent().expect("a parent")).expect("made");
        fs::write(&path, "[default]\nregion = us-east-1\n").expect("written");
        // The region is looked up again after a pause.
        let started = Instant::now();
        while instance.flush("a.tag", &chunk) == Verdict::Retry {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{:#?}",
                instance.lines()
            );
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!((plugin.delivered)(&aws), ["one"]);
        let lines = instance.exit();
        assert_eq!(count(&lines, "2 records skipped"), 1, "{lines:#?}");
        let damage = "dropped 1 values that are no records, and 1 bytes at the chunk's end";
        assert_eq!(count(&lines, damage), 1, "{lines:#?}");
        fs::remove_file(&path).expect("removed");
    }
}

#[test]
fn records_not_decoded_by_the_first_attempt_are_reported_by_the_second() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(Rule::on(plugin.operation, Action::Hang).forever());
        let instance = (plugin.output)(&aws).with("flush_timeout", "1s").open();
        let texts = plugin.texts();
        let chunk = without_log(Chunk::new(), 2).raw(logs(&texts).bytes());
        let chunk = without_log(chunk, 3).raw(&[0x92]);
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
        let skipped = instance.wait_for_line("2 records skipped", Duration::from_secs(5));
        assert!(skipped.is_some(), "{:#?}", instance.lines());
        assert_eq!(count(&instance.lines(), "and 0 bytes"), 1);
        aws.clear();
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
        plugin.assert_delivered_once(&aws);
        let lines = instance.exit();
        assert_eq!(count(&lines, "2 records skipped"), 1, "{lines:#?}");
        assert_eq!(count(&lines, "3 records skipped"), 1, "{lines:#?}");
        assert_eq!(count(&lines, "dropped 1 values"), 2, "{lines:#?}");
        assert_eq!(count(&lines, "and 1 bytes"), 1, "{lines:#?}");
    }
}

#[test]
fn a_chunk_that_fails_completely_is_reported_once() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.down().expect("goes down");
        let instance = (plugin.output)(&aws).with("flush_timeout", "1s").open();
        let chunk = without_log(logs(["one"]), 2);
        for _ in 0..2 {
            assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
        }
        aws.up().expect("comes up");
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
        let lines = instance.exit();
        assert_eq!(count(&lines, "records skipped"), 1, "{lines:#?}");
        assert_eq!(count(&lines, "dropped 1 values"), 1, "{lines:#?}");
    }
}
