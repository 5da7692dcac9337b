//! Every path against serde_json's text.

use super::*;

/// The paths of this processor, by name.
fn paths() -> Vec<(&'static str, Escape)> {
    let paths: [(_, Escape); 2] = [("chosen", escape), ("scalar", scalar::escape)];
    paths.to_vec()
}

/// What serde_json writes, without the quotes around it.
fn oracle(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let once = oracle(&text);
    let twice = oracle(&once);
    for (name, path) in paths() {
        for (depth, wanted, stored) in [
            (Depth::Once, &once, text.len()),
            (Depth::Twice, &twice, once.len()),
        ] {
            // With and without room behind what is there.
            for room in [0, 4 * bytes.len()] {
                let mut out = Vec::with_capacity(room);
                out.extend_from_slice(b"before");
                let overhead = append_by(path, bytes, depth.table(), &mut out);
                let written = String::from_utf8(out).unwrap();
                assert_eq!(written, format!("before{wanted}"), "{name}: {bytes:x?}");
                assert_eq!(overhead, wanted.len() - stored, "{name}: {bytes:x?}");
            }
        }
    }
}

#[test]
fn nothing_is_left_of_what_is_no_text() {
    for (name, path) in paths() {
        let text = [&[b'"'; 300][..], b"\xff"].concat();
        let mut out = b"before".to_vec();
        assert_eq!(path(&text, &ONCE, &mut out), None, "{name}");
        assert_eq!(out, b"before", "{name}");
    }
}

#[test]
fn every_byte_at_every_place_is_escaped_as_the_oracle_does() {
    for byte in 0..=255 {
        for place in 0..140 {
            let mut text = [b'a'; 140];
            text[place] = byte;
            check(&text);
            check(&text[..=place]);
        }
    }
}

#[test]
fn pairs_of_special_bytes_do_not_disturb_each_other() {
    for first in 0..=255 {
        for second in [0, 0x1f, 0x20, b'"', b'\\', 0x7f, 0x80, 0xff] {
            check(&[b'a', first, second, b'b', second, first, b'c', b'd', first]);
        }
    }
}

/// Sequences of bytes that are UTF-8, or nearly.
fn nearly_text() -> Vec<Vec<u8>> {
    let edges = [
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
        0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
    ];
    let mut all = vec![Vec::new()];
    for _ in 0..4 {
        let longer = all.iter().flat_map(|head: &Vec<u8>| {
            edges
                .iter()
                .map(|&edge| [head.as_slice(), &[edge]].concat())
        });
        let longer: Vec<_> = longer.collect();
        all = longer;
    }
    all
}

#[test]
fn what_is_utf_8_is_told_as_by_the_standard_library() {
    let places = [0, 1, 13, 14, 15, 29, 30, 31, 32, 61, 62, 63, 90];
    for (number, bytes) in nearly_text().iter().enumerate() {
        let place = places[number % places.len()];
        for behind in [0, 1, 40] {
            let text = [&vec![b'a'; place][..], bytes, &vec![b'z'; behind]].concat();
            let is_text = std::str::from_utf8(&text).is_ok();
            for (name, path) in paths() {
                let written = path(&text, &ONCE, &mut Vec::new());
                assert_eq!(written.is_some(), is_text, "{name}: {text:x?}");
            }
        }
    }
}

#[test]
fn every_pair_of_bytes_is_told_at_the_edges_of_vectors() {
    for first in 0..=255u8 {
        for second in 0..=255u8 {
            for place in [14, 15, 30, 31, 62, 63] {
                let mut text = [b'a'; 100];
                text[place] = first;
                text[place + 1] = second;
                let is_text = std::str::from_utf8(&text).is_ok();
                for (name, path) in paths() {
                    let written = path(&text, &ONCE, &mut Vec::new());
                    assert_eq!(written.is_some(), is_text, "{name}: {text:x?}");
                }
            }
        }
    }
}

#[test]
fn every_character_is_text() {
    let mut text = String::new();
    for character in '\0'..=char::MAX {
        text.push(character);
        if text.len() > 200 {
            check(text.as_bytes());
            text.clear();
        }
    }
}

#[test]
fn random_text_is_escaped_as_the_oracle_does() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let characters = [
        'a',
        '\u{1}',
        '"',
        '\\',
        '\n',
        '\u{e9}',
        '\u{20ac}',
        '\u{1f600}',
    ];
    for len in (0..300).cycle().take(6000) {
        let kinds = random.usize(1..=characters.len());
        let plain = random.bool();
        let character = |random: &mut fastrand::Rng| {
            let is_plain = plain && random.u8(..8) > 0;
            if is_plain {
                'x'
            } else {
                characters[random.usize(..kinds)]
            }
        };
        let text: String = (0..len).map(|_| character(&mut random)).collect();
        check(text.as_bytes());
        let mut bytes = text.into_bytes();
        if let Some(place) = (!bytes.is_empty()).then(|| random.usize(..bytes.len())) {
            bytes[place] = random.u8(..);
            check(&bytes);
            check(&bytes[place..]);
        }
    }
}
