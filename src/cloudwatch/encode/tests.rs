//! Chunks with many targets, days and sizes: which batches are returned, and which items are pending.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::chunk::{Chunk, Time, map};

use super::*;
use crate::cloudwatch::options::OPTIONS;
use crate::naming::variables::{Fixed, Variables};
use crate::options::Reader;

fn config(options: &[(&str, &str)]) -> Config {
    let needed = [
        ("region", "r"),
        ("log_group_name", "g"),
        ("log_stream_name", "$(s)"),
    ];
    let reader = Reader::new(OPTIONS, |key| {
        let mut all = options.iter().chain(&needed);
        all.find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    });
    let config = Config::read(&reader);
    assert_eq!(reader.problems(), [""; 0]);
    config
}

fn fixed() -> Fixed {
    Fixed {
        region: "r".to_owned(),
        uuid: "u".to_owned(),
    }
}

fn encoder<'c>(config: &'c Config, fixed: &'c Fixed, pending: Option<Vec<u32>>) -> Encoder<'c> {
    let variables = Variables::new(fixed, None, "tag");
    let targets = LogStreams::new(&config.route, None, variables, "tag");
    Encoder::new(
        config,
        targets,
        pending.map(|pending| Arc::new(PendingItems::new(pending))),
    )
}

/// The batches of each round, with their log streams.
fn rounds(encoder: &mut Encoder<'_>, chunk: &Chunk, max: usize) -> Vec<Vec<(String, Batch)>> {
    // The encoder borrows the chunk. It is leaked to live until the end of the test.
    let chunk: &'static [u8] = Box::leak(chunk.bytes().into());
    let mut records = Records::new(chunk);
    let mut rounds = Vec::new();
    while rounds.len() < max {
        let round = encoder.round(&mut records, 1);
        if round.is_empty() {
            break;
        }
        let named = round
            .into_iter()
            .map(|(number, batch)| (encoder.target(number).stream.clone(), batch));
        rounds.push(named.collect());
    }
    rounds
}

fn ordinals<'b>(batches: impl IntoIterator<Item = &'b (String, Batch)>) -> Vec<u32> {
    let items = batches.into_iter().flat_map(|(_, batch)| batch.items());
    items.map(|item| item.ordinal).collect()
}

/// A chunk with one event for each log stream, at the given second.
fn events(events: impl IntoIterator<Item = (String, u64)>) -> Chunk {
    events
        .into_iter()
        .fold(Chunk::new(), |chunk, (stream, second)| {
            let record = map([("log", "x"), ("s", &stream)]);
            chunk.v2(Time::millis(second * 1000), record)
        })
}

#[test]
fn a_chunk_of_very_many_streams_is_encoded_in_sections() {
    let streams = MAX_OPEN * 5 / 2;
    // Each stream once, and then the first ones retry.
    let names = (0..streams).chain(0..100).map(|n| (format!("s{n}"), 9));
    let chunk = events(names);
    let (config, fixed) = (config(&[]), fixed());
    let mut encoder = encoder(&config, &fixed, None);
    let rounds = rounds(&mut encoder, &chunk, usize::MAX);
    let sizes: Vec<usize> = rounds.iter().map(Vec::len).collect();
    assert_eq!(sizes, [MAX_OPEN, MAX_OPEN, MAX_OPEN / 2 + 100]);
    let mut found: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (stream, batch) in rounds.iter().flatten() {
        let body: Value = serde_json::from_slice(&batch.body()).unwrap();
        assert_eq!(body["logStreamName"], **stream);
        let items = batch.items().iter().map(|item| item.ordinal);
        found.entry(stream).or_default().extend(items);
    }
    assert_eq!(found.len(), streams);
    assert_eq!(found["s0"], [0, streams as u32]);
    assert_eq!(found["s9999"], [9999]);
}

#[test]
fn long_names_fill_a_section() {
    let long = "n".repeat(500);
    let chunk = events((0..9000).map(|n| (format!("{n}{long}"), 9)));
    let (config, fixed) = (config(&[]), fixed());
    let mut encoder = encoder(&config, &fixed, None);
    let rounds = rounds(&mut encoder, &chunk, usize::MAX);
    let names =
        |round: &Vec<(String, Batch)>| round.iter().map(|(stream, _)| stream.len()).sum::<usize>();
    assert!(
        rounds.len() > 1
            && rounds
                .iter()
                .map(names)
                .all(|bytes| bytes <= MAX_NAME_BYTES)
    );
    assert_eq!(ordinals(rounds.iter().flatten()).len(), 9000);
}

#[test]
fn sections_without_pending_items_are_skipped() {
    let streams = MAX_OPEN * 2 + 10;
    let chunk = events((0..streams).map(|n| (format!("s{n}"), 9)));
    let (config, fixed) = (config(&[]), fixed());
    let last = streams as u32 - 1;
    let mut encoder = encoder(&config, &fixed, Some(vec![last]));
    let rounds = rounds(&mut encoder, &chunk, usize::MAX);
    assert_eq!(ordinals(rounds.iter().flatten()), [last]);
}

#[test]
fn each_time_window_is_an_open_batch() {
    let days = 10;
    let streams = MAX_OPEN / days * 2;
    let day = |n: usize| (n % days) as u64 * 24 * 3600;
    let all = (0..streams * days).map(|n| (format!("s{}", n / days), day(n)));
    let (config, fixed) = (config(&[]), fixed());
    let mut encoder = encoder(&config, &fixed, None);
    let rounds = rounds(&mut encoder, &events(all), usize::MAX);
    let sizes: Vec<usize> = rounds.iter().map(Vec::len).collect();
    assert_eq!(sizes, [MAX_OPEN, MAX_OPEN]);
}

/// The returned items and the rest together are the whole chunk, wherever the encoder stops.
#[test]
fn the_rest_is_every_item_not_returned() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let config = config(&[("max_event_bytes", "1024"), ("log_key", "log")]);
    for _ in 0..40 {
        let text = "x".repeat(900);
        let large = "y".repeat(random.usize(..3_000_000));
        let at = random.usize(..3000);
        let chunk = (0..3000).fold(Chunk::new(), |chunk, n| {
            let log = if n == at { &large } else { &text };
            let record = map([("log", log.as_str()), ("s", ["a", "b"][n % 2])]);
            let day = random.u64(..20);
            chunk.v2(Time::millis(day * 24 * 3600 * 1000), record)
        });
        let fixed = fixed();
        let mut whole = encoder(&config, &fixed, None);
        let all = ordinals(rounds(&mut whole, &chunk, usize::MAX).iter().flatten());
        let count = all.len() as u32;
        assert_eq!(
            all.iter().copied().collect::<BTreeSet<_>>(),
            (0..count).collect()
        );
        let mut stopped = encoder(&config, &fixed, None);
        let made = rounds(&mut stopped, &chunk, random.usize(..6));
        let rest = stopped.rest();
        let mut found = ordinals(made.iter().flatten());
        found.extend(&rest.open);
        found.extend(rest.next..count);
        found.sort_unstable();
        assert_eq!(found, (0..count).collect::<Vec<_>>());
        // The retry sends exactly the rest, with the same ordinals.
        let pending: Vec<u32> = rest.open.iter().copied().chain(rest.next..count).collect();
        let mut retry = encoder(&config, &fixed, Some(pending.clone()));
        let mut sent = ordinals(rounds(&mut retry, &chunk, usize::MAX).iter().flatten());
        let mut pending = pending;
        sent.sort_unstable();
        pending.sort_unstable();
        assert_eq!(sent, pending);
    }
}
