//! What was sent and what arrived, as multisets of whole records with their times.
//!
//! Of a record only a digest is kept, so that files of any size can be tried.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use crate::aws::digest;
use crate::chunk::Container;

/// A record's keys and values.
pub(super) type Fields = BTreeMap<String, String>;

/// A multiset of records.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: HashMap<Entry, usize>,
    count: usize,
}

/// A record's time, and a digest of its fields; the container is one of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Entry {
    millis: i64,
    digest: u64,
}

/// What two ledgers do not have in common.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Difference {
    /// Records that were sent more often than they arrived.
    pub(super) lost: usize,
    /// Records that arrived more often than they were sent.
    pub(super) duplicated: usize,
}

impl Ledger {
    /// Notes a record.
    pub(super) fn note(&mut self, millis: i64, fields: &Fields) {
        *self.entries.entry(Entry::of(millis, fields)).or_default() += 1;
        self.count += 1;
    }

    /// Notes what becomes of a container's record.
    pub(super) fn note_sent(
        &mut self,
        container: &Container,
        millis: i64,
        fields: &[(&'static str, Vec<u8>)],
    ) {
        self.note(millis, &routed(container, fields));
    }

    /// How many records there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether such a record is there.
    pub(super) fn has(&self, millis: i64, fields: &Fields) -> bool {
        self.entries.contains_key(&Entry::of(millis, fields))
    }

    /// What is not the same in what arrived.
    pub(super) fn difference(&self, arrived: &Self) -> Difference {
        Difference {
            lost: self.surplus_over(arrived),
            duplicated: arrived.surplus_over(self),
        }
    }

    fn surplus_over(&self, other: &Self) -> usize {
        let times = |entry: &Entry| other.entries.get(entry).copied().unwrap_or_default();
        let surplus = |(entry, count): (&Entry, &usize)| count.saturating_sub(times(entry));
        self.entries.iter().map(surplus).sum()
    }
}

/// A container's record as it is stored: what is no UTF-8 is replaced, and the generated filter has
/// added the task's metadata.
pub(super) fn routed(container: &Container, fields: &[(&'static str, Vec<u8>)]) -> Fields {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let own = fields.iter().map(|(key, value)| (*key, text(value)));
    let all = own.chain(container.metadata());
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        for (entry, count) in other.entries {
            *self.entries.entry(entry).or_default() += count;
        }
        self.count += other.count;
    }
}

impl Entry {
    fn of(millis: i64, fields: &Fields) -> Self {
        let text = serde_json::to_vec(fields).expect("a map of strings is an object");
        Self {
            millis,
            digest: digest(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(log: &str) -> Fields {
        [("log".to_owned(), log.to_owned())].into()
    }

    fn ledger(entries: &[(i64, &str)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (millis, log) in entries {
            ledger.note(*millis, &fields(log));
        }
        ledger
    }

    fn difference(sent: &[(i64, &str)], arrived: &[(i64, &str)]) -> (usize, usize) {
        let Difference { lost, duplicated } = ledger(sent).difference(&ledger(arrived));
        (lost, duplicated)
    }

    #[test]
    fn order_makes_no_difference() {
        let sent = [(1, "a"), (2, "a"), (1, "a")];
        assert_eq!(difference(&sent, &[(1, "a"), (1, "a"), (2, "a")]), (0, 0));
    }

    #[test]
    fn what_is_missing_is_lost_and_what_is_there_twice_is_duplicated() {
        let sent = [(1, "a"), (1, "a"), (1, "b")];
        assert_eq!(difference(&sent, &[(1, "a"), (1, "b"), (1, "b")]), (1, 1));
    }

    #[test]
    fn a_record_that_changed_on_its_way_is_lost_and_another_is_too_many() {
        for changed in [(1, "A"), (2, "a")] {
            assert_eq!(difference(&[(1, "a")], &[changed]), (1, 1));
            assert!(!ledger(&[(1, "a")]).has(changed.0, &fields(changed.1)));
        }
    }
}
