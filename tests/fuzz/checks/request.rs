//! Any options and any chunk: the requests made of them are within the service's limits.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use router::batch::Batch;
use router::cloudwatch as logs;
use router::delivery::ledger::PendingItems;
use router::destination::{ChunkEncoder as _, Destination, read_options};
use router::firehose as streams;
use router::kinesis as shards;
use router::naming::variables::{Fixed, Variables};
use router::options::Reader;
use router::record::chunk_reader::Records;
use serde_json::Value;

use super::split;

/// Options (a line each, as `key=value`), an empty line, the tag, a line feed, and a chunk.
struct Input<'a> {
    options: Vec<(&'a str, &'a str)>,
    tag: String,
    chunk: &'a [u8],
}

impl<'a> Input<'a> {
    fn of(data: &'a [u8]) -> Self {
        let (options, rest) = split(data, b"\n\n");
        let (tag, chunk) = split(rest, b"\n");
        let options = std::str::from_utf8(options).unwrap_or_default();
        Self {
            options: options
                .lines()
                .filter_map(|line| line.split_once('='))
                .collect(),
            tag: String::from_utf8_lossy(tag).into_owned(),
            chunk,
        }
    }

    /// The configuration, if no option has a problem. What is required and absent is filled in, and
    /// an endpoint without TLS, for which no certificates are read.
    fn config<D: Destination>(&self, least: &[(&str, &str)]) -> Option<D::Config> {
        let reader = Reader::new(D::OPTIONS, |key| {
            let mut all = self.options.iter().chain(least);
            all.find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        });
        let (config, _) = read_options::<D>(&reader, |_| None);
        let told = [reader.unknown(D::FOREIGN), reader.problems()].concat();
        assert!(told.iter().all(|line| !line.is_empty()));
        reader.problems().is_empty().then_some(config)
    }
}

/// `cloudwatch`, from options to request bodies.
pub fn cloudwatch(data: &[u8]) {
    let input = Input::of(data);
    let least = [
        ("region", "r"),
        ("endpoint", "http://e"),
        ("log_group_name", "g"),
        ("log_stream_name", "s"),
    ];
    let config = input.config::<logs::CloudWatch>(&least);
    let Some(config) = config else { return };
    let encode = |left: Option<Arc<PendingItems>>| {
        let fixed = fixed();
        let variables = Variables::new(&fixed, None, &input.tag);
        let entities = config.entities.as_ref();
        let places = logs::route::LogStreams::new(&config.route, entities, variables, &input.tag);
        let mut encoder = logs::encode::Encoder::new(&config, places, left);
        let mut records = Records::new(input.chunk);
        let mut places = HashMap::new();
        let batches = rounds(|| {
            let round = encoder.round(&mut records, REQUESTS);
            for (number, _) in &round {
                places.insert(*number, encoder.target(*number).clone());
            }
            round
        });
        let counts = encoder.into_counts(&records).0;
        (batches, places, counts.events)
    };
    let (batches, places, events) = encode(None);
    let mut ordinals = BTreeSet::new();
    for (number, batch) in &batches {
        log_events(batch, &places[number], config.max_event_bytes);
        note(&mut ordinals, batch);
    }
    assert_eq!(ordinals.len(), events as usize);
    let rest = every_third(&ordinals);
    assert_left(
        &encode(Some(Arc::new(PendingItems::new(rest.clone())))).0,
        &rest,
    );
}

/// What is left of a chunk that comes again.
fn every_third(ordinals: &BTreeSet<u32>) -> Vec<u32> {
    let some = ordinals.iter().filter(|ordinal| *ordinal % 3 == 1);
    some.copied().collect()
}

fn fixed() -> Fixed {
    Fixed {
        region: "r".to_owned(),
        uuid: "u".to_owned(),
    }
}

/// PutLogEvents takes 10,000 events of 24 hours, sorted, in 1 MiB, of which 26 bytes for each event.
fn log_events(batch: &Batch, place: &logs::route::LogStreamId, most: usize) {
    let body: Value = serde_json::from_slice(&batch.body()).expect("JSON");
    assert_eq!(body["logGroupName"], place.group.as_str());
    assert_eq!(body["logStreamName"], place.stream.as_str());
    let events = body["logEvents"].as_array().expect("events");
    assert_eq!(events.len(), batch.items().len());
    assert!((1..=10_000).contains(&events.len()));
    let sizes = events
        .iter()
        .map(|event| event["message"].as_str().expect("text").len());
    assert!(sizes.clone().all(|size| size > 0 && size + 26 <= most));
    assert!(sizes.map(|size| size + 26).sum::<usize>() <= 1_048_576);
    let times: Vec<i64> = events
        .iter()
        .map(|event| event["timestamp"].as_i64().expect("a time"))
        .collect();
    assert!(times.is_sorted() && times[0] >= 0);
    assert!(times[times.len() - 1] - times[0] < 24 * 3600 * 1000);
}

