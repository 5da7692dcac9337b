use super::*;
use crate::cloudwatch::options::OPTIONS;
use crate::record::msgpack::{Cursor, Token};

type Fields<'f> = &'f [(&'f str, &'f str)];

fn chunk(records: &[Fields<'_>]) -> Vec<u8> {
    let mut chunk = Vec::new();
    for (index, fields) in records.iter().enumerate() {
        chunk.extend_from_slice(&[0x92, 0x92, 0xd7, 0, 0, 0, 1, 0, 0, 0, 0]);
        chunk.push(u8::try_from(index).unwrap());
        chunk.extend_from_slice(&[0x80, 0x80 | u8::try_from(fields.len()).unwrap()]);
        for text in fields.iter().flat_map(|(key, value)| [key, value]) {
            chunk.extend(rmp_serde::to_vec(text).unwrap());
        }
    }
    chunk
}

fn join(set: &[(&str, &str)]) -> Join {
    let find = |key: &str| {
        let mut set = set.iter();
        set.find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    };
    let reader = Reader::new(OPTIONS, find);
    reader.alias(awslogs::ALIASES);
    let select = Select::new(awslogs::log_key(&reader).as_deref());
    let join = Join::read(&reader, &select);
    assert_eq!(reader.problems(), [""; 0]);
    join.expect("lines are joined")
}

/// The events of a joined chunk: the nanoseconds of the time, and the text.
fn events(join: &Join, chunk: &[u8]) -> Vec<(u32, String)> {
    let joined = join.chunk(chunk);
    let mut records = Records::new(&joined);
    let mut events = Vec::new();
    while let Some(record) = records.next() {
        let Ok(Token::Str(text)) = Cursor::new(record.value(b"log").unwrap()).token() else {
            panic!("no text");
        };
        events.push((
            record.time.nanos,
            String::from_utf8_lossy(text).into_owned(),
        ));
    }
    assert_eq!((records.torn(), records.undecodable()), (0, 0));
    events
}

fn texts(join: &Join, chunk: &[u8]) -> Vec<String> {
    events(join, chunk)
        .into_iter()
        .map(|(_, text)| text)
        .collect()
}

fn lines(lines: &[&str]) -> Vec<u8> {
    let fields: Vec<[(&str, &str); 1]> = lines.iter().map(|line| [("log", *line)]).collect();
    chunk(&fields.iter().map(|fields| &fields[..]).collect::<Vec<_>>())
}

fn piece<'f>(
    log: &'f str,
    id: &'f str,
    ordinal: &'f str,
    last: &'f str,
) -> [(&'f str, &'f str); 5] {
    [
        ("partial_message", "true"),
        ("partial_id", id),
        ("log", log),
        ("partial_ordinal", ordinal),
        ("partial_last", last),
    ]
}

const DRIVER: &[(&str, &str)] = &[("awslogs-group", "g")];

#[test]
fn an_event_begins_at_the_pattern_with_the_time_of_its_first_line() {
    let join = join(&[("awslogs-multiline-pattern", "^INFO|ERROR")]);
    let chunk = lines(&["before", "INFO a", " at b", "", " at c", "x ERROR d"]);
    let expected = [
        (0, "before"),
        (1, "INFO a\n at b\n\n at c"),
        (5, "x ERROR d"),
    ];
    assert_eq!(
        events(&join, &chunk),
        expected.map(|(time, text)| (time, text.to_owned()))
    );
}

#[test]
fn a_matching_time_begins_an_event() {
    let join = join(&[("awslogs-datetime-format", "%Y-%m-%d %H:%M:%S")]);
    let chunk = lines(&["2026-11-21 10:00:00 a", "b", "2026-11-21 10:00:01 c"]);
    let expected = ["2026-11-21 10:00:00 a\nb", "2026-11-21 10:00:01 c"];
    assert_eq!(texts(&join, &chunk), expected);
}

#[test]
fn an_event_ends_before_a_line_that_exceeds_the_limit() {
    let join = join(&[
        ("awslogs-multiline-pattern", "^a"),
        ("max_event_bytes", "1024"),
    ]);
    let long = "b".repeat(1024 - 26 - 2);
    let chunk = lines(&["a", &long, "b", "a"]);
    assert_eq!(
        texts(&join, &chunk),
        [format!("a\n{long}"), "b".into(), "a".into()]
    );
}

#[test]
fn the_default_limit_is_that_of_the_driver() {
    let join = join(&[("awslogs-multiline-pattern", "^a")]);
    let long = "b".repeat(262_118 - 2);
    assert_eq!(texts(&join, &lines(&["a", &long])).len(), 1);
    let longer = "b".repeat(262_118 - 1);
    assert_eq!(texts(&join, &lines(&["a", &longer])).len(), 2);
}

#[test]
fn lines_are_joined_per_container_across_stdout_and_stderr() {
    let join = join(&[("awslogs-multiline-pattern", "^a")]);
    let record = |log, id, source| [("container_id", id), ("log", log), ("source", source)];
    let records = [
        record("a1", "x", "stdout"),
        record("a2", "y", "stdout"),
        record("b1", "x", "stderr"),
        record("b2", "y", "stdout"),
    ];
    let chunk = chunk(&records.each_ref().map(|record| &record[..]));
    assert_eq!(texts(&join, &chunk), ["a1\nb1", "a2\nb2"]);
}

#[test]
fn partial_lines_are_joined_when_two_lines_alternate() {
    let chunk = chunk(&[
        &piece("a1", "x", "1", "false"),
        &piece("b1", "y", "1", "false"),
        &[("log", "c")],
        &piece("a2", "x", "2", "false"),
        &piece("b2", "y", "2", "true"),
        &piece("a3", "x", "3", "true"),
    ]);
    let found = events(&join(DRIVER), &chunk);
    let expected = [(2, "c"), (1, "b1b2"), (0, "a1a2a3")];
    assert_eq!(found, expected.map(|(time, text)| (time, text.to_owned())));
}

