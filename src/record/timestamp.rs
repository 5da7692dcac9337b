//! The head of a record: its time, in whichever form and envelope it comes.
//!
//! Fluent Bit itself writes an EventTime before an empty metadata map, with the lengths of both arrays
//! in one byte or, from 2.1 to 4.2, in four; that is matched byte for byte. Every other form (older hosts,
//! inputs that forward what they were sent, group markers) goes through rmp-serde, where speed does not
//! decide.

use std::fmt;

use rmp_serde::Deserializer;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, IgnoredAny, SeqAccess, Visitor};

use crate::record::msgpack::Cursor;

/// When an event happened.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Time {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds into that second, below 1,000,000,000.
    pub nanos: u32,
}

impl Time {
    /// Milliseconds since 1970, as CloudWatch Logs counts; the rest is cut off.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.seconds
            .saturating_mul(1000)
            .saturating_add(i64::from(self.nanos / 1_000_000))
    }

    /// Marks the beginning (-1) or the end (-2) of a group of records; not an event.
    #[must_use]
    pub fn is_group_marker(self) -> bool {
        matches!(self.seconds, -1 | -2) && self.nanos == 0
    }
}

/// Reads a record's head; what follows, the record's map, is the second part of the answer.
///
/// `None` when the bytes are not a record's head.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<(Time, &[u8])> {
    as_the_host_writes_it(bytes).or_else(|| by_deserializer(bytes))
}

/// `[[EventTime, {}], …` or `[EventTime, …`.
#[inline]
fn as_the_host_writes_it(bytes: &[u8]) -> Option<(Time, &[u8])> {
    // The form of Fluent Bit 5, all at once.
    if let [
        0x92,
        0x92,
        0xd7,
        0x00,
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        0x80,
        rest @ ..,
    ] = bytes
    {
        return Some((event_time([*a, *b, *c, *d, *e, *f, *g, *h]), rest));
    }
    let head = in_array_of_two(bytes)?;
    let envelope = in_array_of_two(head);
    let [0xd7, 0x00, time @ ..] = envelope.unwrap_or(head) else {
        return None;
    };
    let (time, rest) = time.split_first_chunk()?;
    let rest = match envelope {
        Some(_) => after_empty_map(rest)?,
        None => rest,
    };
    Some((event_time(*time), rest))
}

/// What is in an array of two. Fluent Bit 2.1 to 4.2 writes its length in four bytes.
#[inline]
fn in_array_of_two(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x92, rest @ ..] | [0xdd, 0, 0, 0, 2, rest @ ..] | [0xdc, 0, 2, rest @ ..] => Some(rest),
        _ => None,
    }
}

#[inline]
fn after_empty_map(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x80, rest @ ..] | [0xdf, 0, 0, 0, 0, rest @ ..] | [0xde, 0, 0, rest @ ..] => Some(rest),
        _ => None,
    }
}

/// Fluent's EventTime: seconds and nanoseconds, four bytes each, unsigned.
///
/// The group markers' -1 and -2 come in the same form, as the highest two second counts.
pub(crate) fn event_time([a, b, c, d, e, f, g, h]: [u8; 8]) -> Time {
    let seconds = match u32::from_be_bytes([a, b, c, d]) {
        u32::MAX => -1,
        0xffff_fffe => -2,
        seconds => i64::from(seconds),
    };
    Time {
        seconds,
        nanos: u32::from_be_bytes([e, f, g, h]).min(MAX_NANOS),
    }
}

fn by_deserializer(bytes: &[u8]) -> Option<(Time, &[u8])> {
    let mut cursor = Cursor::new(in_array_of_two(bytes)?);
    let head = cursor.value().ok()?;
    let mut deserializer = Deserializer::from_read_ref(head);
    deserializer.set_max_depth(MAX_METADATA_DEPTH);
    let time = TimeVisitor { in_array: false }
        .deserialize(&mut deserializer)
        .ok()?;
    Some((time, cursor.rest()))
}

/// Takes a time, alone or first in an array whose other members are metadata.
struct TimeVisitor {
    in_array: bool,
}

