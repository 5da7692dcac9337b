//! Which members of a map a later one with the same key replaces.
//!
//! FireLens makes such maps: a re-emitted record passes the generated `record_modifier` twice. Most
//! maps have no duplicate, so a bit set over the keys answers "none" without comparing them; a map
//! that may have one is looked at exactly.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str;

use crate::json;
use crate::record::chunk_reader::Field;
use crate::record::msgpack::Token;

/// The replaced members, by index.
#[derive(Debug, Default)]
pub struct Replaced(Option<Vec<bool>>);

impl Replaced {
    /// Whether a later member replaces this one.
    #[must_use]
    pub fn contains(&self, index: usize) -> bool {
        self.0.as_ref().is_some_and(|replaced| replaced[index])
    }
}

/// Finds the members whose key, as JSON text, appears again later.
#[must_use]
pub fn replaced(members: &[Field<'_>]) -> Replaced {
    if surely_none(members) {
        return Replaced(None);
    }
    replaced_as(members, |_| true, |member| json::key_text(member.raw_key))
}

/// As [`replaced`], for members that are written under other names than their keys, and not all.
#[must_use]
pub fn replaced_as<'a>(
    members: &[Field<'a>],
    keeps: impl Fn(&Field<'a>) -> bool,
    name: impl Fn(&Field<'a>) -> Cow<'a, [u8]>,
) -> Replaced {
    let mut last = HashMap::new();
    let mut replaced = vec![false; members.len()];
    let kept = members
        .iter()
        .enumerate()
        .filter(|(_, member)| keeps(member));
    for (index, member) in kept {
        let name = String::from_utf8_lossy(&name(member)).into_owned();
        if let Some(earlier) = last.insert(name, index) {
            replaced[earlier] = true;
        }
    }
    Replaced(Some(replaced))
}

/// Compares only keys that meet in the bit set, and gives up where that would cost.
fn surely_none(members: &[Field<'_>]) -> bool {
    let mut seen = 0u64;
    members.iter().enumerate().all(|(index, member)| {
        let Token::Str(key) = member.key else {
            return false;
        };
        if str::from_utf8(key).is_err() {
            return false;
        }
        let bit = bit_of(key);
        let met = seen & bit != 0;
        seen |= bit;
        !met || (index < MAX_COMPARED && !members[..index].iter().any(|earlier| earlier.is(key)))
    })
}

/// One of 64 bits, by what tells short keys apart best: their length and their ends.
fn bit_of(key: &[u8]) -> u64 {
    let first = key.first().map_or(0, |&byte| usize::from(byte));
    let last = key.last().map_or(0, |&byte| usize::from(byte));
    1 << ((key.len() * 11 + first * 5 + last) % 64)
}

/// Beyond so many members the exact look, which costs the same for each member, is cheaper.
const MAX_COMPARED: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::msgpack::Cursor;

    fn replaced_of(keys: &[String]) -> Vec<usize> {
        let raw: Vec<Vec<u8>> = keys
            .iter()
            .map(|key| rmp_serde::to_vec(key).unwrap())
            .collect();
        let members: Vec<Field<'_>> = raw
            .iter()
            .map(|raw| Field {
                key: Cursor::new(raw).token().unwrap(),
                raw_key: raw,
                value: &[1],
            })
            .collect();
        let replaced = replaced(&members);
        (0..keys.len())
            .filter(|&index| replaced.contains(index))
            .collect()
    }

    #[test]
    fn every_member_with_a_later_twin_is_found_in_maps_of_any_size() {
        for size in [0, 1, 2, 3, 8, 24, 25, 64, 100, 1000] {
            let distinct: Vec<String> = (0..size).map(|n| format!("key{n}")).collect();
            assert!(replaced_of(&distinct).is_empty(), "{size} distinct keys");
            for twin in (0..size).step_by(7) {
                let mut keys = distinct.clone();
                keys.push(format!("key{twin}"));
                assert_eq!(
                    replaced_of(&keys),
                    [twin],
                    "a twin of {twin} after {size} keys"
                );
            }
        }
    }

    #[test]
    fn only_the_last_of_three_stays() {
        let keys = ["a", "b", "a", "a"].map(str::to_owned);
        assert_eq!(replaced_of(&keys), [0, 2]);
    }
}