/// `firehose`, from options to request bodies.
pub fn firehose(data: &[u8]) {
    let input = Input::of(data);
    let least = [
        ("region", "r"),
        ("endpoint", "http://e"),
        ("delivery_stream", "d"),
    ];
    let config = input.config::<streams::Firehose>(&least);
    let Some(config) = config else { return };
    let encode = |left: Option<Arc<PendingItems>>| {
        let fixed = fixed();
        let variables = Variables::new(&fixed, None, &input.tag);
        let names = streams::route::Streams::new(&config.route, variables, &input.tag);
        let mut encoder = streams::encode::Encoder::new(&config, names, left);
        let mut records = Records::new(input.chunk);
        let mut names = HashMap::new();
        let batches = rounds(|| {
            let round = encoder.round(&mut records, REQUESTS);
            for (number, _) in &round {
                names.insert(*number, encoder.target(*number).to_owned());
            }
            round
        });
        let items = batches.iter().flat_map(|(_, batch)| batch.items());
        let texts = encoder.texts(items.map(|item| item.ordinal).collect());
        let named = batches.into_iter();
        let named = named.map(|(number, batch)| (names[&number].clone(), batch));
        (named.collect::<Vec<_>>(), texts)
    };
    let (batches, texts) = encode(None);
    for (name, batch) in &batches {
        records(batch, name);
        note(&mut BTreeSet::new(), batch);
    }
    let ordinals: BTreeSet<u32> = texts.iter().copied().collect();
    assert_eq!(ordinals.len(), texts.len(), "one comes twice");
    let rest = every_third(&ordinals);
    let (_, mut again) = encode(Some(Arc::new(PendingItems::new(rest.clone()))));
    again.sort_unstable();
    assert_eq!(again, rest);
}

/// PutRecordBatch takes 500 records of 1,000 KiB in 4 MiB, before base64.
fn records(batch: &Batch, name: &str) {
    let body: Value = serde_json::from_slice(&batch.body()).expect("JSON");
    assert_eq!(body["DeliveryStreamName"], name);
    let records = body["Records"].as_array().expect("records");
    assert_eq!(records.len(), batch.items().len());
    assert!((1..=500).contains(&records.len()));
    let sizes: Vec<usize> = records
        .iter()
        .map(|record| {
            let data = record["Data"].as_str().expect("text");
            base64_simd::STANDARD
                .decode_to_vec(data)
                .expect("base64")
                .len()
        })
        .collect();
    assert!(sizes.iter().all(|size| (1..=1_024_000).contains(size)));
    assert!(sizes.iter().sum::<usize>() <= 4 * 1024 * 1024);
}

/// `kinesis`, from options to request bodies.
pub fn kinesis(data: &[u8]) {
    let input = Input::of(data);
    let least = [("region", "r"), ("endpoint", "http://e"), ("stream", "s")];
    let config = input.config::<shards::Kinesis>(&least);
    let Some(config) = config else { return };
    let encode = |left: Option<Arc<PendingItems>>| {
        let mut encoder = shards::encode::Encoder::new(&config, left);
        let mut records = Records::new(input.chunk);
        let batches = rounds(|| encoder.round(&mut records, REQUESTS));
        let items = batches.iter().flat_map(|(_, batch)| batch.items());
        let events = items.flat_map(|item| {
            let events = encoder.events(item.ordinal);
            events.unwrap_or_else(|| vec![item.ordinal])
        });
        let events: Vec<u32> = events.collect();
        (batches, events)
    };
    let (batches, events) = encode(None);
    for (_, batch) in &batches {
        keyed_records(batch, &config);
        note(&mut BTreeSet::new(), batch);
    }
    let ordinals: BTreeSet<u32> = events.iter().copied().collect();
    assert_eq!(ordinals.len(), events.len(), "one comes twice");
    let rest = every_third(&ordinals);
    let (_, mut again) = encode(Some(Arc::new(PendingItems::new(rest.clone()))));
    again.sort_unstable();
    assert_eq!(again, rest);
}

/// PutRecords takes 500 records in 10 MiB, before base64 and with their keys of 1 to 256 characters.
fn keyed_records(batch: &Batch, config: &shards::options::Config) {
    let body: Value = serde_json::from_slice(&batch.body()).expect("JSON");
    assert_eq!(body["StreamName"], config.stream.as_str());
    let records = body["Records"].as_array().expect("records");
    assert_eq!(records.len(), batch.items().len());
    assert!((1..=500).contains(&records.len()));
    let mut all = 0;
    for record in records {
        let key = record["PartitionKey"].as_str().expect("text");
        assert!((1..=256).contains(&key.chars().count()));
        let data = record["Data"].as_str().expect("text");
        let data = base64_simd::STANDARD.decode_to_vec(data).expect("base64");
        let bytes = key.len() + data.len();
        assert!(bytes <= config.packing.record_bytes);
        all += bytes;
    }
    assert!(all <= 10 * 1024 * 1024 && all == batch.bytes());
}

/// No two events of a chunk share an ordinal.
fn note(ordinals: &mut BTreeSet<u32>, batch: &Batch) {
    for item in batch.items() {
        assert!(
            ordinals.insert(item.ordinal),
            "{} comes twice",
            item.ordinal
        );
    }
}

/// All batches of a chunk, which come in rounds.
fn rounds(mut round: impl FnMut() -> Vec<(usize, Batch)>) -> Vec<(usize, Batch)> {
    let rounds = std::iter::from_fn(|| Some(round()).filter(|round| !round.is_empty()));
    rounds.flatten().collect()
}

/// A chunk that comes again carries what is left of it, and nothing else.
fn assert_left<N>(batches: &[(N, Batch)], left: &[u32]) {
    let items = batches.iter().flat_map(|(_, batch)| batch.items());
    let mut sent: Vec<u32> = items.map(|item| item.ordinal).collect();
    sent.sort_unstable();
    assert_eq!(sent, left);
}

/// Requests of a round; the plugin's own number makes no difference to what they hold.
const REQUESTS: usize = 2;
