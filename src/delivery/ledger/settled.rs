//! Sets of events of a chunk, by ordinal.

use std::ops::Range;

/// Events that need no further request: the service has accepted them, or rejected them for good.
///
/// A bit set, as events are added one by one and in any order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settled {
    words: Vec<u64>,
    count: usize,
}

impl Settled {
    /// A set of these events.
    pub fn of(ordinals: impl IntoIterator<Item = u32>) -> Self {
        let mut set = Self::default();
        for ordinal in ordinals {
            set.insert(ordinal);
        }
        set
    }

    /// Adds an event; returns whether it is new.
    pub fn insert(&mut self, ordinal: u32) -> bool {
        let (word, bit) = (ordinal as usize / 64, 1 << (ordinal % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// Adds the events of another set.
    pub fn extend(&mut self, other: &Self) {
        for ordinal in other.ranges().into_iter().flatten() {
            self.insert(ordinal);
        }
    }

    /// Whether the event is in the set.
    #[must_use]
    pub fn contains(&self, ordinal: u32) -> bool {
        let word = self.words.get(ordinal as usize / 64);
        word.is_some_and(|word| word & (1 << (ordinal % 64)) != 0)
    }

    /// How many events are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bytes of memory that the set takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// The events in order, as ranges.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<u32>> {
        let mut ranges = Vec::new();
        for (at, word) in (0..).zip(&self.words) {
            let mut word = *word;
            while word != 0 {
                let start = word.trailing_zeros();
                let len = (word >> start).trailing_ones();
                extend(&mut ranges, at * 64 + start..at * 64 + start + len);
                word &= u64::MAX.checked_shl(start + len).unwrap_or_default();
            }
        }
        ranges
    }
}

/// Converts ordinals in any order to sorted ranges.
#[must_use]
pub fn ranges(mut ordinals: Vec<u32>) -> Vec<Range<u32>> {
    ordinals.sort_unstable();
    ordinals.dedup();
    let mut ranges = Vec::new();
    for ordinal in ordinals {
        extend(&mut ranges, ordinal..ordinal + 1);
    }
    ranges
}

/// Appends a range that begins at the end of the last range or after it.
fn extend(ranges: &mut Vec<Range<u32>>, next: Range<u32>) {
    match ranges.last_mut() {
        Some(last) if last.end == next.start => last.end = next.end,
        _ => ranges.push(next),
    }
}

/// The events of a chunk that are not delivered yet: all events that are not settled, including those
/// that were never encoded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PendingItems {
    settled: Box<[Range<u32>]>,
}

impl PendingItems {
    /// All events except the settled ones.
    #[must_use]
    pub fn except(settled: &Settled) -> Self {
        Self {
            settled: settled.ranges().into(),
        }
    }

    /// Only these events, in any order.
    #[must_use]
    pub fn new(ordinals: Vec<u32>) -> Self {
        let mut settled = Vec::new();
        let mut next = 0;
        for left in ranges(ordinals) {
            if next < left.start {
                settled.push(next..left.start);
            }
            next = left.end;
        }
        settled.push(next..u32::MAX);
        Self {
            settled: settled.into(),
        }
    }

    /// Whether the event is not delivered yet.
    #[must_use]
    pub fn contains(&self, ordinal: u32) -> bool {
        let next = self.settled.partition_point(|range| range.end <= ordinal);
        !self
            .settled
            .get(next)
            .is_some_and(|range| range.contains(&ordinal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_equals_its_ranges() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            let mut ordinals: Vec<u32> = (0..random.usize(..300))
                .map(|_| random.u32(..400))
                .collect();
            let mut set = Settled::default();
            for &ordinal in &ordinals {
                let known = set.contains(ordinal);
                assert_eq!(set.insert(ordinal), !known);
            }
            assert_eq!(set.ranges(), ranges(ordinals.clone()));
            assert_eq!(Settled::of(set.ranges().into_iter().flatten()), set);
            let left = PendingItems::except(&set);
            let listed: Vec<u32> = (0..500).filter(|&n| !left.contains(n)).collect();
            ordinals.sort_unstable();
            ordinals.dedup();
            assert_eq!((listed, set.count()), (ordinals.clone(), ordinals.len()));
        }
    }

    #[test]
    fn events_that_were_never_encoded_are_pending() {
        let left = PendingItems::except(&Settled::of((0..64).chain(128..130)));
        for (ordinal, is_left) in [
            (63, false),
            (64, true),
            (129, false),
            (130, true),
            (9_999, true),
        ] {
            assert_eq!(left.contains(ordinal), is_left, "{ordinal}");
        }
    }

    #[test]
    fn only_listed_events_are_pending() {
        for set in [
            vec![],
            vec![0],
            vec![5, 3, 4, 9, 3],
            (0..500).map(|n| n * 2).collect(),
        ] {
            let left = PendingItems::new(set.clone());
            let listed: Vec<u32> = (0..1000).filter(|&n| left.contains(n)).collect();
            let mut sorted = set;
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(listed, sorted);
        }
    }
}
