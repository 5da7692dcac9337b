//! Reads the packed records back from the request bodies, as the service does.

use std::io::Read;

use serde_json::Value;
use support::kpl::user_records;

use super::join::JOINED_BYTES;
use super::request::LIMITS;
use super::*;
use crate::batch::MAX_OPEN;

const MIB: usize = 1024 * 1024;

const PLAIN: Packing = Packing {
    join: Join::Never,
    compression: None,
    oversize: Oversize::Split,
    record_bytes: MIB,
    newline: false,
};
const LINES: Packing = Packing {
    join: Join::Lines,
    ..PLAIN
};
const KPL: Packing = Packing {
    join: Join::Kpl,
    ..PLAIN
};

/// A Kinesis record: its partition key and its data.
type Record = (String, Vec<u8>);

/// The records of each request for these texts and keys.
fn packed(packing: Packing, texts: &[(Option<&str>, Vec<u8>)]) -> (Vec<Vec<Record>>, Packed) {
    let mut packer = Packer::new(packing, "s", None);
    for (time, (key, text)) in texts.iter().enumerate() {
        packer.text(*key, text, time as i64);
    }
    let batches = packer.finish();
    let requests = batches
        .iter()
        .map(|batch| records(batch, packing))
        .collect();
    (requests, packer.packed())
}

fn records(batch: &Batch, packing: Packing) -> Vec<Record> {
    let body: Value = serde_json::from_slice(&batch.body()).unwrap();
    assert_eq!(body["StreamName"], "s");
    let record = |record: &Value| {
        let data = base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap());
        let key = record["PartitionKey"].as_str().unwrap().to_owned();
        (key, data.unwrap())
    };
    let records: Vec<Record> = body["Records"]
        .as_array()
        .unwrap()
        .iter()
        .map(record)
        .collect();
    let bytes = |(key, data): &Record| key.len() + data.len();
    assert_eq!(batch.bytes(), records.iter().map(bytes).sum::<usize>());
    assert!(batch.bytes() <= LIMITS.bytes && records.len() <= LIMITS.items);
    assert!(
        records
            .iter()
            .all(|record| bytes(record) <= packing.record_bytes)
    );
    records
}

/// The texts in a record's data.
fn texts(packing: Packing, (key, data): &Record) -> Vec<Vec<u8>> {
    let split = |data: &[u8]| {
        data.split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    match (packing.join, user_records(data)) {
        (Join::Kpl, Some(found)) => {
            let of = |(owner, data): (String, Vec<u8>)| {
                assert_eq!(owner, *key);
                plain(packing.compression, &data)
            };
            found.into_iter().map(of).collect()
        }
        (Join::Lines, _) => split(&plain(packing.compression, data)),
        _ => vec![plain(packing.compression, data)],
    }
}

fn plain(compression: Option<Compression>, data: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let read = match compression {
        None => return data.to_vec(),
        Some(Compression::Zlib) => flate2::read::ZlibDecoder::new(data).read_to_end(&mut text),
        Some(Compression::Gzip) => flate2::read::GzDecoder::new(data).read_to_end(&mut text),
        Some(other) => unreachable!("{other:?}"),
    };
    read.unwrap();
    text
}

fn lengths(requests: &[Vec<Record>]) -> Vec<Vec<usize>> {
    let lengths = |records: &Vec<Record>| records.iter().map(|(_, data)| data.len()).collect();
    requests.iter().map(lengths).collect()
}

#[test]
fn records_at_the_exact_limits_are_accepted() {
    let text = |bytes: usize| (Some("key"), vec![b'x'; bytes]);
    let (requests, packed) = packed(PLAIN, &[text(MIB - 3)]);
    assert_eq!(lengths(&requests), [[MIB - 3]]);
    assert_eq!((packed.split, packed.truncated), (0, 0));
    let (requests, packed) = self::packed(PLAIN, &[text(MIB - 2)]);
    assert_eq!((requests[0].len(), packed.split), (2, 1));
    let (requests, _) = self::packed(PLAIN, &vec![text(1); 501]);
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [500, 1]);
    let full = vec![text(MIB - 3); 11];
    let (requests, _) = self::packed(PLAIN, &full);
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [10, 1]);
}

#[test]
fn a_record_without_a_partition_key_has_a_random_one() {
    let (requests, _) = packed(PLAIN, &vec![(None, b"x".to_vec()); 500]);
    let keys: std::collections::HashSet<&String> = requests[0].iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 500);
}

#[test]
fn a_partition_key_is_written_as_json() {
    let key = "a\"\\\u{1}é";
    let (requests, _) = packed(PLAIN, &[(Some(key), b"x".to_vec())]);
    assert_eq!(requests[0][0].0, key);
}

