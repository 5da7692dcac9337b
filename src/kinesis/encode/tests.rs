//! Chunks with and without partition keys, and retries of chunks with pending items.

use serde_json::Value;
use support::chunk::{Chunk, map};
use support::kpl::user_records;

use super::*;
use crate::kinesis::options::OPTIONS;
use crate::options::Reader;

fn config(options: &[(&str, &str)]) -> Config {
    let needed = [("region", "r"), ("stream", "s")];
    let reader = Reader::new(OPTIONS, |key| {
        let mut all = options.iter().chain(&needed);
        let found = all.find(|(name, _)| *name == key);
        found.map(|(_, value)| (*value).to_owned())
    });
    let config = Config::read(&reader);
    assert_eq!(reader.problems(), [""; 0]);
    config
}

/// A record's partition key and data, and the ordinals of its texts.
type Found = (String, Vec<u8>, Vec<u32>);

/// The records of a chunk with these pending items, and the counts.
fn encoded(config: &Config, chunk: &Chunk, pending: Option<Vec<u32>>) -> (Vec<Found>, Counts) {
    let pending = pending.map(|pending| Arc::new(PendingItems::new(pending)));
    let mut encoder = Encoder::new(config, pending);
    let mut records = Records::new(chunk.bytes());
    let mut found = Vec::new();
    while !encoder.is_done() {
        for (_, batch) in encoder.round(&mut records, 1) {
            let body: Value = serde_json::from_slice(&batch.body()).unwrap();
            let entries = body["Records"].as_array().unwrap().iter();
            for (entry, item) in entries.zip(batch.items()) {
                let text = |key: &str| entry[key].as_str().unwrap();
                let data = base64_simd::STANDARD.decode_to_vec(text("Data")).unwrap();
                let ordinals = encoder.events(item.ordinal);
                let ordinals = ordinals.unwrap_or_else(|| vec![item.ordinal]);
                found.push((text("PartitionKey").to_owned(), data, ordinals));
            }
        }
    }
    (found, encoder.into_counts(&records))
}

#[test]
fn the_partition_key_is_read_before_data_keys_removes_it() {
    let config = config(&[("partition_key", "id"), ("data_keys", "log")]);
    let chunk = Chunk::new()
        .v2(9, map([("id", "one"), ("log", "x")]))
        .v2(9, map([("log", "y")]));
    let (found, counts) = encoded(&config, &chunk, None);
    assert_eq!(
        (&*found[0].0, &*found[0].1),
        ("one", &b"{\"log\":\"x\"}"[..])
    );
    assert_eq!(found[1].1, b"{\"log\":\"y\"}");
    assert_eq!((counts.keyless, counts.packed.records), (1, 2));
}

#[test]
fn without_the_option_no_record_is_counted_as_keyless() {
    let chunk = Chunk::new().v2(9, map([("log", "x")]));
    let (_, counts) = encoded(&config(&[("append_newline", "on")]), &chunk, None);
    assert_eq!(counts.keyless, 0);
}

#[test]
fn a_skipped_record_is_not_counted_as_keyless() {
    let config = config(&[("partition_key", "id"), ("log_key", "log")]);
    let chunk = Chunk::new().v2(9, map([("other", "x")]));
    let (found, counts) = encoded(&config, &chunk, None);
    assert_eq!((found.len(), counts.skipped, counts.keyless), (0, 1, 0));
}

#[test]
fn parts_of_a_large_text_have_one_key_and_are_sent_in_rounds() {
    let long = "z".repeat(5_000_000);
    let chunk = Chunk::new()
        .v2(9, map([("id", "a"), ("log", "before")]))
        .v2(9, map([("id", "a"), ("log", &*long)]))
        .v2(9, map([("id", "a"), ("log", "after")]));
    for aggregation in ["false", "true"] {
        let options = [
            ("partition_key", "id"),
            ("log_key", "log"),
            ("append_newline", "true"),
            ("aggregation", aggregation),
        ];
        let (found, counts) = encoded(&config(&options), &chunk, None);
        assert_eq!(counts.packed.split, 1);
        assert!(found.iter().all(|(key, ..)| key == "a"));
        let texts = found.iter().map(|(_, data, _)| match user_records(data) {
            Some(records) => records[0].1.clone(),
            None => data.clone(),
        });
        let texts: Vec<String> = texts.map(|text| String::from_utf8(text).unwrap()).collect();
        assert_eq!((&*texts[0], &*texts[6]), ("before\n", "after\n"));
        let part = |(number, text): (usize, &String)| {
            let mark = format!("[Part {}/5]\n", number + 1);
            text.strip_suffix(&mark).unwrap().to_owned()
        };
        assert_eq!(
            texts[1..6].iter().enumerate().map(part).collect::<String>(),
            long
        );
        let retry = encoded(&config(&options), &chunk, Some(vec![3, 6])).0;
        assert_eq!(retry.len(), 2);
        assert_eq!(retry[0].1, found[3].1);
        let ordinals: Vec<_> = retry.into_iter().map(|(.., ordinals)| ordinals).collect();
        assert_eq!(ordinals, [[3], [6]]);
    }
}
