//! Reads records of the Kinesis Producer Library's aggregation format, apart from the code that writes them.
//!
//! The format: four bytes of magic number, a protobuf message, and the message's MD5.
//! <https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>

use md5::{Digest, Md5};

/// The user records of an aggregate with their partition keys; `None` for data that is not an aggregate.
///
/// # Panics
/// For data that begins as an aggregate and is not one: a consumer library would drop it, or treat it as one record.
#[must_use]
pub fn user_records(data: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let rest = data.strip_prefix(&[0xf3, 0x89, 0x9a, 0xc2])?;
    let (message, sum) = rest.split_at(rest.len().checked_sub(16).expect("an MD5 at the end"));
    assert_eq!(Md5::digest(message).as_slice(), sum, "the message's MD5");
    let (mut keys, mut records) = (Vec::new(), Vec::new());
    for (number, field) in fields(message) {
        match number {
            1 => keys.push(String::from_utf8(field.bytes()).expect("a key is text")),
            3 => records.push(record(&field.bytes())),
            _ => panic!("field {number} is not expected"),
        }
    }
    let named = |(index, data): (usize, Vec<u8>)| (keys[index].clone(), data);
    Some(records.into_iter().map(named).collect())
}

/// The index of a record's partition key, and its data.
fn record(message: &[u8]) -> (usize, Vec<u8>) {
    let (mut key, mut data) = (None, None);
    for (number, field) in fields(message) {
        match (number, field) {
            (1, Field::Number(index)) => key = Some(index as usize),
            (3, Field::Bytes(bytes)) => data = Some(bytes),
            (number, field) => panic!("field {number} is not expected: {field:?}"),
        }
    }
    key.zip(data).expect("a record has a key and data")
}

#[derive(Debug)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Field {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(number) => panic!("{number} is not expected"),
        }
    }
}

/// The fields of a message with their numbers, in order.
fn fields(mut message: &[u8]) -> Vec<(u64, Field)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let head = varint(&mut message);
        let value = varint(&mut message);
        let field = match head & 7 {
            0 => Field::Number(value),
            2 => {
                let (bytes, rest) = message.split_at(value as usize);
                message = rest;
                Field::Bytes(bytes.to_vec())
            }
            kind => panic!("wire type {kind} is not expected"),
        };
        fields.push((head >> 3, field));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().expect("a whole number");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a number of more than 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by hand from the format's description.
    fn aggregate() -> Vec<u8> {
        let message = [
            &[0x0a, 1, b'a', 0x0a, 2, b'b', b'c'][..],
            &[0x1a, 5, 0x08, 0, 0x1a, 1, b'x'],
            &[0x1a, 4, 0x08, 1, 0x1a, 0],
        ]
        .concat();
        let sum = Md5::digest(&message);
        [&[0xf3, 0x89, 0x9a, 0xc2][..], &message, &sum].concat()
    }

    #[test]
    fn user_records_are_read_with_their_keys() {
        let expected = [("a".to_owned(), b"x".to_vec()), ("bc".to_owned(), vec![])];
        assert_eq!(user_records(&aggregate()).unwrap(), expected);
    }

    #[test]
    fn plain_data_is_not_an_aggregate() {
        assert_eq!(user_records(b"{\"log\":\"x\"}"), None);
        assert_eq!(user_records(b""), None);
    }

    #[test]
    #[should_panic(expected = "the message's MD5")]
    fn a_damaged_aggregate_is_reported() {
        let mut data = aggregate();
        data[8] ^= 1;
        let _ = user_records(&data);
    }
}