#[test]
fn a_joined_line_has_no_partial_keys() {
    let chunk = chunk(&[
        &piece("a", "x", "1", "false"),
        &piece("b", "x", "2", "true"),
    ]);
    let joined = join(DRIVER).chunk(&chunk);
    let mut records = Records::new(&joined);
    let record = records.next().unwrap();
    assert_eq!(record.fields.len(), 1);
    assert!(record.fields[0].is(b"log"));
}

#[test]
fn partial_lines_out_of_order_are_not_joined() {
    let chunk = chunk(&[
        &piece("a2", "x", "2", "false"),
        &piece("a3", "x", "3", "false"),
        &piece("a3", "x", "3", "false"),
        &piece("a5", "x", "5", "true"),
        &piece("b1", "y", "1", "false"),
    ]);
    assert_eq!(texts(&join(DRIVER), &chunk), ["a2a3", "a3", "a5", "b1"]);
}

#[test]
fn partial_lines_are_joined_before_multiline_events() {
    let join = join(&[("awslogs-multiline-pattern", "^begin end$")]);
    let chunk = chunk(&[
        &[("log", "x")],
        &piece("begin ", "x", "1", "false"),
        &piece("end", "x", "2", "true"),
        &[("log", "y")],
    ]);
    assert_eq!(texts(&join, &chunk), ["x", "begin end\ny"]);
}

#[test]
fn records_without_text_and_undecodable_values_are_kept() {
    let mut chunk = lines(&["a"]);
    chunk.extend_from_slice(&[0xc3, 0x93, 1, 2, 3]);
    chunk.extend_from_slice(&[
        0x92, 0xd7, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0x81, 0xa3, b'l', b'o', b'g', 7,
    ]);
    chunk.extend_from_slice(&[
        0x92, 0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x80,
    ]);
    chunk.extend_from_slice(&[0x92, 0xd7]);
    let joined = join(DRIVER).chunk(&chunk);
    let mut records = Records::new(&joined);
    let mut found = Vec::new();
    while let Some(record) = records.next() {
        found.push((record.time.seconds, record.value(b"log").map(<[u8]>::len)));
    }
    assert_eq!(found, [(256, Some(6)), (9, Some(1)), (-256, None)]);
    assert_eq!((records.undecodable(), records.torn()), (2, 2));
}

/// For any partial lines, each stream's bytes are written once and in order.
#[test]
fn no_byte_is_lost_duplicated_or_reordered() {
    let seed = 0x5eed_0701;
    println!("seed {seed:#x}");
    let mut random = fastrand::Rng::with_seed(seed);
    let join = join(&[
        ("awslogs-multiline-pattern", "^a"),
        ("max_event_bytes", "1024"),
    ]);
    for _ in 0..300 {
        let count = random.usize(1..40);
        let lines: Vec<String> = (0..count)
            .map(|n| {
                let length = random.usize(..200);
                let letter = random.choice(["a", "b"]).unwrap_or("a");
                format!("{letter}{n}.{}", "x".repeat(length))
            })
            .collect();
        let pieces: Vec<Vec<(&str, &str)>> = lines.iter().flat_map(|line| cut(line)).collect();
        let chunk: Vec<u8> = pieces.iter().flat_map(|piece| chunk(&[piece])).collect();
        assert_eq!(texts(&join, &chunk).join("\n"), lines.join("\n"));
    }
}

/// A line as Docker splits it, at 64 bytes.
fn cut(line: &str) -> Vec<Vec<(&str, &str)>> {
    const ORDINALS: [&str; 5] = ["1", "2", "3", "4", "5"];
    if line.len() <= 64 {
        return vec![vec![("log", line)]];
    }
    let count = line.len().div_ceil(64);
    (0..count)
        .map(|index| {
            let end = line.len().min(64 * (index + 1));
            let last = if index + 1 == count { "true" } else { "false" };
            let id = &line[..line.find('.').unwrap_or(1)];
            piece(&line[64 * index..end], id, ORDINALS[index], last).to_vec()
        })
        .collect()
}

/// A container chooses the ids. Comparing each id with all others would take minutes.
#[test]
fn many_ids_take_linear_time() {
    const COUNT: usize = 200_000;
    let started = std::time::Instant::now();
    for (option, key) in [
        (("awslogs-group", "g"), "partial_id"),
        (("awslogs-multiline-pattern", "^x"), "container_id"),
    ] {
        let mut records = Vec::new();
        for n in 0..COUNT {
            records.extend_from_slice(&[0x92, 0, 0x82]);
            for text in ["log", "text", key, &n.to_string()] {
                records.extend(rmp_serde::to_vec(text).unwrap());
            }
        }
        assert_eq!(texts(&join(&[option]), &records).len(), COUNT);
    }
    let elapsed = started.elapsed();
    assert!(elapsed.as_secs() < 30, "{elapsed:?}");
}

#[test]
fn open_lines_keep_the_order_of_their_first_parts() {
    let records = [
        piece("a0", "a", "0", "false"),
        piece("b0", "b", "0", "false"),
        piece("a1", "a", "1", "true"),
        piece("c0", "c", "0", "false"),
        piece("a2", "a", "0", "false"),
        piece("b1", "b", "1", "false"),
    ];
    let records = records.each_ref().map(|fields| &fields[..]);
    let expected = ["a0a1", "b0b1", "c0", "a2"];
    assert_eq!(texts(&join(DRIVER), &chunk(&records)), expected);
}
