//! Reads the packed records back from the request bodies, as the service does.

use std::io::Read;

use serde_json::Value;

use super::*;

const PLAIN: Packing = Packing {
    aggregate: false,
    compression: None,
    oversize: Oversize::Split,
};
const JOINED: Packing = Packing {
    aggregate: true,
    ..PLAIN
};

/// The data of the records of each request of one delivery stream.
fn packed(packing: Packing, texts: &[Vec<u8>]) -> (Vec<Vec<Vec<u8>>>, Packed) {
    let mut packer = Packer::new(packing, None);
    packer.add_target("s");
    for (time, text) in texts.iter().enumerate() {
        packer.text(0, text, time as i64);
    }
    let (batches, packed) = (packer.finish(), packer.packed());
    let ordinals = batches.iter().flat_map(|(_, batch)| batch.items());
    assert!(ordinals.map(|item| item.ordinal).eq(0..packed.records));
    (
        batches.iter().map(|(_, batch)| data(batch)).collect(),
        packed,
    )
}

fn data(batch: &Batch) -> Vec<Vec<u8>> {
    let body: Value = serde_json::from_slice(&batch.body()).unwrap();
    let records = body["Records"].as_array().unwrap();
    let data = records.iter().map(|record| {
        STANDARD
            .decode_to_vec(record["Data"].as_str().unwrap())
            .unwrap()
    });
    let data: Vec<Vec<u8>> = data.collect();
    assert_eq!(batch.bytes(), data.iter().map(Vec::len).sum::<usize>());
    assert!(batch.bytes() <= LIMITS.bytes && data.len() <= LIMITS.items);
    assert!(data.iter().all(|data| data.len() <= RECORD_BYTES));
    data
}

fn decompressed(compression: Option<Compression>, data: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match compression {
        None => text.extend_from_slice(data),
        Some(Compression::Gzip) => {
            let mut decoder = flate2::read::GzDecoder::new(data);
            decoder.read_to_end(&mut text).unwrap();
        }
        Some(Compression::Snappy) => {
            text = snap::raw::Decoder::new().decompress_vec(data).unwrap();
        }
        Some(Compression::Zlib) => unreachable!("not an option of this output"),
        Some(Compression::Zstd) => text = zstd::stream::decode_all(data).unwrap(),
    }
    text
}

/// A text of this length, including its newline.
fn line(bytes: usize) -> Vec<u8> {
    let mut line = vec![b'x'; bytes - 1];
    line.push(b'\n');
    line
}

fn lengths(requests: &[Vec<Vec<u8>>]) -> Vec<Vec<usize>> {
    let lengths = |records: &Vec<Vec<u8>>| records.iter().map(Vec::len).collect();
    requests.iter().map(lengths).collect()
}

#[test]
fn records_at_the_exact_limits_are_accepted() {
    let (requests, packed) = packed(PLAIN, &[line(RECORD_BYTES)]);
    assert_eq!(lengths(&requests), [[RECORD_BYTES]]);
    assert_eq!((packed.split, packed.truncated), (0, 0));
    let full = [vec![line(1_000_000); 4], vec![line(194_304), line(2)]].concat();
    let (requests, _) = self::packed(PLAIN, &full);
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [5, 1]);
    let (requests, _) = self::packed(PLAIN, &vec![line(2); 501]);
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [500, 1]);
}

#[test]
fn texts_are_joined_up_to_the_limit_in_their_order() {
    let texts: Vec<Vec<u8>> = (0..3000)
        .map(|n| format!("{n} {}\n", "y".repeat(700)).into_bytes())
        .collect();
    let (requests, _) = packed(JOINED, &texts);
    let records = requests.concat();
    assert_eq!(records.concat(), texts.concat());
    assert_eq!(records.len(), 3);
    let (first, next) = (&records[0], records[1].iter().position(|&b| b == b'\n'));
    assert!(first.len() + next.unwrap() + 1 > RECORD_BYTES);
}

#[test]
fn a_shorter_record_fills_a_request_as_in_the_go_plugin() {
    let texts = vec![line(64_000); 16 * 4 + 3];
    let (requests, _) = packed(JOINED, &texts);
    let shorter = LIMITS.bytes - 4 * RECORD_BYTES;
    let last = shorter / 64_000 * 64_000;
    assert_eq!(
        lengths(&requests),
        [
            vec![RECORD_BYTES, RECORD_BYTES, RECORD_BYTES, RECORD_BYTES, last],
            vec![2 * 64_000]
        ]
    );
}