/// For all combinations of options each text arrives once, under its key, in the order of its key.
#[test]
fn texts_arrive_under_their_keys_in_order() {
    let keys = [Some("a"), Some("b"), None, Some("c"), Some("a")];
    let lengths = [10, 300, 3000, 100_000, 300_000];
    let text = |n: usize| {
        let text = format!("{n} {}", "y".repeat(lengths[n / 7 % 5]));
        (keys[n % 5], text.into_bytes())
    };
    let sent: Vec<_> = (0..200).map(text).collect();
    for join in [Join::Never, Join::Lines, Join::Kpl] {
        for compression in [None, Some(Compression::Zlib), Some(Compression::Gzip)] {
            let packing = Packing {
                join,
                compression,
                ..PLAIN
            };
            let (requests, made) = packed(packing, &sent);
            let records = requests.concat();
            assert_eq!(records.len() as u32, made.records);
            for key in [Some("a"), Some("b"), Some("c")] {
                let of_key = records.iter().filter(|(found, _)| Some(&**found) == key);
                let found: Vec<_> = of_key.flat_map(|record| texts(packing, record)).collect();
                let expected = sent.iter().filter(|(sent, _)| *sent == key);
                let expected: Vec<_> = expected.map(|(_, text)| text.clone()).collect();
                assert_eq!(found, expected, "{packing:?}");
            }
            let named = |(key, _): &&Record| !["a", "b", "c"].contains(&key.as_str());
            let keyless = records.iter().filter(named);
            let found = keyless.flat_map(|record| texts(packing, record)).count();
            assert_eq!(found, 40, "{packing:?}");
        }
    }
}

#[test]
fn texts_of_one_key_share_records_of_up_to_256_kib() {
    for packing in [LINES, KPL] {
        let (requests, _) = packed(packing, &vec![(Some("k"), vec![b'x'; 999]); 1000]);
        // Each record is in its own request, because the service may fail the first of two and store the second.
        assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [1; 4]);
        for request in &requests[..3] {
            let bytes = request[0].1.len();
            assert!(
                (JOINED_BYTES - 1010..=JOINED_BYTES).contains(&bytes),
                "{bytes}"
            );
        }
    }
}

#[test]
fn records_of_texts_without_a_key_have_different_random_keys() {
    for packing in [LINES, KPL] {
        let (requests, _) = packed(packing, &vec![(None, vec![b'x'; 999]); 1000]);
        let mut keys: Vec<&String> = requests[0].iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((requests.len(), keys.len()), (1, 4));
    }
}

#[test]
fn joined_texts_are_separated_by_newlines_and_end_in_one_if_requested() {
    let texts = [(None, b"a".to_vec()), (None, vec![]), (None, b"c".to_vec())];
    let (requests, _) = packed(LINES, &texts);
    assert_eq!(requests[0][0].1, b"a\n\nc");
    let newline = Packing {
        newline: true,
        ..LINES
    };
    let texts = [(None, b"a\n".to_vec()), (None, b"c\n".to_vec())];
    let (requests, _) = packed(newline, &texts);
    assert_eq!(requests[0][0].1, b"a\nc\n");
}

#[test]
fn a_too_large_text_is_split_or_truncated() {
    let text = "é".repeat(MIB).into_bytes();
    for join in [Join::Never, Join::Lines, Join::Kpl] {
        for newline in [false, true] {
            let packing = Packing {
                join,
                newline,
                ..PLAIN
            };
            let end: &[u8] = if newline { b"\n" } else { b"" };
            let sent = [(Some("k"), [&text, end].concat())];
            let (requests, made) = packed(packing, &sent);
            assert_eq!((made.split, made.records), (1, 3));
            let mut whole = Vec::new();
            for (number, (_, data)) in requests.concat().iter().enumerate() {
                let mark = format!("[Part {}/3]", number + 1);
                let part = data.strip_suffix(end).unwrap();
                whole.extend_from_slice(part.strip_suffix(mark.as_bytes()).unwrap());
            }
            assert_eq!(whole, text);
            let cut = Packing {
                oversize: Oversize::Truncate,
                ..packing
            };
            let (requests, made) = packed(cut, &sent);
            let data = &requests[0][0].1;
            assert_eq!((made.truncated, made.records), (1, 1));
            assert!(data.ends_with(&[b"[Truncated...]", end].concat()));
            assert!((MIB - 4..=MIB).contains(&data.len()), "{}", data.len());
        }
    }
}

#[test]
fn only_pending_texts_of_a_retried_chunk_are_packed() {
    let sent: Vec<_> = (0..100)
        .map(|n: usize| (Some(["a", "b"][n % 2]), format!("{n}").into_bytes()))
        .collect();
    for packing in [PLAIN, LINES, KPL] {
        let pending = Some(Arc::new(PendingItems::new(vec![3, 50, 98, 99])));
        let mut packer = Packer::new(packing, "s", pending);
        for (key, text) in &sent {
            packer.text(*key, text, 0);
        }
        let batches = packer.finish();
        let mut found = Vec::new();
        for batch in &batches {
            for (record, item) in records(batch, packing).iter().zip(batch.items()) {
                let joined = packer.joins().then(|| packer.texts(item.ordinal));
                let ordinals = joined.unwrap_or_else(|| vec![item.ordinal]);
                found.extend(ordinals.into_iter().zip(texts(packing, record)));
            }
        }
        found.sort();
        let expected = [3, 50, 98, 99].map(|n: u32| (n, n.to_string().into_bytes()));
        assert_eq!(found, expected, "{packing:?}");
    }
}

#[test]
fn very_many_keys_are_packed_in_sections() {
    let keys: Vec<String> = (0..MAX_OPEN * 2 + 7).map(|n| format!("k{n}")).collect();
    let sent: Vec<_> = keys
        .iter()
        .map(|key| (Some(&**key), b"x".to_vec()))
        .collect();
    let (requests, made) = packed(KPL, &sent);
    assert_eq!(made.records as usize, keys.len());
    let found = requests.concat().into_iter().map(|(key, _)| key);
    assert!(found.eq(keys));
}
