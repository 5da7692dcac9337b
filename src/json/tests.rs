//! What is written is read back by serde_json, and what is shared is compared with what is not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::record::chunk_reader::Records;
use crate::record::timestamp::Time;

fn text(raw: &[u8]) -> String {
    let mut out = Vec::new();
    assert_eq!(
        Json::new(Depth::Once).value(raw, &mut out) > 0,
        out.contains(&b'\\')
    );
    String::from_utf8(out).unwrap()
}

fn packed(value: &Value) -> Vec<u8> {
    rmp_serde::to_vec(value).unwrap()
}

#[test]
fn what_json_can_say_comes_back_as_it_was() {
    let value = json!({
        "text": "a \"quoted\"\\\n\u{1} é 😀", "": [], "deep": {"a": [1, [2, {"b": null}]]},
        "numbers": [0, -1, u64::MAX, i64::MIN, 0.1, 1e300, -0.5, true, false],
    });
    assert_eq!(
        serde_json::from_str::<Value>(&text(&packed(&value))).unwrap(),
        value
    );
}

#[test]
fn twice_is_once_inside_a_string_and_the_overhead_is_their_difference() {
    let raw = packed(&json!({"k\"ey": ["line\nbreak", {"x": "\\"}], "n": 1.5}));
    let mut twice = b"\"".to_vec();
    let overhead = Json::new(Depth::Twice).value(&raw, &mut twice);
    twice.push(b'"');
    let inner: String = serde_json::from_slice(&twice).unwrap();
    assert_eq!(inner, text(&raw));
    assert_eq!(twice.len() - 2 - overhead, inner.len());
}