#[test]
fn texts_of_two_delivery_streams_are_never_joined() {
    let mut packer = Packer::new(JOINED, None);
    packer.add_target("a");
    packer.add_target("b");
    for n in 0..100 {
        packer.text(n % 2, [b"a\n", b"b\n"][n % 2], 0);
    }
    let batches = packer.finish();
    assert_eq!(packer.packed().records, 2);
    assert_eq!(
        batches.iter().map(|(lane, _)| *lane).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(data(&batches[0].1).concat(), b"a\n".repeat(50));
    assert_eq!(data(&batches[1].1).concat(), b"b\n".repeat(50));
    let body = batches[1].1.body();
    assert!(body.starts_with(br#"{"DeliveryStreamName":"b","Records":[{"Data":""#));
}

#[test]
fn a_too_large_text_is_truncated_with_a_mark_and_a_newline() {
    let truncate = Packing {
        oversize: Oversize::Truncate,
        ..PLAIN
    };
    let mut text = "é".repeat(RECORD_BYTES / 2).into_bytes();
    text.push(b'\n');
    for packing in [
        truncate,
        Packing {
            aggregate: true,
            ..truncate
        },
    ] {
        let (requests, packed) = packed(packing, &[line(5), text.clone(), line(6)]);
        assert_eq!(packed.truncated, 1);
        let records = requests.concat();
        let cut = String::from_utf8(records[1].clone()).unwrap();
        assert!(cut.ends_with("é[Truncated...]\n"));
        assert!(RECORD_BYTES - cut.len() < 2, "{}", cut.len());
        assert_eq!((&records[0], &records[2]), (&line(5), &line(6)));
    }
}

#[test]
fn a_large_text_that_compresses_within_the_limit_is_sent_whole() {
    let texts = [line(3 * RECORD_BYTES)];
    for compression in [Compression::Gzip, Compression::Snappy, Compression::Zstd] {
        for aggregate in [false, true] {
            let packing = Packing {
                aggregate,
                compression: Some(compression),
                oversize: Oversize::Truncate,
            };
            let (requests, packed) = packed(packing, &texts);
            assert_eq!((packed.records, packed.truncated), (1, 0), "{packing:?}");
            assert_eq!(decompressed(Some(compression), &requests[0][0]), texts[0]);
        }
    }
}

/// Concatenates records without part marks and without the newlines of parts.
fn joined(records: &[Vec<u8>]) -> Vec<u8> {
    let mut whole = Vec::new();
    for record in records {
        let line = record
            .strip_suffix(b"\n")
            .expect("every record ends in a newline");
        let mark = line
            .iter()
            .rposition(|&byte| byte == b'[')
            .filter(|_| line.ends_with(b"]"));
        let mark = mark.map(|at| (at, String::from_utf8_lossy(&line[at..]).into_owned()));
        match mark.filter(|(_, mark)| mark.starts_with("[Part ")) {
            None => whole.extend_from_slice(record),
            Some((at, mark)) => {
                whole.extend_from_slice(&line[..at]);
                let (number, of) = mark[6..mark.len() - 1].split_once('/').unwrap();
                if number == of {
                    whole.push(b'\n');
                }
            }
        }
    }
    whole
}

#[test]
fn parts_concatenate_to_the_original() {
    let seed = 0x5eed_f1fe;
    println!("seed {seed:#x}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..24 {
        let compression = [
            None,
            Some(Compression::Gzip),
            Some(Compression::Snappy),
            Some(Compression::Zstd),
        ][round % 4];
        let packing = Packing {
            aggregate: round % 8 >= 4,
            compression,
            oversize: Oversize::Split,
        };
        let texts: Vec<Vec<u8>> = (0..3).map(|_| random_line(&mut random)).collect();
        let (requests, packed) = packed(packing, &texts);
        let records = requests.concat();
        let plain: Vec<Vec<u8>> = records
            .iter()
            .map(|data| decompressed(compression, data))
            .collect();
        assert!(joined(&plain) == texts.concat(), "round {round}");
        let large = texts
            .iter()
            .filter(|text| text.len() > RECORD_BYTES)
            .count();
        assert!(
            packed.split == large || compression.is_some(),
            "round {round}"
        );
    }
}

/// Random bytes: close to the limit, or far below it.
fn random_line(random: &mut fastrand::Rng) -> Vec<u8> {
    let bytes = match random.u8(..3) {
        0 => random.usize(1..2000),
        1 => RECORD_BYTES + random.usize(0..64) - 32,
        _ => random.usize(RECORD_BYTES..2 * RECORD_BYTES),
    };
    let mut line: Vec<u8> = (0..bytes).map(|_| random.u8(..)).collect();
    // The text must not end like a part mark.
    line.iter_mut()
        .filter(|byte| **byte == b'[')
        .for_each(|byte| *byte = b'(');
    line[bytes - 1] = b'\n';
    line
}

#[test]
fn pending_texts_of_a_retried_chunk_are_joined_again() {
    let texts: Vec<Vec<u8>> = (0..9).map(|_| line(RECORD_BYTES / 2)).collect();
    let mut packer = Packer::new(JOINED, Some(Arc::new(PendingItems::new(vec![1, 4, 8]))));
    packer.add_target("s");
    for (time, text) in texts.iter().enumerate() {
        packer.text(0, text, time as i64);
    }
    let batches = packer.finish();
    let items = batches.iter().flat_map(|(_, batch)| batch.items());
    let found: Vec<_> = items
        .map(|item| (packer.texts(vec![item.ordinal]), item.time))
        .collect();
    assert_eq!(found, [(vec![1, 4], 1), (vec![8], 8)]);
}
