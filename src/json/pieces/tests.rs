//! The pieces of random values, compared with the text that [`Json`] writes at once.

use super::*;
use crate::batch::oversize::fitting;
use crate::json::parts::Parts;
use crate::record::chunk_reader::{Record, Records};

/// Appends a random value of at most this nesting depth.
fn value(random: &mut fastrand::Rng, depth: usize, out: &mut Vec<u8>) {
    match random.u8(..if depth == 0 { 7 } else { 10 }) {
        0 => out.push(0xc0),
        1 => out.push(0xc3),
        2 => out.extend([0xd1, 0xff, random.u8(..)]),
        3 => {
            out.push(0xcb);
            out.extend(random.f64().to_be_bytes());
        }
        4 => sized(0xc9, &bytes(random), Some(random.i8(..)), out),
        5 => sized(0xc6, &bytes(random), None, out),
        6 => sized(0xdb, &bytes(random), None, out),
        7 => {
            let count = random.u32(..6);
            out.push(0xdd);
            out.extend(count.to_be_bytes());
            (0..count).for_each(|_| value(random, depth - 1, out));
        }
        _ => map(random, depth - 1, out),
    }
}

fn map(random: &mut fastrand::Rng, depth: usize, out: &mut Vec<u8>) {
    let count = random.u32(..6);
    out.push(0xdf);
    out.extend(count.to_be_bytes());
    for _ in 0..count {
        match random.u8(..6) {
            0 => value(random, 1, out),
            1 => sized(0xdb, &bytes(random), None, out),
            _ => out.extend([0xa3, b'k', b'.', b'a' + random.u8(..3)]),
        }
        value(random, depth, out);
    }
}

/// Random bytes, usually few: valid text, nearly valid text, or any bytes.
fn bytes(random: &mut fastrand::Rng) -> Vec<u8> {
    let max = *random.choice([&20, &20, &20, &3000, &40_000]).unwrap();
    let characters = ["a", "\u{1}", "\"", "\\", "\u{e9}", "\u{20ac}", "\u{1f600}"];
    let mut bytes = Vec::new();
    let odd = random.u8(..3);
    while bytes.len() < max {
        match random.u8(..20) {
            0 if odd > 0 => bytes.push(random.u8(..)),
            n if odd == 2 && n < 15 => bytes.push(random.u8(0x80..0xc0)),
            _ => bytes.extend(random.choice(characters).unwrap().bytes()),
        }
        if random.u16(..1000) == 0 {
            break;
        }
    }
    bytes
}

fn sized(marker: u8, bytes: &[u8], kind: Option<i8>, out: &mut Vec<u8>) {
    out.push(marker);
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(kind.map(i8::cast_unsigned));
    out.extend_from_slice(bytes);
}

fn random() -> fastrand::Rng {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    fastrand::Rng::with_seed(seed)
}

fn all(mut pieces: Pieces<'_>) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut before = 0;
    while pieces.write(&mut out) {
        let max = PIECE + 8 * TEXT_PIECE + 16 * SMALL;
        assert!(
            out.len() - before <= max,
            "a piece of {}",
            out.len() - before
        );
        before = out.len();
    }
    (out, pieces.too_deep())
}

#[test]
fn the_pieces_of_a_value_concatenate_to_its_text() {
    let mut random = random();
    let dots = Dots::new("_");
    for round in 0..600 {
        let mut raw = Vec::new();
        value(&mut random, 5, &mut raw);
        for depth in [Depth::Once, Depth::Twice] {
            let dots = (round % 2 == 0).then_some(&dots);
            let mut json = Json::new(depth).with_dots(dots);
            let mut whole = Vec::new();
            json.value(&raw, &mut whole);
            let (text, too_deep) = all(Pieces::value(depth, dots, &raw));
            assert!(text == whole, "round {round}");
            assert_eq!(too_deep, json.too_deep());
        }
    }
}

