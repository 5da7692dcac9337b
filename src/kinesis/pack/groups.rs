//! Groups of texts that are joined into one Kinesis record, by partition key.

use std::collections::HashMap;

/// The groups of one chunk.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    numbers: HashMap<Box<str>, usize>,
    /// The group of texts without a partition key.
    keyless: Option<usize>,
}

/// Texts of one partition key.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// `None` for texts without one.
    pub(super) key: Option<Box<str>>,
    /// The joined texts.
    pub(super) data: Vec<u8>,
    pub(super) ordinals: Vec<u32>,
    /// The time of the first text.
    pub(super) time: i64,
}

impl Groups {
    /// The number of groups, including empty ones.
    pub(super) fn count(&self) -> usize {
        self.groups.len()
    }

    /// The number of a key's group, if it has one.
    pub(super) fn find(&self, key: Option<&str>) -> Option<usize> {
        match key {
            Some(key) => self.numbers.get(key).copied(),
            None => self.keyless,
        }
    }

    /// Adds a group for a key without one.
    pub(super) fn insert(&mut self, key: Option<&str>) -> usize {
        let number = self.groups.len();
        let key: Option<Box<str>> = key.map(Into::into);
        match &key {
            Some(key) => _ = self.numbers.insert(key.clone(), number),
            None => self.keyless = Some(number),
        }
        self.groups.push(Group {
            key,
            ..Group::default()
        });
        number
    }

    /// Whether a group has no text.
    pub(super) fn is_empty(&self, group: usize) -> bool {
        self.groups[group].ordinals.is_empty()
    }

    /// The number of bytes joined in a group.
    pub(super) fn bytes(&self, group: usize) -> usize {
        self.groups[group].data.len()
    }

    /// Adds a text to a group. Returns the data to which the text must be appended.
    pub(super) fn add(&mut self, group: usize, ordinal: u32, time: i64) -> &mut Vec<u8> {
        let group = &mut self.groups[group];
        if group.ordinals.is_empty() {
            group.time = time;
        }
        group.ordinals.push(ordinal);
        &mut group.data
    }

    /// Takes the texts of a group and leaves it empty; `None` if it was empty.
    pub(super) fn take(&mut self, group: usize) -> Option<Group> {
        let group = &mut self.groups[group];
        let empty = Group {
            key: group.key.clone(),
            ..Group::default()
        };
        (!group.ordinals.is_empty()).then(|| std::mem::replace(group, empty))
    }

    /// Removes all groups.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