impl<'de> DeserializeSeed<'de> for TimeVisitor {
    type Value = Time;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Time, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, a float, an EventTime, or an array that begins with one")
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Time, E> {
        Ok(Time { seconds, nanos: 0 })
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Time, E> {
        Ok(Time {
            seconds: i64::try_from(seconds).map_err(E::custom)?,
            nanos: 0,
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    fn visit_f64<E: de::Error>(self, time: f64) -> Result<Time, E> {
        let whole = time.floor();
        let nanos = ((time - whole) * 1e9) as u32;
        Ok(Time {
            seconds: whole as i64,
            nanos: nanos.min(MAX_NANOS),
        })
    }

    fn visit_newtype_struct<D: de::Deserializer<'de>>(self, ext: D) -> Result<Time, D::Error> {
        let (kind, bytes) = <(i8, &[u8])>::deserialize(ext)?;
        match (kind, bytes.try_into()) {
            (0, Ok(bytes)) => Ok(event_time(bytes)),
            _ => Err(de::Error::custom("an extension other than EventTime")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Time, A::Error> {
        if self.in_array {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let time = seq.next_element_seed(Self { in_array: true })?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        time.ok_or_else(|| de::Error::invalid_length(0, &"a time"))
    }
}

const MAX_NANOS: u32 = 999_999_999;
const MAX_METADATA_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &[u8] = &[0x80];
    /// The forms of an array of two, and those of an empty map.
    const ARRAYS: [&[u8]; 3] = [&[0x92], &[0xdc, 0, 2], &[0xdd, 0, 0, 0, 2]];
    const MAPS: [&[u8]; 3] = [&[0x80], &[0xde, 0, 0], &[0xdf, 0, 0, 0, 0]];

    /// The same whatever the form of the array.
    fn time_of(head: &[u8]) -> Option<Time> {
        let times = ARRAYS.map(|array| {
            let bytes = [array, head, REST].concat();
            read(&bytes).map(|(time, rest)| {
                assert_eq!(rest, REST, "what follows the head");
                time
            })
        });
        assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
        times[0]
    }

    const AT: Time = Time {
        seconds: 0x6000_0000,
        nanos: 5,
    };
    const FIXEXT: [u8; 10] = [0xd7, 0, 0x60, 0, 0, 0, 0, 0, 0, 5];
    const EXT8: [u8; 11] = [0xc7, 8, 0, 0x60, 0, 0, 0, 0, 0, 0, 5];

    #[test]
    fn an_event_time_is_read_in_both_envelopes_and_both_forms() {
        assert_eq!(time_of(&FIXEXT), Some(AT));
        assert_eq!(time_of(&EXT8), Some(AT));
        for (array, map) in ARRAYS
            .iter()
            .flat_map(|array| MAPS.map(|map| (*array, map)))
        {
            assert_eq!(time_of(&[array, &FIXEXT, map].concat()), Some(AT));
            assert_eq!(time_of(&[array, &EXT8, map].concat()), Some(AT));
        }
    }

    #[test]
    fn metadata_is_passed_over() {
        let metadata = [
            0x82, 0xa1, b'a', 0x93, 1, 2, 3, 0xa1, b'b', 0x81, 0xc0, 0xd5, 9, 0, 0,
        ];
        assert_eq!(
            time_of(&[&[0x92], &FIXEXT[..], &metadata].concat()),
            Some(AT)
        );
    }

    #[test]
    fn whole_and_fractional_numbers_are_seconds() {
        let seconds = |seconds| Some(Time { seconds, nanos: 0 });
        assert_eq!(time_of(&[0xce, 0x60, 0, 0, 0]), seconds(0x6000_0000));
        assert_eq!(time_of(&[42]), seconds(42));
        let float = [&[0xcb][..], &1.5f64.to_be_bytes()].concat();
        assert_eq!(
            time_of(&float),
            Some(Time {
                seconds: 1,
                nanos: 500_000_000
            })
        );
    }

    #[test]
    fn a_group_marker_is_told_in_every_form() {
        let ext = [0xd7, 0, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0];
        for head in [
            &[0xff][..],
            &[0xd3, 255, 255, 255, 255, 255, 255, 255, 254],
            &ext,
        ] {
            assert!(
                time_of(head).is_some_and(Time::is_group_marker),
                "{head:x?}"
            );
        }
        assert!(!AT.is_group_marker());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for head in [
            &[0xc0][..],
            &[0xa1, b'x'],
            &[0x80],
            &[0x90],
            &[0x91, 0x91, 1],
            &[0xd4, 0, 1],
        ] {
            assert_eq!(time_of(head), None, "{head:x?}");
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0x92, 0xd7, 0, 1, 2]), None);
    }

    #[test]
    fn milliseconds_are_cut_off_not_rounded() {
        assert_eq!(
            Time {
                seconds: 1,
                nanos: 999_999_999
            }
            .millis(),
            1999
        );
        assert_eq!(
            Time {
                seconds: i64::MAX,
                nanos: 0
            }
            .millis(),
            i64::MAX
        );
    }
}
