//! Finds the members of a map that a later member with the same key replaces.
//!
//! FireLens makes such maps: a re-emitted record passes the generated `record_modifier` twice. Most
//! maps have no duplicate keys. A bit set over the keys proves that without comparing them. Only a
//! map that may have duplicates is compared exactly.

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
    ///
    /// # Panics
    ///
    /// If `index` is not the index of a member of a map that was compared exactly.
    #[must_use]
    pub fn contains(&self, index: usize) -> bool {
        self.0.as_ref().is_some_and(|replaced| replaced[index])
    }
}

/// Finds the members whose key, as JSON text, occurs again later.
#[must_use]
pub fn replaced(members: &[Field<'_>]) -> Replaced {
    if has_no_duplicates(members) {
        return Replaced(None);
    }
    replaced_as(members, |_| true, |member| json::key_text(member.raw_key))
}

/// Like [`replaced`], for the members that `keeps` accepts, under the name that `name` returns.
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

/// Compares only keys with equal bits. Returns `false` where an exact comparison is cheaper.
fn has_no_duplicates(members: &[Field<'_>]) -> bool {
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

/// One of 64 bits for a key. The length and the first and last bytes distinguish short keys best.
fn bit_of(key: &[u8]) -> u64 {
    let first = key.first().map_or(0, |&byte| usize::from(byte));
    let last = key.last().map_or(0, |&byte| usize::from(byte));
    1 << ((key.len() * 11 + first * 5 + last) % 64)
}

/// With more members the exact comparison is cheaper: its cost per member is constant.
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
    fn every_duplicate_is_found_in_maps_of_any_size() {
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
    fn only_the_last_of_three_equal_keys_stays() {
        let keys = ["a", "b", "a", "a"].map(str::to_owned);
        assert_eq!(replaced_of(&keys), [0, 2]);
    }
}