#[test]
fn members_keep_their_order_and_of_equal_keys_the_last_is_written() {
    let raw = [
        0x84, 0xa1, b'b', 1, 0xa1, b'a', 2, 0xa1, b'b', 3, 0xa1, b'c', 0x82, 0xa1, b'x', 1, 0xa1,
        b'x', 2,
    ];
    assert_eq!(text(&raw), r#"{"a":2,"b":3,"c":{"x":2}}"#);
}

#[test]
fn keys_that_are_not_text_become_text() {
    let raw = [
        0x85, 7, 1, 0xc3, 2, 0xc0, 3, 0x91, 0xa1, b'q', 4, 0xa1, b'7', 5,
    ];
    assert_eq!(text(&raw), r#"{"true":2,"null":3,"[\"q\"]":4,"7":5}"#);
}

#[test]
fn what_json_cannot_say_has_a_defined_form() {
    let nan = [&[0xcb][..], &f64::NAN.to_be_bytes()].concat();
    assert_eq!(text(&nan), "null");
    assert_eq!(
        text(&[&[0xca][..], &f32::NEG_INFINITY.to_be_bytes()].concat()),
        "null"
    );
    assert_eq!(text(&[&[0xca][..], &0.1f32.to_be_bytes()].concat()), "0.1");
    assert_eq!(text(&[0xc4, 3, b'a', 0xff, b'b']), "\"a\u{fffd}b\"");
    assert_eq!(text(&[0xd5, 5, 1, 2]), r#"{"ext":5,"data":"AQI="}"#);
    assert_eq!(
        text(&[0xd7, 0, 0x65, 0x53, 0xf1, 0, 0, 0, 0, 1]),
        "\"2023-11-14T22:13:20.000000001Z\""
    );
}

#[test]
fn a_member_can_be_added_and_replaces_one_of_its_key() {
    let raw = packed(&json!("v"));
    let field = |raw_key: &'static [u8]| Field {
        key: Cursor::new(raw_key).token().unwrap(),
        raw_key,
        value: &raw,
    };
    let added = |fields: &[Field<'_>]| {
        let mut out = Vec::new();
        let record = Record::alone(Time::default(), fields);
        let more = Some((&b"t"[..], &b"now"[..]));
        Json::new(Depth::Once).record_with(&record, |_| true, more, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(added(&[]), r#"{"t":"now"}"#);
    assert_eq!(
        added(&[field(b"\xa1t"), field(b"\xa1a")]),
        r#"{"a":"v","t":"now"}"#
    );
}

/// For each key of a record whether it is left out, and which value it has.
fn choices() -> impl Strategy<Value = Vec<[(u8, u8, usize); 6]>> {
    let choice = || (0..20_u8, 0..10_u8, 0..4_usize);
    let record = [choice(), choice(), choice(), choice(), choice(), choice()];
    prop::collection::vec(record, 50..150)
}

/// A chunk of records of which most share most members; the first has a value that is nested too deeply.
fn sharing(choices: &[[(u8, u8, usize); 6]]) -> Vec<u8> {
    let values = [
        json!("same"),
        json!("\"q\"\n"),
        json!({"m": [1, "é"]}),
        json!(7),
    ];
    let nested = (0..=MAX_NESTING).fold(json!(1), |inner, _| json!([inner]));
    let mut chunk = Vec::new();
    for (number, choices) in choices.iter().enumerate() {
        let mut map = vec![0x80];
        for (key, &(left_out, kind, value)) in
            ["log", "a.b", "a_b", "c", "c", "deep"].iter().zip(choices)
        {
            let is_deep = *key == "deep" && (number == 0 || (1..=5).contains(&kind));
            if left_out == 0 && !is_deep {
                continue;
            }
            map[0] += 1;
            map.extend(packed(&json!(key)));
            map.extend(match (*key, kind) {
                _ if is_deep => packed(&nested),
                ("log", _) | (_, 0) => packed(&values[value]),
                _ => packed(&values[key.len() % values.len()]),
            });
        }
        chunk.extend(b"\x92\xd7\x00\x00\x00\x00\x09\x00\x00\x00\x00");
        chunk.extend(map);
    }
    chunk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn records_that_share_members_are_written_as_each_would_be_alone(choices in choices()) {
        let chunk = sharing(&choices);
        let dots = Dots::new("_");
        for (depth, dots) in [(Depth::Twice, None), (Depth::Once, Some(&dots))] {
            let mut records = Records::new(&chunk);
            let mut together = Json::new(depth).with_dots(dots);
            let mut too_deep = 0;
            while let Some(record) = records.next() {
                let (mut out, mut expected) = (Vec::new(), Vec::new());
                let mut alone = Json::new(depth).with_dots(dots);
                let overhead = alone.record(&Record::alone(record.time, record.fields), &mut expected);
                assert_eq!(together.record(&record, &mut out), overhead);
                too_deep += alone.too_deep();
                assert_eq!(together.too_deep(), too_deep);
                assert_eq!(String::from_utf8(out), String::from_utf8(expected));
            }
            assert!(too_deep > 0);
        }
    }
}

#[test]
fn dots_are_replaced_in_the_keys_of_every_depth_and_of_equal_names_the_last_is_written() {
    let value = json!({"a.b": 1, "l": [{"c.d.e": "x.y", "plain": {".": 2}}]});
    let mut raw = packed(&value);
    // Two more members of the map: `a_b`, and the float 1.5 as a key.
    raw[0] += 2;
    raw.extend_from_slice(b"\xa3a_b\x03\xca\x3f\xc0\x00\x00\x04");
    let dots = Dots::new("_");
    let mut out = Vec::new();
    Json::new(Depth::Once)
        .with_dots(Some(&dots))
        .value(&raw, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"l":[{"c_d_e":"x.y","plain":{"_":2}}],"a_b":3,"1_5":4}"#
    );
}

#[test]
fn what_is_nested_too_deeply_is_replaced_and_counted() {
    let mut raw = vec![0x91; MAX_NESTING + 50];
    raw.push(1);
    let mut json = Json::new(Depth::Once);
    let mut out = Vec::new();
    json.value(&raw, &mut out);
    assert_eq!(json.too_deep(), 1);
    let expected = [
        "[".repeat(MAX_NESTING),
        "\"[nested too deeply]\"".into(),
        "]".repeat(MAX_NESTING),
    ];
    assert_eq!(String::from_utf8(out).unwrap(), expected.concat());
}

#[test]
fn containers_that_are_keys_of_keys_cost_no_more_than_they_hold() {
    let mut raw = vec![0x81; 10_000];
    raw.extend([0; 10_001]);
    let mut out = Vec::new();
    Json::new(Depth::Once).value(&raw, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, r#"{"{\"[nested too deeply]\":0}":0}"#);
}
