//! User records -> one Kinesis record in the format of the Kinesis Producer Library (KPL); pure.
//!
//! | part | bytes |
//! |---|---|
//! | magic number | 4 |
//! | protobuf: the table of partition keys (field 1), then each user record (field 3) | |
//! | MD5 of the protobuf | 16 |
//!
//! <https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>
//!
//! All user records of one aggregate have the partition key of the Kinesis record. If a user record's key
//! belongs to another shard, a consumer library drops that record and all later ones of the aggregate. An
//! aggregate of several keys could therefore lose records at the consumer.

use md5::{Digest, Md5};

/// Appends a user record to the records of an aggregate, which [`finished`] completes.
pub fn append(data: &[u8], records: &mut Vec<u8>) {
    records.push(RECORD);
    varint(record_len(data.len()), records);
    // The index of the partition key in the table.
    records.extend_from_slice(&[KEY_INDEX, 0, DATA]);
    varint(data.len(), records);
    records.extend_from_slice(data);
}

/// The number of bytes that [`append`] writes for this length of data.
#[must_use]
pub fn appended(data: usize) -> usize {
    let record = record_len(data);
    1 + varint_len(record) + record
}

/// Replaces the content of `out` with the aggregate of these user records.
pub fn finished(partition_key: &str, records: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(MAGIC);
    out.push(KEY);
    varint(partition_key.len(), out);
    out.extend_from_slice(partition_key.as_bytes());
    out.extend_from_slice(records);
    let sum = Md5::digest(&out[MAGIC.len()..]);
    out.extend_from_slice(&sum);
}

/// The number of bytes that [`finished`] adds to the user records.
#[must_use]
pub fn overhead(partition_key: usize) -> usize {
    MAGIC.len() + 1 + varint_len(partition_key) + partition_key + MD5_BYTES
}

/// The length of a user record's message: the index of its key, and its data.
fn record_len(data: usize) -> usize {
    3 + varint_len(data) + data
}

fn varint(value: usize, out: &mut Vec<u8>) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}

const MAGIC: &[u8] = &[0xf3, 0x89, 0x9a, 0xc2];
const MD5_BYTES: usize = 16;

// Protobuf field tags: the field number times 8, plus the wire type.
const KEY: u8 = 0x0a;
const RECORD: u8 = 0x1a;
const KEY_INDEX: u8 = 0x08;
const DATA: u8 = 0x1a;

#[cfg(test)]
mod tests {
    use support::kpl::user_records;

    use super::*;

    #[test]
    fn an_aggregate_is_decoded_by_an_independent_reader() {
        let seed = 0x5eed_0a99;
        println!("seed {seed:#x}");
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..50 {
            let key = "k".repeat(random.usize(1..300));
            let lengths = [0, 1, 122, 123, 124, 127, 128, 129, 16_383, 16_384, 70_000];
            let mut text = || {
                let length = random.choice(lengths).unwrap_or_default();
                (0..length).map(|_| random.u8(..)).collect()
            };
            let texts: Vec<Vec<u8>> = (0..round).map(|_| text()).collect();
            let (mut records, mut out) = (Vec::new(), b"from before".to_vec());
            for text in &texts {
                let before = records.len();
                append(text, &mut records);
                assert_eq!(records.len() - before, appended(text.len()));
            }
            finished(&key, &records, &mut out);
            assert_eq!(out.len(), records.len() + overhead(key.len()));
            let expected: Vec<_> = texts.into_iter().map(|text| (key.clone(), text)).collect();
            assert_eq!(user_records(&out).unwrap(), expected);
        }
    }
}
