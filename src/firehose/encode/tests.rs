//! Chunks with many delivery streams and sizes, and variables that get a value between two attempts.

use std::collections::BTreeMap;

use base64_simd::STANDARD;
use serde_json::Value;
use support::chunk::{Chunk, Random, map};

use super::*;
use crate::aws::ecs_metadata::Task;
use crate::firehose::options::OPTIONS;
use crate::naming::variables::{Fixed, Variables};
use crate::options::Reader;

fn config(options: &[(&str, &str)]) -> Config {
    let needed = [("region", "r"), ("default_delivery_stream", "rest")];
    let reader = Reader::new(OPTIONS, |key| {
        let mut all = options.iter().chain(&needed);
        all.find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    });
    let config = Config::read(&reader);
    assert_eq!(reader.problems(), [""; 0]);
    config
}

/// The batches of at most `rounds` rounds of a chunk with these pending texts, the rest, and the texts of
/// each batch's items.
struct Encoded {
    batches: Vec<(String, Batch)>,
    rounds: usize,
    rest: Rest,
    texts: Vec<Vec<u32>>,
}

fn encoded(
    config: &Config,
    task: Option<&Task>,
    chunk: &Chunk,
    pending: Option<Vec<u32>>,
    most: usize,
) -> Encoded {
    let fixed = Fixed {
        region: "r".to_owned(),
        uuid: "u".to_owned(),
    };
    let variables = Variables::new(&fixed, task, "tag");
    let streams = Streams::new(&config.route, variables, "tag");
    let pending = pending.map(|pending| Arc::new(PendingItems::new(pending)));
    let mut encoder = Encoder::new(config, streams, pending);
    let mut records = Records::new(chunk.bytes());
    let (mut batches, mut rounds) = (Vec::new(), 0);
    while rounds < most {
        let round = encoder.round(&mut records, 1);
        if round.is_empty() {
            break;
        }
        rounds += 1;
        let named = round.into_iter();
        batches.extend(named.map(|(number, batch)| (encoder.target(number).to_owned(), batch)));
    }
    let items = batches.iter().flat_map(|(_, batch)| batch.items());
    let texts = items.map(|item| encoder.texts(vec![item.ordinal]));
    Encoded {
        texts: texts.collect(),
        rest: encoder.rest(),
        rounds,
        batches,
    }
}

