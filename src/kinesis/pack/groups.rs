//! Texts that are to be one Kinesis record, for each partition key.

use std::collections::HashMap;

/// The groups of one chunk, by their partition keys.
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
    /// The texts as they are joined.
    pub(super) data: Vec<u8>,
    pub(super) ordinals: Vec<u32>,
    /// Of the first text.
    pub(super) time: i64,
}

impl Groups {
    /// How many there are, empty ones included.
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

    /// Adds a group for a key that has none.
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

    /// How many bytes have been joined in a group.
    pub(super) fn bytes(&self, group: usize) -> usize {
        self.groups[group].data.len()
    }

    /// Adds a text to a group, at the end of whose data it is to be written.
    pub(super) fn add(&mut self, group: usize, ordinal: u32, time: i64) -> &mut Vec<u8> {
        let group = &mut self.groups[group];
        if group.ordinals.is_empty() {
            group.time = time;
        }
        group.ordinals.push(ordinal);
        &mut group.data
    }

    /// Takes the texts of a group, which then has none; `None` if it had none.
    pub(super) fn take(&mut self, group: usize) -> Option<Group> {
        let group = &mut self.groups[group];
        let empty = Group {
            key: group.key.clone(),
            ..Group::default()
        };
        (!group.ordinals.is_empty()).then(|| std::mem::replace(group, empty))
    }

    /// Forgets all groups.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