#[test]
fn the_pieces_of_a_record_concatenate_to_its_text() {
    let mut random = random();
    for round in 0..300 {
        let mut chunk = vec![0x92, 0xd7, 0, 0, 0, 0, 9, 0, 0, 0, 0];
        map(&mut random, 3, &mut chunk);
        let mut records = Records::new(&chunk);
        let record: Record<'_, '_> = records.next().expect("a record");
        let keeps = |field: &Field<'_>| round % 3 > 0 || !field.is(b"k.a");
        let more = (round % 2 == 0).then_some((&b"k.b"[..], &b"\"time\""[..]));
        for depth in [Depth::Once, Depth::Twice] {
            let mut whole = Vec::new();
            Json::new(depth).record_with(&record, keeps, more, &mut whole);
            let pieces = Pieces::record(depth, None, record.fields, keeps, more);
            assert!(all(pieces).0 == whole, "round {round}");
        }
    }
}

#[test]
fn a_too_deep_value_is_cut_at_the_same_depth_as_its_text() {
    let mut raw = vec![0x91; MAX_NESTING + 3];
    sized(0xdb, &[b'x'; 2 * SMALL], None, &mut raw);
    let mut whole = Vec::new();
    let mut json = Json::new(Depth::Once);
    json.value(&raw, &mut whole);
    assert_eq!(all(Pieces::value(Depth::Once, None, &raw)), (whole, 1));
}

#[test]
fn text_pieces_are_escaped_and_plain_pieces_are_not() {
    let mut random = random();
    for _ in 0..200 {
        let text = bytes(&mut random);
        let mut escaped = Vec::new();
        escape::append(&text, Depth::Once, &mut escaped);
        assert!(all(Pieces::text(&text)).0 == escaped);
        assert!(all(Pieces::plain(&text)).0 == text);
    }
}

/// The parts of escaped text, made from the whole text.
fn parts_of(escaped: &[u8], room: usize) -> Vec<Vec<u8>> {
    let mut rest = escaped;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (part, after) = rest.split_at(fitting(rest, room));
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}

#[test]
fn parts_from_pieces_equal_parts_from_the_whole_text() {
    let mut random = random();
    for _ in 0..200 {
        let text = bytes(&mut random);
        let room = random.usize(4..text.len().max(5) * 2);
        let mut escaped = Vec::new();
        escape::append(&text, Depth::Once, &mut escaped);
        let mut parts = Parts::escaped(Pieces::text(&text), room);
        let found: Vec<Vec<u8>> = std::iter::from_fn(|| parts.next().map(<[u8]>::to_vec)).collect();
        assert!(found == parts_of(&escaped, room), "room {room}");
        assert_eq!(
            Parts::escaped(Pieces::text(&text), room).count(),
            found.len()
        );
        let mut parts = Parts::plain(Pieces::plain(&text), room);
        let found: Vec<Vec<u8>> = std::iter::from_fn(|| parts.next().map(<[u8]>::to_vec)).collect();
        let expected: Vec<&[u8]> = oversize::plain_parts(&text, room).collect();
        assert!(found == expected, "room {room}");
    }
}

#[test]
fn a_too_long_value_is_written_slightly_beyond_the_maximum() {
    let mut random = random();
    for _ in 0..400 {
        let mut raw = Vec::new();
        value(&mut random, 4, &mut raw);
        for depth in [Depth::Once, Depth::Twice] {
            let mut whole = Vec::new();
            let overhead = Json::new(depth).value(&raw, &mut whole);
            let overhead = if depth == Depth::Twice { overhead } else { 0 };
            let text = whole.len() - overhead;
            let max = random.usize(..text * 2 + 1);
            let mut json = Json::new(depth).with_most(max);
            let mut out = b"before".to_vec();
            let found = json.value(&raw, &mut out);
            let found = if depth == Depth::Twice { found } else { 0 };
            let out = &out[b"before".len()..];
            if text <= max {
                assert!(out == whole);
                assert_eq!(found, overhead);
                continue;
            }
            assert!(out.len() - found > max);
            assert!(out.len() - found < max + 6 * escape::LONG + 4000);
            // The text after `max` closes containers and strings, so only the prefix is compared.
            let kept = if depth == Depth::Twice {
                fitting(out, max)
            } else {
                max
            };
            assert!(out[..kept] == whole[..kept], "max {max}");
        }
    }
}