/// The data of each item.
fn data(batches: &[(String, Batch)]) -> Vec<Vec<u8>> {
    let of = |(name, batch): &(String, Batch)| {
        let body: Value = serde_json::from_slice(&batch.body()).unwrap();
        assert_eq!(body["DeliveryStreamName"], **name);
        let records = body["Records"].as_array().unwrap().clone();
        let data = records.into_iter();
        data.map(|record| {
            STANDARD
                .decode_to_vec(record["Data"].as_str().unwrap())
                .unwrap()
        })
        .collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

#[test]
fn a_chunk_of_very_many_delivery_streams_is_encoded_in_sections() {
    for aggregate in ["false", "true"] {
        let config = config(&[
            ("delivery_stream", "$(s)"),
            ("simple_aggregation", aggregate),
        ]);
        let streams = MAX_OPEN * 2 + 7;
        let chunk = (0..streams).fold(Chunk::new(), |chunk, n| {
            chunk.v2(9, map([("s", format!("s{n}"))]))
        });
        let all = encoded(&config, None, &chunk, None, usize::MAX);
        assert_eq!((all.rounds, all.batches.len()), (3, streams));
        let names: Vec<&String> = all.batches.iter().map(|(name, _)| name).collect();
        assert!(
            names
                .iter()
                .enumerate()
                .all(|(n, name)| **name == format!("s{n}"))
        );
        let last = streams as u32 - 1;
        let retry = encoded(&config, None, &chunk, Some(vec![last]), usize::MAX);
        assert_eq!(retry.texts, [[last]]);
    }
}

/// The ECS metadata may be fetched after the first attempt. The texts are then joined in another way.
#[test]
fn each_text_arrives_once_when_metadata_arrives_between_attempts() {
    let config = config(&[
        ("delivery_stream", "$(ecs_cluster)-$(s)"),
        ("simple_aggregation", "true"),
        ("log_key", "log"),
    ]);
    let task = Task {
        cluster: "prod".to_owned(),
        ..Task::default()
    };
    let mut random = Random::from_environment();
    for _ in 0..20 {
        let count = 1 + random.below(40);
        let chunk = (0..count).fold(Chunk::new(), |chunk, n| {
            let size = *random.one_of(&[3, 3, 3, 300_000, 1_200_000]);
            let log = format!("{n}:{}", "x".repeat(random.below(size)));
            let stream = *random.one_of(&["a", "b", "c"]);
            chunk.v2(9, map([("log", log.as_str()), ("s", stream)]))
        });
        let all: Vec<u8> = sorted(data(
            &encoded(&config, None, &chunk, None, usize::MAX).batches,
        ));
        let (first, second) = *random.one_of(&[
            (None, Some(&task)),
            (Some(&task), None),
            (Some(&task), Some(&task)),
        ]);
        let tried = encoded(&config, first, &chunk, None, random.below(4));
        let rest = &tried.rest;
        let mut pending: Vec<u32> = rest.open.iter().copied().chain(rest.next..1000).collect();
        let mut stored = Vec::new();
        for (texts, data) in tried.texts.iter().zip(data(&tried.batches)) {
            if random.once_in(3) {
                pending.extend(texts);
            } else {
                stored.push(data);
            }
        }
        let retry = encoded(&config, second, &chunk, Some(pending), usize::MAX);
        stored.extend(data(&retry.batches));
        assert!(sorted(stored) == all, "lost or doubled");
    }
}

/// All lines of the records, sorted.
fn sorted(data: Vec<Vec<u8>>) -> Vec<u8> {
    let text = data.concat();
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        *counts.entry(line).or_default() += 1;
    }
    counts.remove(&b""[..]);
    let lines = counts.iter().map(|(line, count)| (*line).repeat(*count));
    lines.collect::<Vec<_>>().concat()
}

#[test]
fn parts_of_a_text_are_packed_one_request_at_a_time() {
    for oversize in ["split", "truncate"] {
        let config = config(&[
            ("delivery_stream", "d"),
            ("log_key", "log"),
            ("oversize", oversize),
        ]);
        let log = "é\u{1}€".repeat(3_000_000);
        let chunk = Chunk::new().v2(9, map([("log", log.as_str())]));
        let all = encoded(&config, None, &chunk, None, usize::MAX);
        let parts = data(&all.batches);
        let mark = |part: &Vec<u8>| part.iter().rposition(|byte| *byte == b'[').unwrap();
        let text: Vec<u8> = parts
            .iter()
            .flat_map(|part| &part[..mark(part)])
            .copied()
            .collect();
        if oversize == "truncate" {
            assert!(log.as_bytes().starts_with(&text) && text.len() > 1_023_900);
            continue;
        }
        assert!(text == log.as_bytes());
        assert!(all.rounds >= 4, "{} rounds", all.rounds);
        let last = format!("[Part {0}/{0}]\n", parts.len());
        assert!(parts.last().unwrap().ends_with(last.as_bytes()));
    }
}

#[test]
fn parts_of_a_large_record_concatenate_to_its_json() {
    let config = config(&[("delivery_stream", "d"), ("replace_dots", "_")]);
    let mut random = Random::from_environment();
    for _ in 0..10 {
        let inner = map([("a.b", "\u{1}\"é".repeat(random.below(400_000)))]);
        let record = map([
            ("x.y", inner.clone()),
            ("x_y", inner),
            ("n", support::chunk::Value::from("z".repeat(1_100_000))),
        ]);
        let chunk = Chunk::new().v2(9, record);
        let parts = data(&encoded(&config, None, &chunk, None, usize::MAX).batches);
        let mark = |part: &Vec<u8>| part.iter().rposition(|byte| *byte == b'[').unwrap();
        let text: Vec<u8> = parts
            .iter()
            .flat_map(|part| &part[..mark(part)])
            .copied()
            .collect();
        let mut whole = Vec::new();
        let mut records = Records::new(chunk.bytes());
        let record = records.next().unwrap();
        Writer::new(&config.shape, usize::MAX).write(&record, &mut whole);
        assert!(text == whole);
    }
}
